"""The true figures of takes with dbx in the way: static algebra of the law, and densities of the noise.

With levels in dB, u the unity level, E and S emphasis and weighting at the tone's frequency, r the ratio, and N the power of
noise and floor that the detector reads beside the tone, re U::

    encode    x + E = y + (r - 1) 10 lg(10^((y + S - u)/10) + N)      (solved for y by Newton's method)
    decode    z = x - E + (r - 1) 10 lg(10^((x + S - u)/10) + N)

What the tape does between is a steady sine through the law of the tape in full. Nothing of the running compander is used.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TypeVar

import numpy as np

from modeling.deck.compander import Positions, emphasis, weighting
from modeling.deck.electronics import COUPLING_HZ, small_signal_gain
from modeling.deck.erasure import left_over_filter
from modeling.deck.losses import coupling
from modeling.deck.noise import BAND_HZ, a_weighting, electronics_density, heard_hiss_density, hum_lines
from modeling.deck.parameters import TRACKS, Compander, DeckParameters
from modeling.deck.steady_state import linear_response, response_delay_s, steady_sine
from modeling.deck.tracks import replay_matrix
from modeling.deck.true import modulation
from sessions.results import Axis, Condition, Curve, Measurements, Result
from signals.cues import CueSheet

MOTION = (
    "latency", "polarity", "speed_error", "speed_drift", "wow_flutter_weighted_2sigma", "wow_flutter_weighted_rms",
    "wow_flutter_unweighted_rms", "wow_rms", "flutter_rms", "flutter_spectrum", "delay_trajectory", "speed_deviation",
)  # fmt: skip
"""What a compander leaves as it is, but for the delay of an emphasis in `latency`."""

BY_ALGEBRA = "static algebra of the compander, from its parameters"
BY_EMPHASIS = "linear phase of the emphasis in closed form"
BY_NOISE = "density of the noise and the gain that it and the tone set, in closed form"
MODULATING_HZ = 100.0
T = TypeVar("T", Result, Curve)
Density = Callable[[np.ndarray], np.ndarray]
EMPHASIS_HZ = 1000.0 * 2.0 ** (np.arange(-30, 26) / 6.0)
_NEWTON_STEPS = 60


@dataclass(frozen=True)
class StaticCompander:
    """Both halves at rest, on one track of a deck.

    Attributes
    ----------
    track : int
        0-based.
    driven : collection of int
        Tracks that carry the same, 0-based.
    """

    parameters: DeckParameters
    track: int
    driven: Collection[int]

    def encoded_db(self, level_db: np.ndarray, frequency_hz: float) -> np.ndarray:
        """Level into the tape, re 0 VU, of a sine that leaves the input amplifier at `level_db`."""
        s = self.parameters.compander
        e, w = _decibels(emphasis, frequency_hz, s), _decibels(weighting, frequency_hz, s)
        wanted = np.asarray(level_db, dtype=np.float64) + e
        y = wanted / s.ratio
        for _ in range(_NEWTON_STEPS):
            power = 10.0 ** ((y + w - s.unity_db) / 10.0)
            whole = power + 10.0 ** ((s.floor_db - s.unity_db) / 10.0)
            error = y + (s.ratio - 1.0) * 10.0 * np.log10(whole) - wanted
            y = y - error / (1.0 + (s.ratio - 1.0) * power / whole)
        return y

    def decoded_db(self, level_db: np.ndarray, frequency_hz: float) -> np.ndarray:
        """Level out of the decoder of a sine that leaves the replay amplifier at `level_db`."""
        s = self.parameters.compander
        e, w = _decibels(emphasis, frequency_hz, s), _decibels(weighting, frequency_hz, s)
        x = np.asarray(level_db, dtype=np.float64)
        return x - e + self.gain_db(x + w)

    def gain_db(self, weighted_db: np.ndarray) -> np.ndarray:
        """Gain of the decoder with a tone of that level, weighted, on a hissing tape."""
        s = self.parameters.compander
        unity_db = s.unity_db + s.mismatch_db
        power = 10.0 ** ((np.asarray(weighted_db) - unity_db) / 10.0) + self.hiss_power * 10.0 ** (-unity_db / 10.0)
        return (s.ratio - 1.0) * 10.0 * np.log10(power + 10.0 ** ((s.floor_db - unity_db) / 10.0))

    def tape_db(self, level_db: float, frequency_hz: float) -> float:
        """Level out of the replay amplifier of a sine that goes to the record amplifier at `level_db`, compression included."""
        electronics = self.parameters.electronics
        sent_db = level_db - electronics.input_gain_db
        heard = steady_sine(self.parameters, frequency_hz, sent_db, self.track, self.driven)[1]
        return float(20.0 * np.log10(abs(heard))) - electronics.output_gain_db

    def tape_gain_db(self, frequency_hz: float) -> float:
        """The same for a small signal, less its level."""
        electronics = self.parameters.electronics
        heard = linear_response(np.array([frequency_hz]), self.parameters, self.track, self.driven)[0]
        return float(20.0 * np.log10(abs(heard))) - electronics.input_gain_db - electronics.output_gain_db

    @cached_property
    def hiss_power(self) -> float:
        """Mean square of the weighted hiss at the decoder, re that of 0 VU."""
        f = np.linspace(*BAND_HZ, 19981)
        seen = np.abs(weighting(f, self.parameters.compander)) ** 2
        return float(np.trapezoid(self.hiss(f) * seen, f))

    def hiss(self, frequency_hz: np.ndarray) -> np.ndarray:
        """One-sided density of the hiss at the replay amplifier, re the mean square of 0 VU per Hz."""
        heard = np.sum(np.abs(replay_matrix(frequency_hz, self.parameters)[:, self.track, :]) ** 2, axis=-1)
        steady = modulation.silent_density(frequency_hz, self.parameters, self.track)
        return np.asarray(2.0 * heard_hiss_density(frequency_hz, self.parameters) * heard + steady)

    def noise_db(self, decoded: bool, weighted_db: float = -np.inf, modulated: Density = np.zeros_like) -> float:
        """A-weighted noise at the output re 0 VU, beside a tone of that weighted level at the decoder.

        `modulated` is what the tone itself makes at the replay amplifier, by the unevenness of the tape.
        """
        f = np.linspace(*BAND_HZ, 19981)
        p = self.parameters
        hiss = (self.hiss(f) + modulated(f)) * (
            small_signal_gain(p.electronics.output_gain_db) * np.abs(coupling(f, COUPLING_HZ))
        ) ** 2
        if decoded:
            hiss = hiss * 10.0 ** (self.gain_db(np.array(weighted_db)) / 10.0) / np.abs(emphasis(f, p.compander)) ** 2
        power = np.trapezoid((hiss + 2.0 * electronics_density(p)) * a_weighting(f) ** 2, f)
        hum_hz, hum_peak = hum_lines(p)
        return float(10.0 * np.log10(power + np.sum((hum_peak * a_weighting(hum_hz)) ** 2)))

    def returned_db(self, dbx: str, level_db: float, frequency_hz: float) -> float:
        """Level of what returns of a sine sent at `level_db`, in a position of the dbx switch."""
        electronics = self.parameters.electronics
        level = level_db + electronics.input_gain_db
        if dbx in ("on", "encode"):
            level = float(self.encoded_db(np.array(level), frequency_hz))
        heard = self.tape_db(level, frequency_hz)
        if dbx in ("on", "decode"):
            heard = float(self.decoded_db(np.array(heard), frequency_hz))
        return heard + electronics.output_gain_db


def companded(said: Measurements, parameters: DeckParameters, sheet: CueSheet, dbx: str) -> Measurements:
    """The truth of a pass in a position of the dbx switch, from what it would be without: the motion, and the noise anew.

    The linear phase of the emphasis counts as latency where the other half does not take it off again.
    """
    if dbx == "off":
        return said
    results = [_set(r, dbx) for r in said.results if r.quantity in MOTION]
    results = [_emphasised(r, parameters, sheet, dbx) if r.quantity == "latency" else r for r in results]
    if dbx == "encode":  # erasure is of the tape alone, and heard where it is played without
        results += [r for r in said.results if r.quantity == "erasure"]
    for silent in (r for r in said.results if r.quantity in ("noise_a", "snr_a")):
        track = int(silent.conditions["track"]) - 1
        static = StaticCompander(parameters, track, _driven(sheet, track))
        if _goes_through(sheet, track):
            noise = static.noise_db(dbx in ("on", "decode")) - static.returned_db(dbx, 0.0, 1000.0)
            value = noise if silent.quantity == "noise_a" else -noise
            results.append(_set(silent, dbx).model_copy(update={"value": value, "method": BY_NOISE}))
    curves = [_set(c, dbx) for c in said.curves if c.quantity in MOTION]
    return said.model_copy(update={"results": results, "curves": curves})


def _emphasised(latency: Result, parameters: DeckParameters, sheet: CueSheet, dbx: str) -> Result:
    """A latency with the delay of the emphasis that is left in a position of the dbx switch."""
    track = int(latency.conditions["track"]) - 1
    sign = {"encode": 1, "decode": -1}.get(dbx, 0)
    if latency.value is None or sign == 0 or not _goes_through(sheet, track):
        return latency
    driven = _driven(sheet, track)

    speed = parameters.pitch_ratio
    met = speed if dbx == "decode" else 1.0  # the decoder meets what is heard

    def half(frequency_hz: np.ndarray) -> np.ndarray:
        return emphasis(met * frequency_hz, parameters.compander) ** sign

    whole_s = response_delay_s(parameters, track, driven, half, speed=speed)
    more_s = whole_s - response_delay_s(parameters, track, driven, speed=speed)
    return latency.model_copy(update={"value": latency.value + more_s, "method": f"{latency.method}; {BY_EMPHASIS}"})


def compander_figures(
    parameters: DeckParameters, sheet: CueSheet, dbx: str, over: int = 0
) -> tuple[list[Result], list[Curve]]:
    """True figures of the compander that takes in a position of the dbx switch tell, of every programme track.

    Nothing is said of noise where one of the `over` earlier recordings, which this one was made over, is still heard.
    """
    hushed = over == 0 or left_over_filter(parameters, sheet.sample_rate) is None
    results: list[Result] = []
    curves: list[Curve] = []
    for channel in sheet.channels_of("programme"):
        track = sheet.channels[channel].track - 1
        if dbx == "off" or not _goes_through(sheet, track):
            continue
        static = StaticCompander(parameters, track, _driven(sheet, track))
        here: dict[str, Condition] = {"track": track + 1, "speed_cm_s": parameters.speed_cm_s, "dbx": dbx}
        if dbx == "on":
            results += _noise_results(static, here) if hushed else ()
            errors = list(_tracking(static, sheet, channel, here))
            results += _tracked(errors, here)
            curves += errors
            curves += _noise_modulation(static, sheet, channel, here) if hushed else ()
        else:
            results += _half_results(static, dbx, sheet, channel, here)
            curves += _half_curves(static, dbx, sheet, channel, here)
    return results, curves


def _half_results(
    static: StaticCompander, dbx: str, sheet: CueSheet, channel: int, here: dict[str, Condition]
) -> Iterator[Result]:
    p, s = static.parameters, static.parameters.compander
    for f in _steps(sheet, channel):
        yield Result(
            quantity=f"dbx_{dbx}_ratio", value=s.ratio, unit="1", conditions={**here, "frequency_hz": f}, method=BY_ALGEBRA
        )
    unity_db = s.unity_db - p.electronics.input_gain_db
    if dbx == "decode":
        # Where the gain is 0 dB, less what the tape makes of the level on the way.
        unity_db += s.mismatch_db - static.tape_gain_db(1000.0)
    conditions = {**here, "frequency_hz": 1000.0}
    yield Result(quantity="dbx_unity_level", value=unity_db, unit="dB", conditions=conditions, method=BY_ALGEBRA)
    for f in sorted({c.number("frequency_hz") for c in sheet.of_kind("bursts", channel=channel)}):
        for edge in ("release", "attack"):
            conditions = {**here, "frequency_hz": f, "edge": edge}
            yield Result(
                quantity="dbx_time_constant", value=s.time_constant_s, unit="s", conditions=conditions, method=BY_ALGEBRA
            )


def _half_curves(
    static: StaticCompander, dbx: str, sheet: CueSheet, channel: int, here: dict[str, Condition]
) -> Iterator[Curve]:
    electronics, s = static.parameters.electronics, static.parameters.compander
    for f, levels in _steps(sheet, channel).items():
        x = np.array(levels)
        if dbx == "encode":
            y = static.encoded_db(x + electronics.input_gain_db, f) - electronics.input_gain_db
        else:
            gain_db = static.tape_gain_db(f)
            heard = np.array([static.tape_db(level + electronics.input_gain_db, f) for level in levels])
            x = heard - gain_db - electronics.input_gain_db
            y = static.decoded_db(heard, f) - gain_db - electronics.input_gain_db
        conditions = {**here, "frequency_hz": f}
        yield _curve(f"dbx_{dbx}_law", conditions, ("input", "dB", x), ("output", "dB", y), BY_ALGEBRA)
    sign = 1.0 if dbx == "encode" else -1.0
    e = sign * 20.0 * np.log10(np.abs(emphasis(EMPHASIS_HZ, s)))
    w = 20.0 * np.log10(np.abs(weighting(EMPHASIS_HZ, s)))
    for quantity, y in (("dbx_emphasis", e), ("dbx_weighting", w)):
        yield _curve(quantity, here, ("frequency", "Hz", EMPHASIS_HZ), ("gain", "dB", y), BY_ALGEBRA)


def _noise_results(static: StaticCompander, here: dict[str, Condition]) -> Iterator[Result]:
    value = static.noise_db(False) - static.noise_db(True)
    yield Result(quantity="dbx_noise_reduction", value=value, unit="dB", conditions=here, method=BY_NOISE)


def _tracking(static: StaticCompander, sheet: CueSheet, channel: int, here: dict[str, Condition]) -> Iterator[Curve]:
    electronics = static.parameters.electronics
    for f, levels in _steps(sheet, channel).items():
        straight = static.tape_gain_db(f) + electronics.input_gain_db + electronics.output_gain_db
        error = [static.returned_db("on", level, f) - level - straight for level in levels]
        conditions = {**here, "frequency_hz": f}
        yield _curve(
            "dbx_tracking_error", conditions, ("level", "dB", np.array(levels)), ("error", "dB", np.array(error)), BY_ALGEBRA
        )


def _tracked(errors: Sequence[Curve], here: dict[str, Condition]) -> Iterator[Result]:
    """Magnitude that 95 % of the errors from -50 to 0 dB stay within, for each frequency and for all."""
    every = [(dict(c.conditions), c.y.array[(c.x.array >= -50.0) & (c.x.array <= 0.0)]) for c in errors]
    if not every:
        return
    for conditions, error in [*every, (here, np.concatenate([e for _, e in every]))]:
        value = float(np.percentile(np.abs(error), 95.0))
        yield Result(quantity="dbx_tracking_error", value=value, unit="dB", conditions=conditions, method=BY_ALGEBRA)


def _noise_modulation(static: StaticCompander, sheet: CueSheet, channel: int, here: dict[str, Condition]) -> Iterator[Curve]:
    s, gain_db = static.parameters.compander, static.parameters.electronics.input_gain_db
    zero = static.returned_db("on", 0.0, 1000.0)
    w = _decibels(weighting, MODULATING_HZ, s)
    levels = _steps(sheet, channel).get(MODULATING_HZ, [])
    noise = []
    for level in levels:
        on_tape = float(static.encoded_db(np.array(level + gain_db), MODULATING_HZ))
        modulated = partial(
            modulation.tone_density,
            parameters=static.parameters,
            track=static.track,
            heard=static.driven,
            tone_hz=MODULATING_HZ,
            level_db=on_tape - gain_db,
        )
        noise.append(static.noise_db(True, static.tape_db(on_tape, MODULATING_HZ) + w, modulated) - zero)
    if levels:
        conditions = {**here, "frequency_hz": MODULATING_HZ}
        yield _curve(
            "modulation_noise", conditions, ("level", "dB", np.array(levels)), ("noise", "dB", np.array(noise)), BY_NOISE
        )


def _steps(sheet: CueSheet, channel: int) -> dict[float, list[float]]:
    """Levels of the static steps of a stimulus, by frequency, rising."""
    found: dict[float, list[float]] = {}
    for cue in sheet.of_kind("tone", channel=channel):
        if cue.parameters.get("purpose") in ("ladder", "spot") and cue.level_db is not None:
            found.setdefault(cue.number("frequency_hz"), []).append(cue.level_db)
    return {f: sorted(levels) for f, levels in sorted(found.items())}


def _driven(sheet: CueSheet, track: int) -> frozenset[int]:
    programme = frozenset(sheet.channels[i].track - 1 for i in sheet.channels_of("programme"))
    return programme if track in programme else frozenset({track})


def _goes_through(sheet: CueSheet, track: int) -> bool:
    """Whether a track goes through the compander: with a pilot on the last one, the switch stands on SYNC."""
    sync = any(c.role == "pilot" and c.track == TRACKS for c in sheet.channels)
    return track in Positions(sync=sync).tracks(True, (track,))


def _curve(
    quantity: str,
    conditions: dict[str, Condition],
    x: tuple[str, str, np.ndarray],
    y: tuple[str, str, np.ndarray],
    method: str,
) -> Curve:
    return Curve(quantity=quantity, conditions=conditions, method=method, x=Axis.of(*x), y=Axis.of(*y))


def _set(item: T, dbx: str) -> T:
    return item.model_copy(update={"conditions": {**item.conditions, "dbx": dbx}})


def _decibels(response: Callable[[np.ndarray, Compander], np.ndarray], frequency_hz: float, settings: Compander) -> float:
    return float(20.0 * np.log10(np.abs(response(np.array(frequency_hz), settings))))
