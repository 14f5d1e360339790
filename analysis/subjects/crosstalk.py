"""Crosstalk figures: from every track that sounds alone, and from the pilot in silence, to every other."""

from collections.abc import Mapping

import numpy as np

from analysis.crosstalk import Leak, leaks
from analysis.findings import Measured, curve, result
from analysis.intact import CLIPPED
from analysis.subjects.missing import note as lost_note
from analysis.tracks import Tracks, solo_frequencies
from sessions.results import Curve, Result
from signals.cues import Cue

CROSSTALK = "tones of one track alone in another, re their level on the first, by correlation with its recording"
SYSTEMATIC_DB = 0.02
LEAST_SNR = 10.0

Given = dict[tuple[int, int], tuple[np.ndarray, np.ndarray]]
"""By channels (from, to): frequencies in Hz and complex ratios, zero where nothing was heard."""


def measure(tracks: Tracks, notes: Mapping[int, str]) -> tuple[Measured, Given]:
    """Crosstalk of every pair of tracks, and what was heard as complex ratios.

    Parameters
    ----------
    notes : mapping of int to str
        By track, why its figures cannot be had.
    """
    results: list[Result] = []
    curves: list[Curve] = []
    given: Given = {}
    for cue, sent_hz in _sources(tracks):
        stretch, ratio = tracks.stretch(cue)
        source = tracks.inputs[cue.channel]
        found = leaks(stretch, source, (ratio * sent_hz).tolist(), tracks.takes[0].sheet.sample_rate)
        peak = float(np.max(np.abs(stretch[:, source])))
        for channel, to in tracks.inputs.items():
            if channel == cue.channel:
                continue
            row = [leak[to] for leak in found]
            pair = {"from": tracks.track(cue.channel), "to": tracks.track(channel)}
            note = notes.get(pair["from"]) or notes.get(pair["to"])
            if not note and peak >= CLIPPED:
                note = f"track {pair['from']} comes back with {peak:.3f} of full scale and is clipped; lower the input gain"
            figures = [
                _figure(leak, tracks.under(**pair, frequency_hz=float(f)), note)
                for leak, f in zip(row, sent_hz, strict=True)
            ]
            results += figures
            heard = [i for i, figure in enumerate(figures) if figure.valid]
            ratios = np.array([leak.ratio if i in heard else 0.0 for i, leak in enumerate(row)])
            if cue.kind == "multitone" and heard:
                given[cue.channel, channel] = (sent_hz, ratios)
                levels = np.array([row[i].level_db for i in heard])
                doubts = [row[i].uncertainty_db + SYSTEMATIC_DB for i in heard]
                curves.append(
                    curve("crosstalk", tracks.under(**pair), CROSSTALK, sent_hz[heard], levels, "level", "dB", doubts)
                )
    return (results + _lost(tracks), curves), given


def _lost(tracks: Tracks) -> list[Result]:
    """Figures of the segments that are not on the recording."""
    sources = [(cue, solo_frequencies(cue), lost_note(tracks.take(cue.channel), cue)) for cue in tracks.lost_solos()]
    planned = tracks.takes[0].sheet.of_kind("silence")
    if planned and not tracks.rests():
        pilots = [c for c in tracks.takes[0].sheet.of_kind("pilot") if c.channel in tracks.inputs]
        said = lost_note(tracks.takes[0], planned[0])
        sources += [(pilot, np.array([pilot.number("frequency_hz")]), said) for pilot in pilots]
    return [
        Result.invalid(
            "crosstalk",
            "dB",
            tracks.under(**{"from": tracks.track(cue.channel), "to": tracks.track(channel), "frequency_hz": float(hz)}),
            CROSSTALK,
            said,
        )
        for cue, sent_hz, said in sources
        for channel in tracks.inputs
        if channel != cue.channel
        for hz in sent_hz
    ]


def _sources(tracks: Tracks) -> list[tuple[Cue, np.ndarray]]:
    """Segments in which one track sounds alone, and its frequencies: the solos, and the pilot while the others rest."""
    found = [(cue, solo_frequencies(cue)) for cue in tracks.solos()]
    sheet = tracks.takes[0].sheet
    rests = tracks.rests()
    for pilot in sheet.of_kind("pilot"):
        if pilot.channel in tracks.inputs and rests:
            alone = rests[0].model_copy(update={"channel": pilot.channel})
            found.append((alone, np.array([pilot.number("frequency_hz")])))
    return found


def _figure(leak: Leak, conditions: dict[str, str | int | float], note: str | None) -> Result:
    frequency_hz = conditions["frequency_hz"]
    if not note and leak.source_snr < LEAST_SNR:
        note = (
            f"{frequency_hz:g} Hz comes back on its own track {10.0 * np.log10(leak.source_snr):.0f} dB above the noise "
            f"and at least {10.0 * np.log10(LEAST_SNR):.0f} dB are needed; check the wiring, or use a better tape"
        )
    if not note and not leak.heard:
        note = f"not above the noise: below {leak.limit_db:.1f} dB; a longer stimulus would show less"
    if note:
        return Result.invalid("crosstalk", "dB", conditions, CROSSTALK, note)
    return result("crosstalk", leak.level_db, "dB", leak.uncertainty_db + SYSTEMATIC_DB, conditions, CROSSTALK)
