"""Every family of figures with the sessions laid over each other, a page each."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from reports.figures import Trace
from reports.header import ReportHeader
from reports.overlays import Ordinate, Over, overlay
from reports.pages import Page, Plot, column_head
from reports.readings import PooledCurve, Setup, by_setup, distinct, number_or
from reports.subjects.distortion import REFERENCE_HZ as TONE_HZ
from reports.subjects.phase import smoothed
from reports.subjects.positions import by_speed
from reports.subjects.response import SMALL_SIGNAL_DB, level_at_1khz
from reports.subjects.timebase import running_mean, where_known
from reports.wording import condition_text, describe, plain
from sessions.results import Condition, Curve, Measurements

_MOST_PANELS = 6
_SLOW_S, _SPANS = 1.0, 120
_SMOOTHED_OCTAVES = 1.0 / 12.0
_SAME_SPEED = 0.02


@dataclass(frozen=True)
class Member:
    """A session of the comparison: its letter, its name, what it is and what was measured."""

    letter: str
    name: str
    header: ReportHeader
    measurements: Measurements


@dataclass(frozen=True)
class Beside:
    """The set-ups of all sessions that stand beside each other, by the label of their lines."""

    label: str
    slug: str
    setups: Mapping[str, Setup]


def beside(members: Sequence[Member]) -> list[Beside]:
    """Set-ups to lay over each other: at every speed of A the same of the others, without dbx where that was measured.

    Where no other session has a speed of A, its only one stands there all the same, and its label says so.
    """
    every = {m.letter: [group[0] for group in by_speed(by_setup(m.measurements))] for m in members}
    first = members[0].letter
    found = []
    for own in every[first]:
        same = {k: next((s for s in setups if _same_speed(s, own)), None) for k, setups in every.items()}
        if all(v is None for k, v in same.items() if k != first) and len(every[first]) == 1:
            same = {k: setups[0] for k, setups in every.items()}
        present = {k: s for k, s in same.items() if s is not None}
        if len(present) > 1:
            alike = all(_same_speed(s, own) for s in present.values())
            labelled = {k if alike else f"{k}, {_speed(s)}": s for k, s in present.items()}
            several = len(every[first]) > 1
            slug = f"speed_cm_s_{own.conditions.get('speed_cm_s')}" if several else ""
            found.append(Beside(_speed(own) if several else "", slug, labelled))
    return found


def pages(group: Beside, key: str) -> list[Page]:
    """Response, distortion, noise, wow and flutter with speed, and tracks; those of which two sessions hold curves.

    Parameters
    ----------
    key : str
        What the letters stand for, printed on each page.
    """
    families = (
        ("Response", _response(group)),
        ("Distortion", _distortion(group)),
        ("Noise", _noise(group)),
        ("Wow, flutter and speed", _motion(group)),
        ("Tracks", _tracks(group)),
    )
    return [Page(title=title, lead="", conditions=key, blocks=plots) for title, plots in families if plots]


def _response(group: Beside) -> list[Plot]:
    curves = {k: _small_signal(s) for k, s in group.setups.items()}
    panels = {
        title: [_relative(of[track], k) for k, of in curves.items() if track in of]
        for title, track in _common_tracks(curves)
    }
    plots = []
    if panels:
        level = next(iter(next(iter(curves.values())).values())).conditions.get("level_db", SMALL_SIGNAL_DB)
        text = f"Returned over sent, relative to 1\u202fkHz, sent at {condition_text('level_db', level)}; bands as in the reports."
        ordinate = Ordinate("Response re 1 kHz (dB)", 5.0, (-30.0, 20.0), guides=(-3.0, 3.0))
        plots.append(_plot("compared_response", panels, "frequency", ordinate, text))
    (first, own), *others = curves.items()
    apart = {
        title: [_apart(own[track], of[track], f"{k} less {first}") for k, of in others if track in of]
        for title, track in _common_tracks(curves)
        if track in own
    }
    apart = {title: traces for title, traces in apart.items() if traces}
    if apart:
        text = (
            "The same, less that of the first session; smoothed over a twelfth of an octave for the eye. The band is the 95\u202f%"
            " uncertainty of the difference: where it leaves zero, the response has changed."
        )
        ordinate = Ordinate("Difference (dB)", 2.0, (-20.0, 20.0))
        plots.append(
            _plot("compared_response_difference", apart, "frequency", ordinate, text, looks=[first, *_labels(apart)])
        )
    return plots


def _distortion(group: Beside) -> list[Plot]:
    percent = Ordinate("Total harmonic distortion (%)", logarithmic=True, reach=(1e-3, 100.0), guides=(3.0,))
    plots = []
    totals = _panels(group, "thd_vs_level", lambda c: c.conditions.get("frequency_hz", TONE_HZ) == TONE_HZ)
    if totals:
        text = "Total harmonic distortion at 315\u202fHz against the level sent; the broken line stands at 3\u202f%."
        plots.append(_plot("compared_distortion", totals, "level", percent, text))
    over = _panels(group, "thd_vs_frequency", lambda c: c.conditions.get("level_db", 0.0) == 0.0)
    if over:
        text = "Total harmonic distortion at 0\u202fdB against the frequency of the tone."
        plots.append(_plot("compared_thd_vs_frequency", over, "frequency", percent, text))
    third = _panels(group, "harmonic_response_3", _loudest(group, "harmonic_response_3"))
    if third:
        text = "Third harmonic against the frequency of the fundamental, from the loudest sweep that the sessions share."
        ordinate = Ordinate("Third harmonic (dB re fundamental)", 10.0, (-100.0, 20.0))
        plots.append(_plot("compared_third_harmonic", third, "frequency", ordinate, text))
    gains = _panels(group, "compression", lambda c: c.conditions.get("frequency_hz", 1000.0) == 1000.0, _gain)
    if gains:
        text = "Compression at 1\u202fkHz: output over input, relative to the lowest level."
        plots.append(_plot("compared_compression", gains, "level", Ordinate("Gain (dB)", 1.0, (-20.0, 6.0)), text))
    return plots


def _noise(group: Beside) -> list[Plot]:
    thirds = _panels(group, "noise_spectrum", lambda c: "bandwidth" in c.conditions)
    if thirds:
        text = "Noise in third octaves, re the reference tone as returned."
        ordinate = Ordinate("Noise per third octave (dB)", 10.0, (-180.0, 20.0))
        return [_plot("compared_noise", thirds, "frequency", ordinate, text)]
    density = _panels(group, "noise_spectrum", lambda c: "bandwidth" not in c.conditions)
    if not density:
        return []
    text = "Noise in a 1\u202fHz band, re the reference tone as returned."
    return [_plot("compared_noise", density, "frequency", Ordinate("Noise density (dB/Hz)", 10.0, (-180.0, 20.0)), text)]


def _motion(group: Beside) -> list[Plot]:
    plots = []
    spectra = [(k, c) for k, s in group.setups.items() for c in s.curves("flutter_spectrum")[:1]]
    if len(spectra) > 1:
        ordinate = Ordinate("Deviation (%)", logarithmic=True, reach=(1e-6, 100.0))
        text = "Spectrum of the speed deviation, mean over the passes: the highest point of each step."
        panels = {"": [Trace(k, c.x, c.y) for k, c in spectra]}
        plots.append(_plot("compared_flutter", panels, "flutter", ordinate, text))
    speeds = [(k, c) for k, s in group.setups.items() for c in s.measurements.find_curves("speed_deviation")[:1]]
    if len(speeds) > 1:
        span_s = max(_SLOW_S, round(max(c.x.array[-1] - c.x.array[0] for _, c in speeds) / _SPANS))
        panels = {"": [_slow(k, c, span_s, group.setups[k].measurements.find_curves("delay_trajectory")) for k, c in speeds]}
        text = f"Speed against its mean over the first pass, as the mean over {span_s:g}\u202fs: drift and slow wow."
        plots.append(_plot("compared_speed", panels, "time", Ordinate("Speed deviation (%)"), text))
    return plots


def _slow(label: str, curve: Curve, span_s: float, trajectories: Sequence[Curve]) -> Trace:
    """Running mean, without the ends where there is less than the span to average, and where nothing is known."""
    x, y = curve.x.array, running_mean(curve.x.array, curve.y.array, span_s)
    y = np.where(where_known(curve, trajectories), y, np.nan)
    whole = (x >= x[0] + span_s / 2.0) & (x <= x[-1] - span_s / 2.0)
    return Trace(label, x[whole], y[whole])


def _tracks(group: Beside) -> list[Plot]:
    panels = _panels(group, "crosstalk", lambda c: True)
    if not panels:
        return []
    text = "Crosstalk re what returns on the track that was sent to"
    text += "." if len(panels) <= _MOST_PANELS else f"; the first {_MOST_PANELS} of {len(panels)} pairs."
    shown = dict(list(panels.items())[:_MOST_PANELS])
    return [_plot("compared_crosstalk", shown, "frequency", Ordinate("Crosstalk (dB)", 10.0, (-120.0, 0.0)), text)]


def _plot(
    name: str,
    panels: Mapping[str, Sequence[Trace]],
    over: Over,
    ordinate: Ordinate,
    caption: str,
    looks: Sequence[str] | None = None,
) -> Plot:
    columns = 1 if len(panels) == 1 else 2
    rows = -(-len(panels) // columns)
    height = 76.0 if rows == 1 else 54.0 * rows + 6.0
    return Plot(name, overlay(panels, over, ordinate, height, columns, looks), caption)


def _panels(
    group: Beside,
    quantity: str,
    chosen: Callable[[PooledCurve], bool],
    trace: Callable[[PooledCurve, str], Trace] = lambda c, label: Trace(label, c.x, c.y),
) -> dict[str, list[Trace]]:
    """A panel for every track, or pair of tracks, that two sessions hold; a line for each session."""
    found: dict[str, dict[str, PooledCurve]] = {}
    for label, setup in group.setups.items():
        for curve in setup.curves(quantity):
            if chosen(curve):
                found.setdefault(_title(curve), {}).setdefault(label, curve)
    shared = {title: of for title, of in found.items() if len(of) > 1}
    return {
        title if len(shared) > 1 or "into" in title else "": [trace(c, label) for label, c in of.items()]
        for title, of in sorted(shared.items())
    }


def _title(curve: PooledCurve) -> str:
    if {"from", "to"} <= set(curve.conditions):
        return f"From track {plain(curve.conditions['from'])} into {plain(curve.conditions['to'])}"
    return column_head(curve.conditions["track"]) if "track" in curve.conditions else ""


def _loudest(group: Beside, quantity: str) -> Callable[[PooledCurve], bool]:
    """Chooses the loudest level that all sessions hold of a quantity."""
    levels = [{c.conditions.get("level_db", 0.0) for c in s.curves(quantity)} for s in group.setups.values()]
    shared = [float(v) for v in set.intersection(*levels) if not isinstance(v, str)] if levels else []
    loudest = max(shared, default=None)
    return lambda c: loudest is not None and c.conditions.get("level_db", 0.0) == loudest


def _small_signal(setup: Setup) -> dict[Condition | None, PooledCurve]:
    """Response of each track at the level nearest to −20 dB, where it reaches 1 kHz."""
    curves = [c for c in setup.curves("frequency_response") if level_at_1khz(c) is not None]
    found = {}
    for track in distinct(curves, "track") or [None]:
        own = [c for c in curves if c.conditions.get("track") == track]
        if own:
            wanted = SMALL_SIGNAL_DB
            found[track] = min(own, key=lambda c: abs(number_or(c.conditions.get("level_db"), wanted) - wanted))
    return found


def _common_tracks(curves: Mapping[str, Mapping[Condition | None, PooledCurve]]) -> list[tuple[str, Condition | None]]:
    """Title and number of every track that two sessions hold at one level."""
    tracks = sorted({track for of in curves.values() for track in of}, key=str)
    shared = []
    for track in tracks:
        levels = [of[track].conditions.get("level_db") for of in curves.values() if track in of]
        if len(levels) > 1 and len(set(levels)) == 1:
            shared.append(track)
    return [(column_head(track) if track is not None and len(shared) > 1 else "", track) for track in shared]


def _relative(curve: PooledCurve, label: str) -> Trace:
    shift = level_at_1khz(curve) or 0.0
    low, high = (None if v is None else v - shift for v in (curve.low, curve.high))
    return Trace(label, curve.x, curve.y - shift, low, high)


def _apart(first: PooledCurve, second: PooledCurve, label: str) -> Trace:
    """Difference of two responses re 1 kHz, on the grid of the first, with its uncertainty where both state one."""
    inside = (first.x >= second.x[0]) & (first.x <= second.x[-1])
    x = first.x[inside]
    ends = level_at_1khz(first) or 0.0, level_at_1khz(second) or 0.0
    y = np.interp(np.log(x), np.log(second.x), second.y) - ends[1] - (first.y[inside] - ends[0])
    y = smoothed(x, y, _SMOOTHED_OCTAVES)
    if first.low is None or first.high is None or second.low is None or second.high is None:
        return Trace(label, x, y)
    own = (first.high - first.low)[inside] / 2.0
    other = np.interp(np.log(x), np.log(second.x), (second.high - second.low) / 2.0)
    half = smoothed(x, np.hypot(own, other), _SMOOTHED_OCTAVES)
    return Trace(label, x, y, y - half, y + half)


def _gain(curve: PooledCurve, label: str) -> Trace:
    return Trace(label, curve.x, curve.y - curve.x - (curve.y[0] - curve.x[0]))


def _labels(panels: Mapping[str, Sequence[Trace]]) -> list[str]:
    return list(dict.fromkeys(t.label for traces in panels.values() for t in traces))


def _same_speed(one: Setup, other: Setup) -> bool:
    a, b = one.conditions.get("speed_cm_s"), other.conditions.get("speed_cm_s")
    if isinstance(a, int | float) and isinstance(b, int | float):
        return math.isclose(a, b, rel_tol=_SAME_SPEED)
    return a == b


def _speed(setup: Setup) -> str:
    return describe({k: v for k, v in setup.conditions.items() if k == "speed_cm_s"})
