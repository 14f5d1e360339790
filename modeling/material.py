"""From a take to material for training: which stretches are used for what, and whether they can be learnt from.

Programme is split by piece, never by window: what is held out was not heard in training at any level. A stimulus says
so itself (the parameter ``use`` of its music); material without cues is split into contiguous blocks with gaps between them.
"""

from collections.abc import Callable, Container, Iterator, Sequence
from itertools import pairwise

import numpy as np

from analysis.timebase import Timebase
from modeling.pairs import FULL_SCALE, Pair, Span, Split, centred, cut, select
from sessions.results import Condition
from signals.audio import AudioReader
from signals.cues import Cue, CueSheet, Parameter
from signals.errors import ModelError
from signals.sweeps import Sweep

LEAST_S: tuple[tuple[Split, float, str], ...] = (
    ("train", 2.0, "training"),
    ("validation", 0.3, "validation"),
    ("test", 0.3, "the final test"),
)
SILENT_DBFS = -70.0
MOST_CLIPPED = 1e-3
GUARD_S = 0.2
ROUND_S = 60.0
ROUND: tuple[tuple[Split, float], ...] = (("train", 0.7), ("validation", 0.15), ("test", 0.15))
TONE_EDGE_S = 0.05
LADDER, DISTORTION = "ladder", "distortion"
"""Purposes of tones that harmonics are learnt from or compared at."""
SWEPT_HZ = (300.0, 20000.0)
"""Part of a sweep that teaches harmonics. Below it the tones do, and music weighs more than a sweep does."""
HALF_STRETCH = 2.0 ** (1.0 / 6.0)
"""It is cut into thirds of an octave, so that the second harmonic of any moment of one lies well above every other. Each overlaps
the next by half, for what lies at the ends of a window hardly counts."""
MOST_PHASE = 0.2
"""Doubt about the time base, in radians at its frequency, with which a stretch of a sweep teaches nothing."""


def spans_of_sheet(sheet: CueSheet, channel: int) -> list[Span]:
    """What a stimulus is used for.

    Music by its own parameter ``use``; noise trains, since it reaches the ends of the band that music leaves weak. Of the level
    ladder every second level teaches harmonics and the others are for the comparison; the highest teaches as well, for what is
    louder than all that was learnt from is a guess. Of the tones for distortion over frequency every second frequency teaches,
    the highest among them. Between their frequencies sweeps teach, cut into stretches that are taken for tones: all but the
    softest, which is to tell the response and bends nothing.
    """
    tones = sheet.of_kind("tone", channel=channel)
    levels_db = {cue.level_db for cue in tones if cue.parameters.get("purpose") == LADDER and cue.level_db is not None}
    apart_hz = {cue.number("frequency_hz") for cue in tones if cue.parameters.get("purpose") == DISTORTION}
    falling = sorted(levels_db, reverse=True)
    taught = {(LADDER, level_db) for level_db in (*falling[1::2], *(falling[:1] if len(falling) > 2 else ()))}
    taught |= {(DISTORTION, frequency_hz) for frequency_hz in sorted(apart_hz, reverse=True)[::2]}
    spans = []
    for cue in sheet.of_kind("music", "noise", "tone", channel=channel):
        split = _split_of(cue, taught)
        if split is None:
            continue
        edge = round(TONE_EDGE_S * sheet.sample_rate) if cue.kind == "tone" else 0
        conditions: dict[str, Condition] = {"kind": cue.kind}
        if cue.level_db is not None:
            conditions["level_db"] = cue.level_db
        if cue.kind == "tone":
            conditions["frequency_hz"] = cue.number("frequency_hz")
        spans.append(Span(cue.start_samples + edge, cue.stop_samples - edge, split, cue.name, conditions))
    sweeps = sorted(sheet.of_kind("sweep", channel=channel), key=lambda cue: cue.level_db or 0.0)
    for cue in sweeps[1:] or sweeps:
        spans.extend(_stretches(cue, sheet.sample_rate))
    return spans


def _stretches(cue: Cue, sample_rate: int) -> Iterator[Span]:
    """Stretches of a sweep, with the frequency in the middle of each."""
    sweep = Sweep(cue.number("low_hz"), cue.number("high_hz"), cue.number("rate_s"))
    low, high = max(SWEPT_HZ[0], sweep.low_hz), min(SWEPT_HZ[1], sweep.high_hz)
    middles = low * HALF_STRETCH ** np.arange(1, int(np.log(max(high / low, 1.0)) / np.log(HALF_STRETCH)))
    starts, stops = (
        cue.start_samples + np.round(sweep.time_s(edge) * sample_rate).astype(int)
        for edge in (middles / HALF_STRETCH, middles * HALF_STRETCH)
    )
    for start, stop, middle in zip(starts.tolist(), stops.tolist(), middles.tolist(), strict=True):
        conditions: dict[str, Condition] = {"kind": cue.kind, "frequency_hz": middle}
        if cue.level_db is not None:
            conditions["level_db"] = cue.level_db
        yield Span(start, stop, "ladder", cue.name, conditions)


