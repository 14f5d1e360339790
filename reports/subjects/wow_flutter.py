"""Wow and flutter: every convention beside the others, and the spectrum with its lines."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from reports.figures import Mark, Trace, flutter_spectrum
from reports.numbers import bare, in_words, number
from reports.pages import DOUBT, Cell, Page, Plot, Table, cell, conditions_line, curve_label, methods, missing
from reports.readings import Reading, Setup, distinct, pool
from reports.wording import describe, shortened
from sessions.results import Result


class Convention(NamedTuple):
    """How a wow-and-flutter figure is defined."""

    name: str
    band: str
    statistic: str


CONVENTIONS: Mapping[str, Convention] = {
    "wow_flutter_weighted_2sigma": Convention("AES6-2008 (IEC 60386)", "0.2–200\u202fHz, weighted", "peak, two-sigma"),
    "wow_flutter_weighted_rms": Convention("JIS (WRMS)", "0.2–200\u202fHz, weighted", "RMS"),
    "wow_flutter_unweighted_rms": Convention("Unweighted", "0.2–200\u202fHz, flat", "RMS"),
    "wow_rms": Convention("Wow", "below 6\u202fHz, flat", "RMS"),
    "flutter_rms": Convention("Flutter", "6–200\u202fHz, flat", "RMS"),
}
QUANTITIES = (*CONVENTIONS, "flutter_line", "flutter_spectrum")
_EVERYWHERE = ("track", "pass")
_USUAL = ("track", "pass", "speed_cm_s", "dbx", "level_db", "frequency_hz")
_MOST_LINES = 8
_WEAKEST_LINE = 0.1  # of the strongest; what lies below is in measurements.json
_REMARK = (
    "The two-sigma peak is the deviation exceeded 5\u202f% of the time. "
    "Recording and playing flutter add as vectors: on a tape recorded and played on one deck a reading lies anywhere between"
    " nothing and twice that of one pass, so the mean of several passes says more than any one. Figures of different"
    " conventions never compare. Meters whose weighting falls off too fast above 40\u202fHz read fast flutter low."
)


def page(setup: Setup) -> Page | None:
    """All conventions in one table, the spectrum with numbered lines, and the lines' table."""
    readings = setup.readings(*CONVENTIONS, over=_EVERYWHERE)
    lines = _lines(setup)
    tracks = distinct(setup.measurements.find_curves("flutter_spectrum"), "track")
    curves = [c for c in setup.curves("flutter_spectrum") if c.conditions.get("track") in (None, *tracks[:1])]
    if not (readings or lines or curves):
        return None
    blocks: list[Plot | Table] = []
    table = _conventions(readings)
    if table:
        blocks.append(table)
    if curves:
        traces = [Trace(curve_label(c, curves), c.x, c.y, c.low, c.high) for c in curves]
        numbered = [Mark(str(i), _hertz(line), _part(line)) for i, line in enumerate(lines, 1)]
        caption = "Spectrum of the speed deviation" + ("; numbers refer to the table of lines." if numbered else ".")
        if len(tracks) > 1:
            caption += f" Track {tracks[0]}; the others share the transport."
        if any(c.passes > 1 for c in curves):
            caption += " The line is the mean over the passes, the band their spread."
        blocks.append(Plot("flutter_spectrum", flutter_spectrum(traces, numbered), caption))
    if lines:
        rows: list[list[Cell]] = [
            [str(i), number(_hertz(r)), cell(r), next(iter(r.remarks), "–")] for i, r in enumerate(lines, 1)
        ]
        blocks.append(
            Table("Lines of the spectrum", ["", "Frequency (Hz)", "Deviation (%)", "Likely part"], rows, frozenset({1, 2}))
        )
    return Page(
        title="Wow and flutter",
        lead=lead(setup),
        conditions=conditions_line(setup, QUANTITIES),
        blocks=blocks,
        missing=missing([*readings, *setup.readings("flutter_line")]),
        methods=methods(setup, QUANTITIES),
        remark=_REMARK,
    )


def lead(setup: Setup) -> str:
    """Both weighted figures and the strongest line, in a sentence."""
    names = {"wow_flutter_weighted_2sigma": "weighted peak (two-sigma)", "wow_flutter_weighted_rms": "weighted RMS (JIS)"}
    found = [next((r for r in setup.readings(q, over=_EVERYWHERE) if r.values), None) for q in names]
    parts = [f"{in_words(r.mean, r.unit, r.doubt)} {names[r.quantity]}" for r in found if r is not None]
    if not parts:
        return ""
    lines = _lines(setup)
    text = ", ".join(parts)
    if lines:
        part = f" ({lines[0].remarks[0]})" if lines[0].remarks else ""
        text += f"; the strongest line lies at {in_words(_hertz(lines[0]), 'Hz')}{part}"
    return text + "."


def _lines(setup: Setup) -> list[Reading]:
    """Lines of the spectrum, strongest first; those of several passes that lie within 2 % of each other are one.

    What its own uncertainty reaches down to nothing is no line to show.
    """
    clusters: list[list[Result]] = []
    found = [
        r
        for r in setup.measurements.find("flutter_line")
        if r.valid and isinstance(r.conditions.get("frequency_hz"), int | float)
    ]
    for result in sorted(found, key=_hertz):
        if clusters and _hertz(result) <= 1.02 * _hertz(clusters[-1][0]):
            clusters[-1].append(result)
        else:
            clusters.append([result])
    lines = []
    for cluster in clusters:
        mean_hz = sum(map(_hertz, cluster)) / len(cluster)
        same = [r.model_copy(update={"conditions": {"frequency_hz": mean_hz}}) for r in cluster]
        lines += pool(same)
    lines = [line for line in lines if line.mean > (line.doubt or 0.0)]
    lines.sort(key=lambda r: -r.mean)
    return [line for line in lines if line.mean >= _WEAKEST_LINE * lines[0].mean][:_MOST_LINES]


def _part(line: Reading) -> str:
    """The likely part in a word or two: the beginning of the note."""
    return shortened(re.split(r"[,;:(]", line.remarks[0].removeprefix("likely "))[0], 24) if line.remarks else ""


def _hertz(item: Result | Reading) -> float:
    return float(item.conditions["frequency_hz"])


def _conventions(readings: list[Reading]) -> Table | None:
    rows: list[list[Cell]] = []
    for reading in readings:
        if reading.values:
            name, band, statistic = CONVENTIONS[reading.quantity]
            between = " to ".join(str(bare(v, reading.uncertainty)) for v in reading.spread or ())
            kind = describe(reading.conditions, _USUAL)  # such as a single-pass estimate
            row = [f"{name}, {kind}" if kind else name, band, statistic, cell(reading), between, str(reading.passes)]
            rows.append(row)
    if not rows:
        return None
    heads = ["Convention", "Band", "Statistic", "Mean (%)", "Spread (%)", "Readings"]
    caption = f"Every convention of the same recording; {DOUBT}"
    return Table(caption, heads, rows, frozenset({3}))
