"""Dropouts and steadiness of level, from what lies at the places of the tape and the motion that brings them past the head."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from modeling.deck.convolution import BlockPlan
from modeling.deck.defects import Dropouts, dropouts
from modeling.deck.motion import PassPair
from modeling.deck.transport import Trajectory
from modeling.deck.true.session import TrueSession, tone_conditions
from modeling.deck.unevenness import Unevenness
from sessions.results import Result
from signals.cues import Cue

COUNTED = ((6.0, 2.0), (12.0, 5.0))
"""Depth in dB and least length in ms of what counts as a dropout."""

SHORTEST_S = 4.0
EDGE_S = 0.1
STEP_S = 1e-4
COARSE = 1000
"""Steps between the points among which dropouts are looked for."""
READING_S = 0.1
BY_PLACES = "places, depths and widths of the tape's dropouts in closed form, as the motion brings them past the head"
BY_UNEVENNESS = "unevenness of the coating and dropouts at the places of the tape that the motion brings past the head"


def steadiness_results(session: TrueSession, pair: PassPair, seed: int, number: int, channel: int) -> Iterator[Result]:
    """Level stability of the flutter tone, and on a tape with dropouts how many the longest tone or a pilot meets."""
    for cue in session.sheet.of_kind("tone", channel=channel):
        if cue.parameters.get("purpose") == "wow_flutter":
            conditions = session.conditions(pair.track, number, **tone_conditions(cue))
            if not _stretched(session, pair, cue):
                value = _stability_db(_sent_loss_db(session, pair, seed, cue) + _uneven_db(session, pair, seed, cue))
                yield Result(quantity="level_stability", value=value, unit="dB", conditions=conditions, method=BY_UNEVENNESS)
    long = [c for c in session.sheet.of_kind("tone", channel=channel) if session.seconds(c.length_samples) >= SHORTEST_S]
    for cue in [*sorted(long, key=lambda c: -c.length_samples)[:1], *session.sheet.of_kind("pilot", channel=channel)]:
        loss_db, minutes = _heard_loss_db(session, pair, seed, cue)
        for depth_db, length_ms in COUNTED:
            edges = np.diff(np.concatenate([[0], (loss_db > depth_db).astype(int), [0]]))
            lengths_s = STEP_S * (np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1))
            here = session.conditions(
                pair.track, number, frequency_hz=cue.number("frequency_hz"), depth_db=depth_db, length_ms=length_ms
            )
            rate = float(np.sum(lengths_s >= length_ms / 1000.0)) / minutes
            yield Result(quantity="dropouts_per_minute", value=rate, unit="1/min", conditions=here, method=BY_PLACES)


def undisturbed(session: TrueSession, pair: PassPair, seed: int, channel: int) -> TrueSession:
    """The session without the tones of a channel that meet a dropout: what that puts beside a tone is no noise of the deck."""
    faults = session.parameters.faults
    if faults.dropouts_per_minute == 0.0:
        return session
    hit = [c for c in session.sheet.of_kind("tone", channel=channel) if _sent_loss_db(session, pair, seed, c).any()]
    cues = tuple(cue for cue in session.sheet.cues if cue not in hit)
    return replace(session, sheet=session.sheet.model_copy(update={"cues": cues}))


def _span_s(session: TrueSession, cue: Cue) -> tuple[float, float]:
    return session.seconds(cue.start_samples), session.seconds(cue.stop_samples)


def _stretched(session: TrueSession, pair: PassPair, cue: Cue) -> bool:
    """Whether a stretched piece of tape comes by during a tone."""
    return pair.stretched(*_span_s(session, cue))


def _heard_loss_db(session: TrueSession, pair: PassPair, seed: int, cue: Cue) -> tuple[np.ndarray, float]:
    """Loss over the output time of a tone without its ends, and the minutes that takes."""
    start_s, stop_s = pair.output_time(np.array(_span_s(session, cue)))
    heard_s = np.arange(start_s + EDGE_S, stop_s - EDGE_S, STEP_S)
    return _loss_db(session, pair, seed, pair.play, heard_s), heard_s.size * STEP_S / 60.0


def _sent_loss_db(session: TrueSession, pair: PassPair, seed: int, cue: Cue) -> np.ndarray:
    """Loss over the input time of a tone without its ends."""
    return _loss_db(session, pair, seed, pair.record, _sent_s(session, cue))


def _sent_s(session: TrueSession, cue: Cue) -> np.ndarray:
    """Times of a tone without its ends, evenly over its input time."""
    start_s, stop_s = _span_s(session, cue)
    edge_s = min(EDGE_S, 0.25 * (stop_s - start_s))
    return np.arange(start_s + edge_s, stop_s - edge_s, STEP_S)


def _uneven_db(session: TrueSession, pair: PassPair, seed: int, cue: Cue) -> np.ndarray:
    """Loss by the unevenness of the coating at the places of a tone."""
    rate = session.sheet.sample_rate
    place = np.round(_places_s(pair.record, pair.track, _sent_s(session, cue)) * rate).astype(int)
    uneven = Unevenness(session.parameters, BlockPlan.at(rate), (seed, pair.track)).read(place[0], place[-1] + 1)
    return np.asarray(-20.0 * np.log10(1.0 + uneven[place - place[0]]))


def _places_s(motion: Trajectory, track: int, time_s: np.ndarray) -> np.ndarray:
    """Places of the tape, in seconds, that are at the head at given times of a pass."""
    return np.asarray(time_s + motion.advance(time_s, track))


def _loss_db(session: TrueSession, pair: PassPair, seed: int, motion: Trajectory, time_s: np.ndarray) -> np.ndarray:
    """Loss in dB at ascending times of a pass. Most of a tape is whole, so places are worked out near dropouts alone."""
    coarse_s = _places_s(motion, pair.track, np.append(time_s[::COARSE], time_s[-1]))
    found: Dropouts = dropouts(session.parameters, seed, pair.track, float(coarse_s[0]), float(coarse_s[-1]))
    loss_db = np.zeros(time_s.size)
    for middle, depth_db, width_s in zip(found.place_s, found.depth_db, found.width_s, strict=True):
        first, stop = np.searchsorted(coarse_s, (middle - width_s, middle + width_s))
        around = slice(COARSE * max(int(first) - 1, 0), COARSE * int(stop))
        distance_s = _places_s(motion, pair.track, time_s[around]) - middle
        loss = 0.5 * depth_db * (1.0 + np.cos(np.pi * distance_s / width_s))
        loss_db[around] += np.where(np.abs(distance_s) <= width_s, loss, 0.0)
    return loss_db


def _stability_db(loss_db: np.ndarray) -> float:
    """Half the range of the central 95 % of the levels over 0.1 s each."""
    points = round(READING_S / STEP_S)
    power = 10.0 ** (-loss_db[: loss_db.size // points * points].reshape(-1, points) / 10.0)
    low, high = np.quantile(10.0 * np.log10(power.mean(axis=1)), [0.025, 0.975])
    return float(0.5 * (high - low))