def _split_of(cue: Cue, taught: Container[tuple[str, float | None]]) -> Split | None:
    if cue.kind == "music":
        use = cue.parameters.get("use", "train")
        return use if use in ("validation", "test") else "train"  # type: ignore[return-value]
    if cue.kind == "noise":
        return "train"
    purpose = cue.parameters.get("purpose")
    if purpose == LADDER:
        return "ladder" if (LADDER, cue.level_db) in taught else "tone"
    if purpose == DISTORTION:
        return "ladder" if (DISTORTION, cue.number("frequency_hz")) in taught else "tone"
    return None


def split_in_words(sheet: CueSheet, channel: int) -> str:
    """How the stimulus divides its music."""
    uses: dict[Parameter, set[Parameter]] = {}
    for cue in sheet.of_kind("music", channel=channel):
        uses.setdefault(cue.parameters.get("file", cue.name), set()).add(cue.parameters.get("use", "train"))
    if all(len(use) == 1 for use in uses.values()):
        return "by piece of music, as the stimulus says: no piece is in more than one part"
    return "by parts of a recording, which follow one another: too few recordings were given to keep one of them back"


def spans_of_length(samples: int, sample_rate: int) -> list[Span]:
    """Split material without cues: in each minute or so 70 % for training, 15 % each for validation and test, with gaps."""
    rounds = max(1, round(samples / sample_rate / ROUND_S))
    edges = np.linspace(0, samples, rounds + 1)
    gap = round(GUARD_S * sample_rate / 2)
    spans = []
    for start, stop in pairwise(edges):
        at = start
        for split, share in ROUND:
            end = at + share * (stop - start)
            name = f"{at / sample_rate:.1f} to {end / sample_rate:.1f} s"
            spans.append(Span(round(at) + gap, round(end) - gap, split, name))
            at = end
    return spans


def pairs_of(
    sent: AudioReader,
    sent_channel: int,
    returned: AudioReader,
    returned_channel: int,
    timebase_of: Callable[[Span], Timebase],
    spans: Sequence[Span],
) -> list[Pair]:
    """Cut all stretches of a take, centre them, and refuse what cannot be learnt from.

    Parameters
    ----------
    timebase_of : callable
        Time base to use for a stretch.

    Raises
    ------
    ModelError
        There is too little, it is silent or clipped, or the rates differ.
    """
    pairs = [cut(sent, sent_channel, returned, returned_channel, timebase_of(span), span) for span in spans]
    pairs = [pair for pair in pairs if pair.conditions.get("kind") != "sweep" or _phase_sd(pair) <= MOST_PHASE]
    check(pairs)
    return centred(pairs)


def _phase_sd(stretch: Pair) -> float:
    """Doubt about the phase of a stretch of a sweep, in radians."""
    return 2.0 * np.pi * float(stretch.conditions["frequency_hz"]) * float(stretch.conditions["timing_sd_s"])


def check(pairs: Sequence[Pair]) -> None:
    """Refuse material that cannot be learnt from.

    Raises
    ------
    ModelError
        With the value found, the limit and the remedy.
    """
    train = select(pairs, "train")
    if not train:
        raise ModelError("there is no material to train on, neither music nor noise; capture a stimulus with music in it")
    for word, parts in (("sent", [pair.dry for pair in train]), ("returned", [pair.wet for pair in train])):
        level = _level_dbfs(parts)
        if level < SILENT_DBFS:
            raise ModelError(
                f"the {word} sound is silent: {level:.0f} dBFS, limit {SILENT_DBFS:g} dBFS; check channel, cable and level"
            )
    clipped = sum(int(np.count_nonzero(np.abs(pair.wet) >= FULL_SCALE)) for pair in train) / sum(p.samples for p in train)
    if clipped > MOST_CLIPPED:
        raise ModelError(
            f"{100 * clipped:.2f} % of the returned samples are at full scale, limit {100 * MOST_CLIPPED:g} %; "
            "lower the input level of the interface and record again"
        )
    for split, least, purpose in LEAST_S:
        seconds = sum(pair.seconds for pair in select(pairs, split))
        if seconds < least:
            raise ModelError(
                f"{seconds:.1f} s of usable material for {purpose}, limit {least:g} s; "
                "give a longer recording, a minute or more, without long pauses"
            )


def _level_dbfs(parts: Sequence[np.ndarray]) -> float:
    power = sum(float(np.sum(part.astype(np.float64) ** 2)) for part in parts) / max(1, sum(part.size for part in parts))
    return 10.0 * float(np.log10(2.0 * power + 1e-20))
