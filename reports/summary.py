"""The first page: key figures beside what is expected of the deck, and a plain sentence per subject."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from analysis.interface import ALONE
from reports import expected as expectation
from reports.numbers import unit_scale
from reports.pages import Cell, cell, column_head, missing, spread_cell
from reports.readings import Reading, Setup, distinct
from reports.subjects import distortion, noise, response, steadiness, timebase, wow_flutter
from reports.subjects import tracks as tracks_page
from reports.wording import capital, condition_text, describe, listing, plain, sentence
from sessions.results import Condition, Measurements


@dataclass(frozen=True)
class KeyFigure:
    """One row of the table of key figures.

    Attributes
    ----------
    subject : str
        The subject whose sentence speaks of it.
    deck_wide : bool
        One figure for all tracks: the transport's.
    near : mapping
        Conditions to choose by, nearest first: level in dB, frequency in Hz.
    short : str
        Its name in a sentence, where it can be judged.
    worst : bool
        Of all tracks or pairs of tracks the one reading furthest from nothing, or the loudest of those in dB.
    """

    subject: str
    quantity: str
    label: str
    deck_wide: bool = False
    near: Mapping[str, float] = field(default_factory=dict)
    short: str = ""
    worst: bool = False


KEY_FIGURES: Sequence[KeyFigure] = (
    KeyFigure("Speed", "speed_error", "Speed, playback against recording", deck_wide=True),
    KeyFigure("Wow and flutter", "wow_flutter_weighted_2sigma", "Wow and flutter, weighted two-sigma", deck_wide=True),
    KeyFigure(
        "Wow and flutter",
        "wow_flutter_weighted_rms",
        "Wow and flutter, weighted RMS, JIS",
        deck_wide=True,
        short="the JIS figure",
    ),
    KeyFigure("Response", "bandwidth_low", "Lower limit, −3\u202fdB", near={"level_db": response.SMALL_SIGNAL_DB}),
    KeyFigure(
        "Response",
        "bandwidth_high",
        "Upper limit, −3\u202fdB",
        near={"level_db": response.SMALL_SIGNAL_DB},
        short="the upper limit",
    ),
    KeyFigure("Response", "response_ripple", "Ripple", near={"level_db": response.SMALL_SIGNAL_DB}),
    KeyFigure(
        "Distortion", "thd", "Total harmonic distortion", near={"frequency_hz": distortion.REFERENCE_HZ, "level_db": 0.0}
    ),
    KeyFigure("Distortion", "mol_315", "Level at 3\u202f% distortion"),
    KeyFigure("Noise", "noise_a", "Noise, A-weighted"),
    KeyFigure("Noise", "snr_a", "Signal to noise, A-weighted"),
    KeyFigure("Level", "level_stability", "Level stability"),
    KeyFigure("Level", "dropouts_per_minute", "Dropouts per minute", near={"depth_db": steadiness.COUNTED_DB}),
    KeyFigure(
        "Tracks", "crosstalk", "Crosstalk, worst pair", near={"frequency_hz": tracks_page.REFERENCE_HZ}, worst=True,
        short="crosstalk",
    ),
    KeyFigure("Tracks", "azimuth_delay", "Delay between tracks, furthest pair", worst=True),
    KeyFigure("Tracks", "channel_balance", "Balance, furthest pair", worst=True),
)  # fmt: skip
SUBJECTS = {
    "Speed": timebase,
    "Wow and flutter": wow_flutter,
    "Response": response,
    "Distortion": distortion,
    "Noise": noise,
    "Level": steadiness,
    "Tracks": tracks_page,
}
_MANY = 5  # quantities that bear the same note
_ALWAYS = ("Speed", "Wow and flutter", "Response", "Distortion", "Noise")  # what a session is expected to hold


@dataclass(frozen=True)
class Row:
    """A key figure as printed: one cell, or one per track."""

    setup: str
    subject: str
    label: str
    short: str
    detail: str
    unit: str
    cells: Sequence[Cell]
    deck_wide: bool
    spread: Cell
    expected: expectation.Expected | None
    verdict: str
    missing: Sequence[tuple[str, str]]


def tracks(setups: Sequence[Setup]) -> list[Condition]:
    """The tracks that have a column of their own; dropouts alone, which a pilot tells of too, make none."""
    of_all = [figure for figure in KEY_FIGURES if not (figure.deck_wide or figure.worst)]
    per_track = [figure.quantity for figure in of_all if figure.quantity != "dropouts_per_minute"]
    return distinct([r for s in setups for r in s.readings(*per_track)], "track")


def rows(setups: Sequence[Setup], known: Sequence[expectation.Expected]) -> list[Row]:
    """Every key figure that the session holds, invalid ones included, set-up by set-up."""
    columns = tracks(setups)
    found = [_row(setup, figure, columns, known) for setup in setups for figure in KEY_FIGURES]
    return [row for row in found if row is not None]


def absent(setups: Sequence[Setup]) -> list[str]:
    """Subjects of which the session holds nothing at all."""
    measured = {quantity for setup in setups for quantity in setup.quantities}
    return [name for name in _ALWAYS if measured.isdisjoint(SUBJECTS[name].QUANTITIES)]


def sentences(setups: Sequence[Setup], table: Sequence[Row]) -> list[tuple[str, str]]:
    """Subject and what its figures say in plain words, with the verdict where there is one."""
    said = []
    for subject, module in SUBJECTS.items():
        for setup in setups:
            text = module.lead(setup)
            verdict = _verdict_in_words([row for row in table if row.subject == subject and row.setup == setup.label])
            if text:
                said.append((subject + (f", {setup.label}" if setup.label else ""), f"{text} {verdict}".strip()))
    return said


def warnings(measurements: Measurements) -> list[str]:
    """What the notes of many valid figures say alike, such as exchanged cables: it concerns the session and not a figure."""
    said: dict[str, set[str]] = {}
    for result in measurements.results:
        for note in (result.note or "").split("; ") if result.valid else ():
            said.setdefault(note, set()).add(result.quantity)
    return [sentence(capital(note)) for note, of in said.items() if note and ALONE not in note and len(of) >= _MANY]


def heads(columns: Sequence[Condition]) -> list[str]:
    """Column heads of the tracks."""
    return [column_head(track) for track in columns] or ["Value"]


def _row(setup: Setup, figure: KeyFigure, columns: Sequence[Condition], known: Sequence[expectation.Expected]) -> Row | None:
    readings = setup.readings(figure.quantity, over=("pass", "track") if figure.deck_wide else ("pass",))
    readings = [r for r in readings if "re" not in r.conditions] or readings  # signal to noise re MOL stands on its page
    for key, wanted in figure.near.items():
        readings = _nearest(readings, key, wanted)
    if not readings:
        return None
    measured = {r.conditions.get("track"): r for r in reversed(readings) if r.values}
    if figure.worst and measured:
        size = abs if figure.quantity != "crosstalk" else float
        readings = sorted(readings, key=lambda r: -size(r.mean) if r.values else math.inf)
    if figure.worst or figure.deck_wide or not any(track in measured for track in columns):
        shown = next((r for r in readings if r.values), None)
        chosen, wide = [shown], True
    else:
        chosen, wide = [measured.get(track) for track in columns], False
    held = [r for r in chosen if r is not None]
    factor, unit = unit_scale(readings[0].unit, [r.mean for r in held])
    expected = expectation.find(known, figure.quantity, readings[0].unit, readings[0].conditions)
    return Row(
        setup=setup.label,
        subject=figure.subject,
        label=figure.label,
        short=figure.short or figure.label,
        detail=_detail(readings[0], figure) if figure.near or figure.worst else "",
        unit=unit,
        cells=[cell(r, factor) for r in chosen],
        deck_wide=wide,
        spread=spread_cell(held, factor),
        expected=expected,
        verdict=_verdict(held, expected),
        # Of the worst of many, those that were not had are the least; they stand on their page.
        missing=[] if figure.worst and measured else missing(r for r in readings if not r.values),
    )


def _nearest(readings: Sequence[Reading], key: str, wanted: float) -> list[Reading]:
    """Keep the readings whose condition is nearest to the one wanted: valid ones lead, invalid ones of that value stay."""
    values = [v for v in distinct([r for r in readings if r.values] or readings, key) if not isinstance(v, str)]
    if not values:
        return list(readings)
    best = min(values, key=lambda v: abs(v - wanted))
    return [r for r in readings if r.conditions.get(key, best) == best]


def _detail(reading: Reading, figure: KeyFigure) -> str:
    """Conditions of the row: "315 Hz at 0 dB"."""
    level = reading.conditions.get("level_db")
    if {"from", "to"} <= set(reading.conditions):
        tone = [condition_text("frequency_hz", v) for k, v in reading.conditions.items() if k == "frequency_hz"]
        return ", ".join([f"{plain(reading.conditions['from'])} into {plain(reading.conditions['to'])}", *tone])
    skip: tuple[str, ...] = () if figure.worst else ("track",)
    skip += ("frequency_hz",) if "depth_db" in reading.conditions else ()  # of the tone that was looked at
    parts = [describe(reading.conditions, (*skip, "pass", "speed_cm_s", "dbx", "level_db"))]
    return " ".join(filter(None, [*parts, "" if level is None else f"at {condition_text('level_db', level)}"]))


def _verdict(held: Sequence[Reading], expected: expectation.Expected | None) -> str:
    """The worst verdict over the tracks."""
    if not held:
        return "not measured"
    if expected is None:
        return ""
    verdicts = {expectation.judge(expected, r.mean, r.doubt) for r in held}
    return next((v for v in ("outside", "undecided", "within") if v in verdicts), "")


def _verdict_in_words(table: Sequence[Row]) -> str:
    phrases = {
        "outside": "outside what is expected",
        "undecided": "neither clearly within nor outside",
        "within": "within what is expected",
    }
    parts = []
    for verdict, phrase in phrases.items():
        names = [row.short for row in table if row.verdict == verdict]
        if names:
            parts.append(f"{listing(names)} {'is' if len(names) == 1 else 'are'} {phrase}")
    text = "; ".join(parts)
    return sentence(capital(text))
