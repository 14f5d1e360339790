"""Crosstalk, azimuth, balance and erasure, from the replay matrix, the motion of both passes and the fields of the heads."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from modeling.deck.erasure import erasure_db
from modeling.deck.motion import PassPair
from modeling.deck.tracks import replay_matrix
from modeling.deck.transport import Trajectory
from modeling.deck.true.noise import reference_db
from modeling.deck.true.session import TrueSession, decibels
from sessions.results import Condition, Result
from signals.multitone import frequencies

REFERENCE_HZ = 1000.0
STEP_S = 0.01
BY_MATRIX = "replay matrix in closed form, at the frequency that is heard"
BY_MOTION = "difference of the tracks' motion in closed form, mean from start to end marker"
BY_SINE = "steady sine through the law of the tape in full, harmonic balance"
BY_PARTICLES = "particle classes that erase field and bias leave as they were, in closed form"


def track_results(session: TrueSession, record: Trajectory, play: Trajectory, number: int) -> Iterator[Result]:
    """Figures of the tracks of one play pass beside one another."""
    pairs = {track: PassPair(record, play, track) for track in _tracks(session)}
    yield from _crosstalk(session, pairs, number)
    yield from _erasure(session, sorted(pairs.keys() & session.driven), number)
    span_s = session.marker_s("marker_start"), session.marker_s("marker_end")
    time_s = np.arange(*span_s, STEP_S)
    heard_s = {track: pair.output_time(time_s) for track, pair in pairs.items() if track in session.driven}
    for low, high in combinations(sorted(heard_s), 2):
        here: dict[str, Condition] = {**session.conditions(low, number), "track_to": high + 1}
        delay_s = float(np.mean(heard_s[high] - heard_s[low]))
        yield Result(quantity="azimuth_delay", value=delay_s, unit="s", conditions=here, method=BY_MOTION)
        balance_db = reference_db(session, high) - reference_db(session, low)
        at_reference = {**here, "frequency_hz": REFERENCE_HZ}
        yield Result(quantity="channel_balance", value=balance_db, unit="dB", conditions=at_reference, method=BY_SINE)


def _crosstalk(session: TrueSession, pairs: dict[int, PassPair], number: int) -> Iterator[Result]:
    """Crosstalk from every track that sounds alone to its neighbours; to tracks farther off there is none."""
    for source, sent_hz in _sources(session):
        if source not in pairs:
            continue
        span_s = session.marker_s("marker_start"), session.marker_s("marker_end")
        ratio = 1.0 + pairs[source].speed_error_percent(*span_s) / 100.0
        matrix = np.abs(replay_matrix(ratio * sent_hz, session.parameters))
        for to in pairs:
            if to == source or not np.all(matrix[:, to, source]):
                continue
            for frequency_hz, level in zip(sent_hz, matrix[:, to, source] / matrix[:, source, source], strict=True):
                here = session.conditions(source, number, frequency_hz=float(frequency_hz))
                del here["track"]
                here |= {"from": source + 1, "to": to + 1}
                yield Result(
                    quantity="crosstalk", value=decibels(float(level)), unit="dB", conditions=here, method=BY_MATRIX
                )


def _erasure(session: TrueSession, tracks: list[int], number: int) -> Iterator[Result]:
    """What is left of the first recording where this one, and perhaps others before, were made over it."""
    if session.over:
        left_db = erasure_db(session.parameters, session.over)
        for track in tracks:
            here = session.conditions(track, number)
            del here["dbx"]
            yield Result(quantity="erasure", value=left_db, unit="dB", conditions=here, method=BY_PARTICLES)


def _sources(session: TrueSession) -> Iterator[tuple[int, np.ndarray]]:
    """Tracks that sound alone, and the frequencies sent: each in its own segment, the pilot's in silence."""
    sheet = session.sheet
    for cue in sheet.of_kind("multitone"):
        if cue.parameters.get("purpose") == "crosstalk":
            tones = frequencies(
                cue.number("low_hz"), cue.number("high_hz"), int(cue.number("tones")), cue.number("period_s")
            )
            yield sheet.channels[cue.channel].track - 1, tones
    if sheet.of_kind("silence"):
        for pilot in sheet.of_kind("pilot"):
            yield sheet.channels[pilot.channel].track - 1, np.array([pilot.number("frequency_hz")])


def _tracks(session: TrueSession) -> list[int]:
    tracks = [channel.track - 1 for channel in session.sheet.channels]
    return [track for track in tracks if not session.is_dead(track)]
