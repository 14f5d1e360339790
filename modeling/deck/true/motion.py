"""Latency, speed and its drift, wow and flutter and its lines, from the motion of both passes."""

from collections.abc import Iterator

import numpy as np

from modeling.deck.motion import PassPair
from modeling.deck.steady_state import response_delay_s
from modeling.deck.true.session import TrueSession, tone_conditions
from sessions.results import Axis, Curve, Result

CURVE_STEP_S = 0.01
EDGE_S = 0.05
"""Of a tone, left out of its spectrum at either end."""

BY_MOTION = "tape motion of both passes in closed form"


def motion_results(session: TrueSession, pair: PassPair, number: int, channel: int) -> Iterator[Result]:
    """Latency, speed error, and the figures of wow and flutter."""
    here = session.conditions(pair.track, number)
    start_s, stop_s = session.marker_s("marker_start"), session.marker_s("marker_end")
    travel_s = float(pair.output_time(np.array([start_s]))[0] - start_s)
    speed = session.parameters.pitch_ratio
    delay_s = response_delay_s(session.parameters, pair.track, session.heard_with(pair.track), speed=speed)
    yield Result(quantity="latency", value=travel_s + delay_s, unit="s", conditions=here, method=BY_MOTION)
    error = pair.speed_error_percent(start_s, stop_s)
    yield Result(quantity="speed_error", value=error, unit="%", conditions=here, method=BY_MOTION)
    drift = pair.drift_percent(start_s, stop_s)
    yield Result(quantity="speed_drift", value=drift, unit="%", conditions=here, method=BY_MOTION)
    for cue in session.sheet.of_kind("tone", channel=channel):
        if cue.parameters.get("purpose") == "wow_flutter":
            conditions = session.conditions(pair.track, number, **tone_conditions(cue))
            span = session.seconds(cue.start_samples), session.seconds(cue.stop_samples)
            if pair.stretched(*span):
                continue  # no sum of sinusoids
            for quantity, value in pair.flutter(*span).items():
                yield Result(quantity=quantity, value=value, unit="%", conditions=conditions, method=BY_MOTION)
            for name, hertz, percent in pair.lines(*span):
                line = {**conditions, "frequency_hz": round(hertz, 3)}
                yield Result(quantity="flutter_line", value=percent, unit="%", conditions=line, method=BY_MOTION, note=name)


def flutter_curves(session: TrueSession, pair: PassPair, number: int, channel: int) -> Iterator[Curve]:
    """Spectrum of the flutter of every tone of a channel that is there for it, but for its edges."""
    for cue in session.sheet.of_kind("tone", channel=channel):
        if cue.parameters.get("purpose") == "wow_flutter":
            span = session.seconds(cue.start_samples) + EDGE_S, session.seconds(cue.stop_samples) - EDGE_S
            if pair.stretched(*span):
                continue  # no sum of sinusoids
            frequency, percent = pair.spectrum(*span)
            yield Curve(
                quantity="flutter_spectrum",
                conditions=session.conditions(pair.track, number, **tone_conditions(cue)),
                method=BY_MOTION,
                x=Axis.of("frequency", "Hz", np.round(frequency, 6)),
                y=Axis.of("speed deviation", "%", np.round(percent, 9)),
            )


def motion_curves(session: TrueSession, pair: PassPair, number: int) -> Iterator[Curve]:
    """Delay trajectory and speed deviation."""
    here = session.conditions(pair.track, number)
    time_s = np.arange(0.0, session.seconds(session.sheet.samples), CURVE_STEP_S)
    x = Axis.of("input time", "s", np.round(time_s, 6))
    heard_s = pair.output_time(time_s)
    delay_s = np.round(heard_s - time_s, 10)
    ratio = pair.speed_ratio(time_s, heard_s)
    # As the pass starts the tape may be slow; between the markers it runs.
    running = (time_s >= session.marker_s("marker_start")) & (time_s <= session.marker_s("marker_end"))
    deviation = np.round(100.0 * (ratio / ratio[running].mean() - 1.0), 7)
    yield Curve(quantity="delay_trajectory", conditions=here, method=BY_MOTION, x=x, y=Axis.of("delay", "s", delay_s))
    yield Curve(quantity="speed_deviation", conditions=here, method=BY_MOTION, x=x, y=Axis.of("deviation", "%", deviation))
