"""The dbx noise reduction: laws of both halves, filters, ballistics, and what is left of errors and noise with both in.

A gathered subject: its figures come of all positions of the switch together.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

from matplotlib.figure import Figure

from reports.expected import CONFIDENCE
from reports.figures import Trace
from reports.numbers import bare, in_words
from reports.overlays import Ordinate, overlay, side_by_side
from reports.pages import Cell, Page, Plot, Table, cell, column_head, conditions_line, methods, missing
from reports.readings import PooledCurve, Reading, Setup, distinct
from reports.wording import condition_text, describe, listing, quantity_name
from sessions.results import Condition

Drawn = tuple[str, Figure, str]
"""A figure with its name and caption."""

HALVES: Mapping[str, str] = {"encode": "Encoder", "decode": "Decoder"}
RATIOS = ("dbx_encode_ratio", "dbx_decode_ratio")
FIGURES = (*RATIOS, "dbx_unity_level", "dbx_time_constant", "dbx_tracking_error", "dbx_noise_reduction")
CURVES = ("dbx_encode_law", "dbx_decode_law", "dbx_emphasis", "dbx_weighting", "dbx_tracking_error")
QUANTITIES = (*FIGURES, *CURVES)
MOVING_NOISE = "modulation_noise"
MOVING_HZ = 100.0
REFERENCE_HZ = 1000.0
RELEASE_DB = 4.343  # of a one-pole on the square, in a time constant
PUBLISHED_RATIO = "2 (V)"
PUBLISHED = (
    "dbx type II is linear in dB, 2:1 before the tape and 1:2 behind it, by the Tascam 414 MkII owner's manual (V: "
    f"{CONFIDENCE['V']}). No time constant, unity level or filter of this deck's dbx is published: nothing is judged here. "
    "An error of the tape's level comes out about doubled."
)


def page(setups: Sequence[Setup]) -> Page | None:
    """Laws, filters, tracking and noise, and a table of the halves side by side; None where no figure is of dbx."""
    whole = _together(setups)
    if not whole.items(FIGURES):
        return None
    tracks = distinct([*whole.readings(*FIGURES), *(c for q in CURVES for c in whole.curves(q))], "track") or [None]
    first = tracks[0]
    of_track = (
        f" Track {first} of {len(tracks)}; the others stand in the tables and the CSV files." if len(tracks) > 1 else ""
    )
    plots = [_laws(whole, first), _filters(whole, first), _errors(whole, first), _moving(whole, first)]
    blocks: list[Plot | Table | Sequence[Table]] = [
        Plot(name, figure, caption + of_track) for made in plots if made is not None for name, figure, caption in [made]
    ]
    tables = [t for t in (_halves(whole, tracks), _whole(whole, tracks)) if t is not None]
    blocks += tables
    return Page(
        title="dbx noise reduction",
        lead=lead(whole),
        conditions=conditions_line(whole, QUANTITIES),
        blocks=blocks,
        missing=missing(whole.readings(*FIGURES)),
        methods=methods(whole, QUANTITIES),
        remark=PUBLISHED,
    )


def lead(whole: Setup) -> str:
    """Ratios, time constant and noise reduction of the first track, in a sentence."""
    parts = []
    ratios = [_nearest(whole, quantity) for quantity in RATIOS]
    known = [f"1:{in_words(r.mean, '', r.doubt)}" for r in ratios if r is not None]
    if known:
        parts.append(f"The halves work {listing(known)}" + (" at 1\u202fkHz" if known else ""))
    release = _nearest(whole, "dbx_time_constant", edge="release")
    if release is not None:
        parts.append(f"release with {in_words(release.mean, 's', release.doubt)}")
    reduction = _nearest(whole, "dbx_noise_reduction")
    if reduction is not None:
        parts.append(f"and lower the noise by {in_words(reduction.mean, 'dB', reduction.doubt)}")
    return (", ".join(parts).replace(", and", " and") + ".") if known else ""


def _together(setups: Sequence[Setup]) -> Setup:
    """All positions as one set-up, the position staying a condition of each figure."""
    measurements = setups[0].measurements.model_copy(
        update={
            "results": [r for s in setups for r in s.measurements.results],
            "curves": [c for s in setups for c in s.measurements.curves],
        }
    )
    return Setup("", "", {k: v for k, v in setups[0].conditions.items() if k != "dbx"}, measurements)


def _curves(whole: Setup, quantity: str, track: Condition | None, **conditions: Condition) -> list[PooledCurve]:
    wanted = {**({} if track is None else {"track": track}), **conditions}
    return [c for c in whole.curves(quantity) if wanted.items() <= dict(c.conditions).items()]


def _by_tone(curves: Iterable[PooledCurve]) -> list[Trace]:
    ordered = sorted(curves, key=lambda c: float(c.conditions.get("frequency_hz", 0.0)))
    return [
        Trace(describe({k: v for k, v in c.conditions.items() if k == "frequency_hz"}), c.x, c.y, c.low, c.high)
        for c in ordered
    ]


def _laws(whole: Setup, track: Condition | None) -> Drawn | None:
    panels = {}
    for dbx, name in HALVES.items():
        traces = _by_tone(_curves(whole, f"dbx_{dbx}_law", track))
        if traces:
            panels[name] = traces
    if not panels:
        return None
    ordinate = Ordinate("Output (dB re reference)", 10.0, (-100.0, 20.0))
    figure = overlay(panels, "level", ordinate, 76.0, columns=2)
    caption = (
        "Static laws: output against input at each frequency, the encoder's as it goes on tape, the decoder's as it comes from it. "
        "The decoder's flattens where it hears hiss and not the tone."
    )
    return "dbx_laws", figure, caption


def _filters(whole: Setup, track: Condition | None) -> Drawn | None:
    panels = {}
    for quantity, title in (("dbx_emphasis", "Emphasis of the signal"), ("dbx_weighting", "Weighting of the detector")):
        traces = [
            Trace(name, c.x, c.y, c.low, c.high)
            for dbx, name in HALVES.items()
            for c in _curves(whole, quantity, track, dbx=dbx)
        ]
        if traces:
            panels[title] = (Ordinate("Gain re 1 kHz (dB)", 5.0, (-40.0, 40.0)), traces)
    if not panels:
        return None
    caption = (
        "What each half does to the signal, by a weak tone beside a steady one, and how its detector weights what it hears."
    )
    return "dbx_filters", side_by_side(panels, 58.0), caption


def _errors(whole: Setup, track: Condition | None) -> Drawn | None:
    traces = _by_tone(_curves(whole, "dbx_tracking_error", track))
    if not traces:
        return None
    ordinate = Ordinate("Error (dB)", 1.0, (-6.0, 6.0))
    caption = "Level with dbx in record and play, less that without, against the level sent."
    return "dbx_tracking", overlay({"": traces}, "level", ordinate, 58.0), caption


def _moving(whole: Setup, track: Condition | None) -> Drawn | None:
    """Noise beside a low tone in every position that has it: with dbx in, it moves with the tone."""
    traces = [
        Trace(condition_text("dbx", c.conditions.get("dbx", "off")), c.x, c.y, c.low, c.high)
        for c in _curves(whole, MOVING_NOISE, track)
        if c.x.size > 1 and c.conditions.get("frequency_hz") == MOVING_HZ
    ]
    if not any(trace.label == condition_text("dbx", "on") for trace in traces):
        return None
    caption = (
        "A-weighted noise beside a 100\u202fHz tone, re the returned reference tone, against the level of the tone. Of itself a "
        "decoder lets it rise by 0.5\u202fdB a dB; what rises more is noise that the tape adds to the tone."
    )
    ordinate = Ordinate("Noise (dB)", 10.0, (-140.0, 0.0))
    return "dbx_noise_modulation", overlay({"": traces}, "level", ordinate, 50.0), caption


def _halves(whole: Setup, tracks: Sequence[Condition | None]) -> Table | None:
    """A row per figure, frequency and track; encoder and decoder side by side, what is published beside them."""
    rows: list[list[Cell]] = []
    ratios = {"encode": whole.readings(RATIOS[0]), "decode": whole.readings(RATIOS[1])}
    rows += _rows("Ratio", "", ratios, tracks, PUBLISHED_RATIO)
    rows += _rows("Level left unchanged", "dB", _by_half(whole.readings("dbx_unity_level")), tracks)
    for edge in ("release", "attack"):
        found = [r for r in whole.readings("dbx_time_constant") if r.conditions.get("edge") == edge]
        rows += _rows(f"Time constant, {edge}", "ms", _by_half(found), tracks, factor=1000.0)
    rows += _slopes(whole, tracks)
    if not rows:
        return None
    heads = ["", "", "Track", "Encoder", "Decoder", "Published"]
    return Table("± is the 95\u202f% uncertainty", heads, rows, frozenset({3, 4}))


def _by_half(readings: Iterable[Reading]) -> dict[str, list[Reading]]:
    kept = list(readings)
    return {dbx: [r for r in kept if r.conditions.get("dbx") == dbx] for dbx in HALVES}


def _rows(
    name: str,
    unit: str,
    halves: Mapping[str, Sequence[Reading]],
    tracks: Sequence[Condition | None],
    published: str = "",
    factor: float = 1.0,
) -> list[list[Cell]]:
    valid = [r for readings in halves.values() for r in readings if r.values]
    rows: list[list[Cell]] = []
    for tone in distinct(valid, "frequency_hz"):
        for i, track in enumerate(tracks):
            cells = [_one(halves[dbx], track, tone) for dbx in HALVES]
            if any(r is not None for r in cells):
                at = condition_text("frequency_hz", tone)
                first = [f"{name}, {at}", unit] if i == 0 else ["", ""]
                rows.append([*first, _named(track), *(cell(r, factor) for r in cells), published if i == 0 else ""])
    return rows


def _slopes(whole: Setup, tracks: Sequence[Condition | None]) -> list[list[Cell]]:
    """Release at 1 kHz as the slope that it is, of the time constant and the ratio."""
    found = [r for r in whole.readings("dbx_time_constant") if r.conditions.get("edge") == "release"]
    rows: list[list[Cell]] = []
    for track in tracks:
        cells: list[Cell] = []
        for dbx, quantity in zip(HALVES, RATIOS, strict=True):
            tau = _one(_by_half(found)[dbx], track, REFERENCE_HZ)
            ratio = _one(whole.readings(quantity), track, REFERENCE_HZ)
            slope = None if tau is None or ratio is None else RELEASE_DB * (ratio.mean - 1.0) / tau.mean
            cells.append(
                None if slope is None or tau is None else bare(slope, slope * (tau.doubt or 0.0) / tau.mean or None)
            )
        if any(c is not None for c in cells):
            rows.append(
                ["Slope of a long release" if not rows else "", "dB/s" if not rows else "", _named(track), *cells, ""]
            )
    return rows


def _one(readings: Iterable[Reading], track: Condition | None, tone: Condition) -> Reading | None:
    for r in readings:
        if r.values and r.conditions.get("track") == track and r.conditions.get("frequency_hz") == tone:
            return r
    return None


def _whole(whole: Setup, tracks: Sequence[Condition | None]) -> Table | None:
    """Tracking error by frequency and noise reduction, a column per track."""
    rows: list[list[Cell]] = []
    for quantity in ("dbx_tracking_error", "dbx_noise_reduction"):
        found = [r for r in whole.readings(quantity) if r.values]
        for tone in [None, *distinct(found, "frequency_hz")]:
            own = {r.conditions.get("track"): r for r in found if r.conditions.get("frequency_hz") == tone}
            if own:
                label = quantity_name(quantity) + ("" if tone is None else f", {condition_text('frequency_hz', tone)}")
                rows.append([label, "dB", *(cell(own.get(track)) for track in tracks)])
    if not rows:
        return None
    heads = ["", "", *(column_head(track) for track in tracks)]
    caption = "With dbx in record and play: 95\u202f% of the steps from −50 to 0\u202fdB keep within the tracking error"
    return Table(caption, heads, rows, frozenset(range(2, len(heads))))


def _nearest(whole: Setup, quantity: str, **conditions: Condition) -> Reading | None:
    found = [r for r in whole.readings(quantity) if r.values and conditions.items() <= dict(r.conditions).items()]
    return min(found, key=_octaves_away, default=None)


def _octaves_away(figure: Reading) -> float:
    """How far from 1 kHz; a frequency that is no number is farthest of all."""
    frequency_hz = figure.conditions.get("frequency_hz", REFERENCE_HZ)
    if isinstance(frequency_hz, str) or frequency_hz <= 0.0:
        return float("inf")
    return abs(math.log2(frequency_hz / REFERENCE_HZ))


def _named(track: Condition | None) -> str:
    return "" if track is None else str(track)
