"""The true value of what a session measures, by other roads than measurement takes.

Times come from the trajectories in closed form, response and distortion from a steady sine through the full sum of particle
classes, noise from its density. Nothing of a recording, of the running deck or of the analysis is used.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from modeling.deck.electronics import COUPLING_HZ, small_signal_gain
from modeling.deck.losses import coupling
from modeling.deck.motion import PassPair
from modeling.deck.noise import BAND_HZ, a_weighting, electronics_density, hiss_density, hum_lines
from modeling.deck.parameters import TRACKS, DeckParameters
from modeling.deck.steady_state import response_delay_s, steady_sine, thd_percent
from modeling.deck.tracks import replay_matrix
from modeling.deck.transport import play_trajectory, record_trajectory
from sessions.results import Axis, Condition, Curve, Measurements, Result
from signals.cues import Cue, CueSheet
from signals.errors import ModelError

CURVE_STEP_S = 0.01
RESPONSE_HZ = 1000.0 * 2.0 ** (np.arange(-68, 53) / 12.0)
"""Twelfth octaves around 1 kHz, 19.7 Hz to 20.2 kHz."""

RESPONSE_POINTS = 256
DISTORTION_HZ = (315.0, 1000.0)
HARMONICS = (2, 3, 4, 5)
DEFAULT_SWEEP_DB = -20.0

BY_MOTION = "tape motion of both passes in closed form"
BY_SINE = "steady sine through the full Preisach sum, harmonic balance"
BY_DENSITY = "noise density in closed form"


@dataclass(frozen=True)
class _Session:
    parameters: DeckParameters
    sheet: CueSheet
    driven: frozenset[int]

    def conditions(self, track: int, number: int, **more: Condition) -> dict[str, Condition]:
        """Conditions of a figure; `track` 0-based."""
        speed: Condition = self.parameters.speed_cm_s
        return {"track": track + 1, "pass": number, "speed_cm_s": speed, "dbx": "off", **more}

    def heard_with(self, track: int) -> frozenset[int]:
        """Tracks that carry the same as `track`."""
        return self.driven if track in self.driven else frozenset({track})

    def seconds(self, samples: int) -> float:
        return samples / self.sheet.sample_rate

    def marker_s(self, kind: str) -> float:
        """Start of the marker in stimulus time.

        Raises
        ------
        ModelError
            The stimulus has none.
        """
        found = [c for c in self.sheet.cues if c.kind == kind]
        if not found:
            raise ModelError(
                f"stimulus '{self.sheet.stimulus}' has 0 cues of kind {kind}, 1 is needed; plan it with markers"
            )
        return self.seconds(found[0].start_samples)


def truth(
    parameters: DeckParameters,
    sheet: CueSheet,
    seed: int,
    *,
    passes: Sequence[int],
    tool_version: str,
    created: str,
    recording: int = 1,
) -> Measurements:
    """True values of a session made on a virtual deck.

    Programme channels are taken to carry the same programme, so that each is heard in its neighbours. Sending and receiving
    begin with the first sample of their pass.

    Parameters
    ----------
    parameters, seed
        Those of the deck.
    sheet : CueSheet
        The stimulus; channel i is wired to track ``sheet.channels[i].track``.
    passes : sequence of int
        Play passes, as numbered at ``VirtualDeck.play``.
    tool_version, created : str
        As in every results file.
    recording : int
        Number of the record pass, from 1 (``VirtualDeck.recordings``).

    Returns
    -------
    Measurements
        Latency, speed, wow and flutter, response, distortion and noise for every track and pass.

    Raises
    ------
    ModelError
        A track that the deck has not, or a stimulus without markers.
    """
    tracks = [channel.track - 1 for channel in sheet.channels]
    wrong = [t + 1 for t in tracks if t >= TRACKS]
    if wrong:
        raise ModelError(f"the stimulus is wired to track {wrong[0]}; the virtual deck has {TRACKS}")
    programme = frozenset(tracks[i] for i in sheet.channels_of("programme"))
    session = _Session(parameters, sheet, programme)
    record = record_trajectory(parameters, seed, recording)
    results: list[Result] = []
    curves: list[Curve] = []
    for number in passes:
        play = play_trajectory(parameters, seed, number)
        for channel, track in enumerate(tracks):
            pair = PassPair(record, play, track)
            results += _motion_results(session, pair, number, channel)
            curves += _motion_curves(session, pair, number)
            results += _noise_results(session, track, number)
            curves.append(_noise_curve(session, track, number))
            if track in programme:
                results += _distortion_results(session, track, number, channel)
                curves += _response_curves(session, track, number)
    return Measurements(session=sheet.session, tool_version=tool_version, created=created, results=results, curves=curves)


def _motion_results(session: _Session, pair: PassPair, number: int, channel: int) -> Iterator[Result]:
    here = session.conditions(pair.track, number)
    start_s, stop_s = session.marker_s("marker_start"), session.marker_s("marker_end")
    travel_s = float(pair.output_time(np.array([start_s]))[0] - start_s)
    delay_s = response_delay_s(session.parameters, pair.track, session.heard_with(pair.track))
    yield Result(quantity="latency", value=travel_s + delay_s, unit="s", conditions=here, method=BY_MOTION)
    error = pair.speed_error_percent(start_s, stop_s)
    yield Result(quantity="speed_error", value=error, unit="%", conditions=here, method=BY_MOTION)
    for cue in session.sheet.of_kind("tone", channel=channel):
        if cue.parameters.get("purpose") == "wow_flutter":
            conditions = session.conditions(pair.track, number, **_tone_conditions(cue))
            figures = pair.flutter(session.seconds(cue.start_samples), session.seconds(cue.stop_samples))
            for quantity, value in figures.items():
                yield Result(quantity=quantity, value=value, unit="%", conditions=conditions, method=BY_MOTION)


def _motion_curves(session: _Session, pair: PassPair, number: int) -> Iterator[Curve]:
    here = session.conditions(pair.track, number)
    time_s = np.arange(0.0, session.seconds(session.sheet.samples), CURVE_STEP_S)
    x = Axis.of("input time", "s", np.round(time_s, 6))
    heard_s = pair.output_time(time_s)
    delay_s = np.round(heard_s - time_s, 10)
    ratio = pair.speed_ratio(time_s, heard_s)
    deviation = np.round(100.0 * (ratio / ratio.mean() - 1.0), 7)
    yield Curve(quantity="delay_trajectory", conditions=here, method=BY_MOTION, x=x, y=Axis.of("delay", "s", delay_s))
    yield Curve(quantity="speed_deviation", conditions=here, method=BY_MOTION, x=x, y=Axis.of("deviation", "%", deviation))


def _distortion_results(session: _Session, track: int, number: int, channel: int) -> Iterator[Result]:
    for cue in session.sheet.of_kind("tone", channel=channel):
        frequency_hz = cue.number("frequency_hz")
        if frequency_hz not in DISTORTION_HZ or cue.level_db is None:
            continue
        harmonics = steady_sine(session.parameters, frequency_hz, cue.level_db, track, session.heard_with(track))
        here = session.conditions(track, number, **_tone_conditions(cue))
        percent = thd_percent(harmonics, frequency_hz)
        yield Result(quantity="thd", value=percent, unit="%", conditions=here, method=BY_SINE)
        for order in HARMONICS:
            value = _db(abs(harmonics[order] / harmonics[1]))
            yield Result(quantity=f"harmonic_{order}", value=value, unit="dB", conditions=here, method=BY_SINE)


def _response_curves(session: _Session, track: int, number: int) -> Iterator[Curve]:
    levels = {c.level_db for c in session.sheet.of_kind("sweep") if c.level_db is not None} or {DEFAULT_SWEEP_DB}
    for level_db in sorted(levels):
        heard = [
            steady_sine(session.parameters, float(f), level_db, track, session.heard_with(track), RESPONSE_POINTS)[1]
            for f in RESPONSE_HZ
        ]
        yield Curve(
            quantity="frequency_response",
            conditions=session.conditions(track, number, level_db=level_db),
            method=BY_SINE,
            x=Axis.of("frequency", "Hz", RESPONSE_HZ),
            y=Axis.of("magnitude", "dB", 20.0 * np.log10(np.abs(heard)) - level_db),
        )


def _noise_density(session: _Session, track: int, frequency_hz: np.ndarray) -> np.ndarray:
    """One-sided power density at the output, re the mean square of 0 VU per Hz."""
    parameters = session.parameters
    heard = np.sum(np.abs(replay_matrix(frequency_hz, parameters)[:, track, :]) ** 2, axis=-1)
    amplifier = small_signal_gain(parameters.electronics.output_gain_db) * np.abs(coupling(frequency_hz, COUPLING_HZ))
    return 2.0 * (hiss_density(frequency_hz, parameters) * heard * amplifier**2 + electronics_density(parameters))


def _reference_db(session: _Session, track: int) -> float:
    """Returned level of a 1 kHz sine sent at 0 dB."""
    return _db(abs(steady_sine(session.parameters, 1000.0, 0.0, track, session.heard_with(track))[1]))


def _noise_results(session: _Session, track: int, number: int) -> Iterator[Result]:
    f = np.linspace(*BAND_HZ, 19981)
    power = np.trapezoid(_noise_density(session, track, f) * a_weighting(f) ** 2, f)
    hum_hz, hum_peak = hum_lines(session.parameters)
    power += np.sum((hum_peak * a_weighting(hum_hz)) ** 2)
    level_db = 10.0 * np.log10(power) - _reference_db(session, track)
    here = session.conditions(track, number)
    yield Result(quantity="noise_a", value=level_db, unit="dB", conditions=here, method=BY_DENSITY)
    yield Result(quantity="snr_a", value=-level_db, unit="dB", conditions=here, method=BY_DENSITY)


def _noise_curve(session: _Session, track: int, number: int) -> Curve:
    density = _noise_density(session, track, RESPONSE_HZ)
    return Curve(
        quantity="noise_spectrum",
        conditions=session.conditions(track, number),
        method=BY_DENSITY,
        x=Axis.of("frequency", "Hz", RESPONSE_HZ),
        y=Axis.of("density", "dB/Hz", 10.0 * np.log10(density) - _reference_db(session, track)),
    )


def _tone_conditions(cue: Cue) -> Mapping[str, Condition]:
    level: Mapping[str, Condition] = {} if cue.level_db is None else {"level_db": cue.level_db}
    return {"frequency_hz": cue.number("frequency_hz"), **level}


def _db(ratio: float) -> float:
    return float(20.0 * np.log10(max(ratio, 1e-15)))
