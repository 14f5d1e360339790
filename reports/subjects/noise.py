"""Noise: weighted figures, spectrum, third octaves and hum."""

from collections.abc import Sequence

from reports.figures import Mark, Trace, spectrum
from reports.limits import interface_remark
from reports.numbers import in_words
from reports.overlays import Ordinate, overlay
from reports.pages import (
    Page,
    Plot,
    Table,
    by_track,
    conditions_line,
    curve_label,
    methods,
    missing,
    over_tracks,
    passes_phrase,
)
from reports.readings import SETUP_KEYS, PooledCurve, Reading, Setup
from reports.wording import capital, describe, plain, plain_number

RESULTS = ("noise_a", "noise_itu468", "noise_ccir_rms", "snr_a", "modulation_noise", "hum")
QUANTITIES = (*RESULTS, "noise_spectrum")
_BANDWIDTH = "bandwidth"  # condition of a spectrum in bands; without it the spectrum is a density


def page(setup: Setup) -> Page | None:
    """Spectrum with hum lines, third octaves, and the weighted figures side by side."""
    readings = setup.readings(*RESULTS)
    spectra = [c for c in setup.curves("noise_spectrum") if _BANDWIDTH not in c.conditions]
    thirds = [c for c in setup.curves("noise_spectrum") if _BANDWIDTH in c.conditions]
    if not (readings or spectra or thirds):
        return None
    blocks: list[Plot | Table] = []
    heights = (66.0, 54.0) if setup.items(["modulation_noise"]) else (80.0, 66.0)  # so that a third figure has room
    if spectra:
        figure = spectrum(_traces(spectra), "Noise density (dB/Hz)", _hum_marks(readings), heights[0])
        named = ", with the hum lines named" if _hum_marks(readings) else ""
        blocks.append(
            Plot("noise_spectrum", figure, f"Noise in a 1\u202fHz band, re the reference tone as returned{named}.")
        )
    if thirds:
        figure = spectrum(_traces(thirds), "Noise per third octave (dB)", height_mm=heights[1], steps=True)
        blocks.append(Plot("noise_third_octaves", figure, "Noise in third-octave bands, re the reference tone as returned."))
    over_level = setup.curves("modulation_noise")
    modulated = _traces(over_level) if over_level else _against_level(setup.readings("modulation_noise"))
    if modulated:
        figure = overlay({"": modulated}, "level", Ordinate("Modulation noise (dB)", 10.0, (-120.0, 0.0)), 48.0)
        blocks.append(Plot("modulation_noise", figure, "Noise beside a steady tone against the level of the tone."))
    table = by_track(
        readings, f"Noise in dB re the reference tone (1\u202fkHz sent at 0\u202fdB) as returned. {passes_phrase(readings)}"
    )
    if table:
        blocks.append(table)
    return Page(
        title="Noise",
        lead=lead(setup),
        conditions=conditions_line(setup, QUANTITIES),
        blocks=blocks,
        missing=missing(readings),
        methods=methods(setup, QUANTITIES),
        remark=interface_remark(r for r in readings if r.quantity != "snr_a"),  # it says the same as noise_a
    )


def lead(setup: Setup) -> str:
    """A-weighted noise and the strongest hum line, in a sentence."""
    found = over_tracks(setup.readings("noise_a"))
    text = f"A-weighted {found} re the reference tone" if found else ""
    hum = sorted((r for r in setup.readings("hum") if r.values and "frequency_hz" in r.conditions), key=lambda r: -r.mean)
    if hum:
        line = hum[0]
        where = plain(line.conditions["frequency_hz"])
        on = f" on track {line.conditions['track']}" if "track" in line.conditions else ""
        text += f"{'; ' if text else ''}the strongest hum line is {in_words(line.mean, 'dB')} at {where}\u202fHz{on}"
    return capital(text) + "." if text else ""


def _traces(curves: Sequence[PooledCurve]) -> list[Trace]:
    return [Trace(curve_label(c, curves), c.x, c.y) for c in curves]


def _against_level(readings: Sequence[Reading]) -> list[Trace]:
    """A line per track and tone, where there are three levels or more."""
    lines: dict[str, list[tuple[float, float]]] = {}
    for reading in readings:
        if reading.values and isinstance(reading.conditions.get("level_db"), int | float):
            name = capital(describe(reading.conditions, (*SETUP_KEYS, "level_db")))
            lines.setdefault(name, []).append((float(reading.conditions["level_db"]), reading.mean))
    return [Trace.of(name, *zip(*sorted(points), strict=True)) for name, points in lines.items() if len(points) > 2]


def _hum_marks(readings: Sequence[Reading]) -> list[Mark]:
    frequencies = {r.conditions.get("frequency_hz") for r in readings if r.quantity == "hum" and r.values}
    return [
        Mark(f"{plain_number(f)}\u202fHz", float(f)) for f in sorted(f for f in frequencies if isinstance(f, int | float))
    ]
