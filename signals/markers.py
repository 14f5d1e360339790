"""Markers that a recording can be found and named by.

A marker is made of *hyperbolic* chirps, whose period changes linearly with time. A change of tape speed turns such a chirp
into itself, only shifted: one matched filter finds it at any speed. A falling and a rising chirp are shifted in opposite
directions, so a pair gives both the moment and the speed. The falling chirp comes first and gives the moment: flutter shifts
it twelve times less than the rising one.

======== ===================================== ==========================================================
marker   made of                               says
======== ===================================== ==========================================================
start    falling chirp, rising chirp           here begins a take
code     24 short chirps, rising = 1           which session and stimulus (:func:`identity_code`)
guard    one falling chirp, shorter            a moment known again between two segments
end      falling chirp, pause, rising chirp    here ends the take
======== ===================================== ==========================================================

References
----------
J. J. Kroszczynski, "Pulse compression by means of linear-period modulation", Proc. IEEE 57(7), 1969: Doppler invariance of
the hyperbolic chirp.
"""

import hashlib
from dataclasses import dataclass

import numpy as np

from signals.tones import fade

CODE_BITS = 24
LOW_HZ = 400.0
HIGH_HZ = 5000.0


@dataclass(frozen=True)
class Chirp:
    """Hyperbolic chirp: instantaneous frequency 1 / (1/first + (1/last - 1/first) t/duration)."""

    first_hz: float
    last_hz: float
    duration_s: float

    @property
    def period_rate(self) -> float:
        """Growth of the period per second, b f0 in cos(2 pi / b ln(1 + b f0 t)), in 1/s."""
        return (self.first_hz / self.last_hz - 1.0) / self.duration_s

    def samples(self, sample_rate: int) -> int:
        """Whole samples of the chirp."""
        return round(self.duration_s * sample_rate)

    def phase(self, time_s: np.ndarray) -> np.ndarray:
        """Phase in radians at a time after the start."""
        return 2.0 * np.pi * self.first_hz / self.period_rate * np.log1p(self.period_rate * time_s)

    def frequency_hz(self, time_s: np.ndarray) -> np.ndarray:
        """Instantaneous frequency at a time after the start."""
        return self.first_hz / (1.0 + self.period_rate * time_s)

    def waveform(self, sample_rate: int) -> np.ndarray:
        """Chirp of peak 1, its edges faded over a tenth of its length, shape (samples,)."""
        samples = self.samples(sample_rate)
        return np.sin(self.phase(np.arange(samples) / sample_rate)) * fade(samples, samples // 10)

    def apparent_shift_s(self, speed: float) -> float:
        """How much later than its true start the chirp seems to start when played `speed` times as fast.

        s(a t) = template(t + (1/a - 1)/(b f0)) up to a constant phase, so the template matches (1 - 1/a)/(b f0) late.
        """
        return (1.0 - 1.0 / speed) / self.period_rate


FALLING = Chirp(HIGH_HZ, LOW_HZ, 0.35)
RISING = Chirp(LOW_HZ, HIGH_HZ, 0.35)
GUARD = Chirp(HIGH_HZ, LOW_HZ, 0.12)  # falling: a tenth of the shift with speed that a rising one has
BIT_ONE = Chirp(LOW_HZ, HIGH_HZ, 0.04)
BIT_ZERO = Chirp(HIGH_HZ, LOW_HZ, 0.04)
BIT_PERIOD_S = 0.05
START_SPACING_S = 0.40
END_SPACING_S = 1.70  # far enough from the start's that neither is the other at any speed from 0.4 to 2.5
START_S = START_SPACING_S + RISING.duration_s
END_S = END_SPACING_S + RISING.duration_s
CODE_S = CODE_BITS * BIT_PERIOD_S


def identity_code(session: str, stimulus: str) -> int:
    """Identity of a stimulus as carried on the tape: the first 24 bits of SHA-256 of ``session/stimulus``."""
    digest = hashlib.sha256(f"{session}/{stimulus}".encode()).digest()
    return int.from_bytes(digest[:3], "big")


def code_bits(code: int) -> list[int]:
    """Bits of a code, most significant first."""
    return [(code >> (CODE_BITS - 1 - i)) & 1 for i in range(CODE_BITS)]


def start_marker(sample_rate: int) -> np.ndarray:
    """Start marker of peak 1, shape (samples,)."""
    return _pair(START_SPACING_S, sample_rate)


def end_marker(sample_rate: int) -> np.ndarray:
    """End marker of peak 1, shape (samples,)."""
    return _pair(END_SPACING_S, sample_rate)


def code_marker(code: int, sample_rate: int) -> np.ndarray:
    """The identity as 24 chirps, rising for one and falling for zero, shape (samples,)."""
    wave = np.zeros(round(CODE_S * sample_rate))
    for i, bit in enumerate(code_bits(code)):
        chirp = (BIT_ONE if bit else BIT_ZERO).waveform(sample_rate)
        first = round(i * BIT_PERIOD_S * sample_rate)
        wave[first : first + chirp.size] = chirp
    return wave


def _pair(spacing_s: float, sample_rate: int) -> np.ndarray:
    wave = np.zeros(round((spacing_s + RISING.duration_s) * sample_rate))
    one, two = FALLING.waveform(sample_rate), RISING.waveform(sample_rate)
    wave[: one.size] = one
    wave[-two.size :] = two
    return wave
