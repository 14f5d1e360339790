"""The dbx compander: 2:1 before the tape and 1:2 behind it, linear in dB over the whole range, one wide-band gain.

Both halves look at the *channel signal* y, the one that goes on tape or comes from it, with the same detector, so that a
perfect tape gives back what was sent, in motion as well as at rest. With e the emphasis, s the weighting of the side chain
and r the ratio::

    encode    v = e * x,   y = g v,          g = P^(-(r-1)/2)
    decode    y = tape,    v = y / g,        x = v / e, the exact inverse filter
    detector  tau dP/dt = (s * y)^2 / U + F - P

U is the mean square of a sine at the unity level; F, what the detector reads in silence, keeps the gain finite. At rest a sine
at L dB re unity leaves the encoder at L/r and the decoder at r L; P falls by 4.343/tau dB a second. The encoder sees its own
output: for r = 2 its gain settles with tau/2, the decoder's with tau.

Emphasis and weighting are 0 dB at 1 kHz, where levels are aligned. At 48 kHz the running filters keep to their closed forms within
0.04 dB (emphasis) and, to 12 kHz, 0.1 dB (weighting).

References
----------
D. E. Blackmer, US patent 3 789 143, 1974: a compander whose control signal follows the logarithm of the RMS value. The values that
a 424 has are not known.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numba
import numpy as np

from modeling.deck.parameters import TRACKS, Compander

Response = Callable[[np.ndarray], np.ndarray]

ALIGNED_HZ = 1000.0
SYNC_TRACK = 3
"""Track, 0-based, that the switch position SYNC leaves alone: it carries a time code."""

_STEPS = 80
_CLOSE = 1e-13


@dataclass(frozen=True)
class Positions:
    """How the dbx switches stand.

    Attributes
    ----------
    record, play : bool
        Encoder and decoder in.
    sync : bool
        Track 4 stays out of both.
    """

    record: bool = False
    play: bool = False
    sync: bool = True

    def tracks(self, on: bool, candidates: tuple[int, ...]) -> tuple[int, ...]:
        """Those of the candidate tracks, 0-based, that go through a compander when it is `on`."""
        return tuple(t for t in candidates if on and not (self.sync and t == SYNC_TRACK))


def emphasis(frequency_hz: np.ndarray, settings: Compander) -> np.ndarray:
    """Complex emphasis of the encoder: a shelf between zero and pole, 1 in magnitude at 1 kHz."""
    shelf = _shelf(settings.emphasis_zero_hz, settings.emphasis_pole_hz)
    return shelf(np.asarray(frequency_hz, dtype=np.float64)) / _at_1_khz(shelf)


def weighting(frequency_hz: np.ndarray, settings: Compander) -> np.ndarray:
    """Complex weighting of the side chain: high-pass, shelf, low-pass; 1 in magnitude at 1 kHz."""
    f = np.asarray(frequency_hz, dtype=np.float64)
    product = np.ones(f.shape, dtype=np.complex128)
    for part, _ in _weighting_parts(settings):
        product = product * part(f) / _at_1_khz(part)
    return product


class CompanderHalf:
    """Encoder or decoder of some channels, streaming.

    Parameters
    ----------
    settings : Compander
    decode : bool
        Which half.
    channels, sample_rate : int

    Notes
    -----
    Sample by sample, so that the block size changes nothing. The gain of a sample follows from the detector's reading of that
    very sample, in both halves alike; the encoder solves for it. Taken from the sample before, the first sound after a silence
    would leave the encoder with all of its gain and stun the detector.
    """

    def __init__(self, settings: Compander, decode: bool, channels: int, sample_rate: int) -> None:
        zero_hz, pole_hz = settings.emphasis_zero_hz, settings.emphasis_pole_hz
        b0, b1, a1 = shelf = _section(_shelf(zero_hz, pole_hz), float(np.sqrt(zero_hz * pole_hz)), sample_rate)
        self._decode = decode
        self._emphasis = np.array([1.0, a1, b1]) / b0 if decode else shelf
        parts = _weighting_parts(settings)
        self._weighting = np.array([_section(part, middle_hz, sample_rate) for part, middle_hz in parts])
        unity_db = settings.unity_db + (settings.mismatch_db if decode else 0.0)
        # A sine of peak 1 is 0 VU; its mean square is 1/2.
        self._scale = 2.0 * 10.0 ** (-unity_db / 10.0)
        self._floor = 10.0 ** ((settings.floor_db - unity_db) / 10.0)
        self._exponent = 0.5 * (settings.ratio - 1.0)
        self._share = -np.expm1(-1.0 / (settings.time_constant_s * sample_rate))
        self._state = np.zeros((channels, 2 + len(parts)))
        self._state[:, 0] = self._floor

    def process(self, signal: np.ndarray) -> np.ndarray:
        """The next samples, shape ``(channels, samples)``, in units of the peak of 0 VU."""
        out = np.empty(signal.shape)
        _run(
            np.ascontiguousarray(signal, dtype=np.float64),
            out,
            self._state,
            self._emphasis,
            self._weighting,
            self._decode,
            self._exponent,
            self._share,
            self._scale,
            self._floor,
        )
        return out


class CompanderBank:
    """The same half on some tracks of many; the others pass as they are.

    Parameters
    ----------
    carried : tuple of int
        Tracks that the signal has, in its order.
    companded : tuple of int
        Those of them that go through.
    """

    def __init__(
        self, settings: Compander, decode: bool, carried: tuple[int, ...], companded: tuple[int, ...], sample_rate: int
    ) -> None:
        self._rows = [carried.index(track) for track in companded]
        self._half = CompanderHalf(settings, decode, len(self._rows), sample_rate)

    def process(self, signal: np.ndarray) -> np.ndarray:
        """The next samples, shape ``(tracks, samples)``."""
        if not self._rows:
            return signal
        out = np.array(signal, dtype=np.float64)
        out[self._rows] = self._half.process(out[self._rows])
        return out


def encoder(settings: Compander, positions: Positions, armed: tuple[int, ...], sample_rate: int) -> CompanderBank:
    """The encoders of the armed tracks, 0-based."""
    return CompanderBank(settings, False, armed, positions.tracks(positions.record, armed), sample_rate)


def decoder(settings: Compander, positions: Positions, sample_rate: int) -> CompanderBank:
    """The decoders of all tracks."""
    tracks = tuple(range(TRACKS))
    return CompanderBank(settings, True, tracks, positions.tracks(positions.play, tracks), sample_rate)


@numba.njit(cache=True, nogil=True)
def _run(
    signal: np.ndarray,
    out: np.ndarray,
    state: np.ndarray,
    emphasis_section: np.ndarray,
    sections: np.ndarray,
    decode: bool,
    exponent: float,
    share: float,
    scale: float,
    floor: float,
) -> None:
    """State per channel: reading of the detector, one value of the emphasis and of each section of the side chain."""
    c0, c1, d1 = emphasis_section
    count = sections.shape[0]
    through = 1.0  # gain of the side chain from a sample to the same sample
    for k in range(count):
        through *= sections[k, 0]
    for channel in range(signal.shape[0]):
        power, held = state[channel, 0], state[channel, 1]
        for i in range(signal.shape[1]):
            x = signal[channel, i]
            past = 0.0  # what the side chain gives if this sample is zero
            for k in range(count):
                past = sections[k, 0] * past + state[channel, 2 + k]
            rest = power + share * (floor - power)
            if decode:
                tape = x
            else:
                v = c0 * x + held
                held = c1 * x - d1 * v
                tape = _encoded(v, rest, share * scale, through, past, exponent, power)
                out[channel, i] = tape
            seen = tape
            for k in range(count):
                before = seen
                seen = sections[k, 0] * before + state[channel, 2 + k]
                state[channel, 2 + k] = sections[k, 1] * before - sections[k, 2] * seen
            power = rest + share * scale * seen * seen
            if decode:
                v = tape * _power(power, exponent)
                y = c0 * v + held
                held = c1 * v - d1 * y
                out[channel, i] = y
        state[channel, 0], state[channel, 1] = power, held


@numba.njit(cache=True, nogil=True)
def _encoded(v: float, rest: float, share: float, through: float, past: float, exponent: float, power: float) -> float:
    """The y that solves y P(y)^exponent = v with P(y) = rest + share (through y + past)^2, by safeguarded Newton steps."""
    far = v / _power(rest, exponent)  # P is never below the rest
    near, y = 0.0, v / _power(power, exponent)
    if (y - near) * (y - far) > 0.0:
        y = 0.5 * far
    for _ in range(_STEPS):
        seen = through * y + past
        whole = rest + share * seen * seen
        gain = _power(whole, exponent)
        error = y * gain - v
        if error * v > 0.0:
            far = y
        else:
            near = y
        slope = gain + y * exponent * gain / whole * 2.0 * share * seen * through
        step = error / slope if slope > 0.0 else np.inf
        following = y - step
        if not (following - near) * (following - far) <= 0.0:
            following = 0.5 * (near + far)
        if abs(following - y) <= _CLOSE * abs(y):
            return following
        y = following
    return y


@numba.njit(cache=True, nogil=True, inline="always")
def _power(value: float, exponent: float) -> float:
    return np.sqrt(value) if exponent == 0.5 else value**exponent  # the usual ratio of 2 is much the quicker


def _weighting_parts(settings: Compander) -> tuple[tuple[Response, float], ...]:
    """Responses of the side chain's parts, and a frequency of each at which the running filter shall be right."""
    s = settings
    return (
        (lambda f: 1j * f / (1j * f + s.weighting_low_hz), s.weighting_low_hz),
        (_shelf(s.weighting_zero_hz, s.weighting_pole_hz), float(np.sqrt(s.weighting_zero_hz * s.weighting_pole_hz))),
        # Matched below its corner, it makes up for what the shelf strays above.
        (lambda f: 1.0 / (1.0 + 1j * f / s.weighting_high_hz), 0.5 * s.weighting_high_hz),
    )


def _shelf(zero_hz: float, pole_hz: float) -> Response:
    return lambda f: (1.0 + 1j * f / zero_hz) / (1.0 + 1j * f / pole_hz)


def _at_1_khz(response: Response) -> float:
    return float(np.abs(response(np.array(ALIGNED_HZ))))


def _section(response: Response, middle_hz: float, sample_rate: int) -> np.ndarray:
    """First-order section (b0, b1, a1), 1 at 1 kHz, of right magnitude at 0 Hz, `middle_hz` and half the sample rate.

    Minimum phase, so that its inverse is stable. With W = tan(w/2), a bilinear section has |H|^2 = (A^2 + B^2 x) / (1 + x),
    x = (W/Wc)^2, A and B being its ends; x at the third point fixes Wc.
    """
    nyquist = 0.5 * sample_rate
    middle = min(middle_hz, 0.4 * sample_rate)
    low, centre, high = np.abs(response(np.array([0.0, middle, nyquist]))) / _at_1_khz(response)
    if high == low:
        return np.array([low, 0.0, 0.0])
    corner = np.tan(0.5 * np.pi * middle / nyquist) * np.sqrt((high**2 - centre**2) / (centre**2 - low**2))
    return np.array([low * corner + high, low * corner - high, corner - 1.0]) / (corner + 1.0)
