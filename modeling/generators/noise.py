"""Hiss, hum and modulation noise of a tape, made anew.

The silent passage of a take is split into hum, which is steady lines, and the rest, whose spectrum shapes white noise. Where
sound lies on the tape, noise comes in proportion to it as well: see :mod:`modeling.generators.unevenness`. Every channel gets
noise of its own and the same hum.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import welch

from modeling.generators.lines import Lines, take_out
from modeling.generators.shaped import TAPS, Shaped, evened, flattened, source_of, under

HUM_LOW_HZ, HUM_HIGH_HZ = 40.0, 1000.0
LEAST_S = 1.0
SMOOTHED = 9
"""Bins, 26 Hz at 48 kHz: of a third octave at 25 Hz a few seconds of silence tell too little by themselves."""
NET = "diffusion"
NET_PLAN = (8, 4, 4, 1)
"""Channels, depth, steps, and the whole band: it has to run at the rate of sound."""
_HUM, _HISS, _UNEVEN = 1, 2, 3


@dataclass(frozen=True)
class NoiseGenerator:
    """Noise of a tape at one sample rate.

    Attributes
    ----------
    hiss : Shaped
        In units of full scale.
    hum : Lines
        In units of full scale.
    sample_rate : int
        In Hz.
    unevenness : Shaped or None
        What multiplies the sound; None where no steady tone told of it.
    """

    hiss: Shaped
    hum: Lines
    sample_rate: int
    unevenness: Shaped | None = None

    @classmethod
    def fit(cls, silence: np.ndarray, sample_rate: int, unevenness: np.ndarray | None = None) -> Self | None:
        """Take the noise from a recording of silent tape; None when it is shorter than 1 s.

        Parameters
        ----------
        silence : ndarray, shape (samples,)
        unevenness : ndarray, shape (bins,), optional
            One-sided power density of what multiplies the sound, from 0 to half the sample rate.
        """
        if silence.size < LEAST_S * sample_rate:
            return None
        hum, _, density = _parted(silence, sample_rate)
        hiss = Shaped.of_density(density, sample_rate)
        return cls(hiss, hum, sample_rate, None if unevenness is None else Shaped.of_density(unevenness, sample_rate))

    def diffused(self, silence: np.ndarray, seed: int = 0, progress: Callable[[float], None] = lambda _: None) -> Self:
        """The same with hiss that a net has learnt from a recording of silent tape."""
        from modeling.generators.diffusion import Plan, fit

        _, rest, density = _parted(silence, self.sample_rate)
        flat = flattened(rest, density, self.sample_rate)
        net = fit([flat], Plan(*NET_PLAN), seed, progress=progress)
        return replace(self, hiss=Shaped.of_density(evened(density, net), self.sample_rate, net))

    def less(self, other: Self) -> "NoiseGenerator":
        """The same with the hiss of another taken off, as far as it reaches; its hum stays."""
        return replace(self, hiss=self.hiss.less(other.hiss))

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Parameters by name."""
        arrays = {
            "shape": self.hiss.shape,
            "hum_frequency_hz": self.hum.frequency_hz,
            "hum_amplitude": self.hum.amplitude,
        }
        arrays |= {f"{NET}.{name}": array for name, array in self.hiss.source.to_arrays().items()}
        return arrays if self.unevenness is None else {**arrays, "unevenness": self.unevenness.shape}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], sample_rate: int) -> Self:
        """Inverse of :meth:`to_arrays`."""
        hum = Lines(arrays["hum_frequency_hz"], arrays["hum_amplitude"])
        uneven = Shaped(arrays["unevenness"]) if "unevenness" in arrays else None
        return cls(Shaped(arrays["shape"], source_of(under(arrays, NET))), hum, sample_rate, uneven)

    @property
    def level_dbfs(self) -> float:
        """RMS level in silence, a sine at full scale being 0 dBFS."""
        power = self.hiss.variance + float(np.sum(self.hum.amplitude**2)) / 2.0
        return 10.0 * float(np.log10(2.0 * power + 1e-30))

    @property
    def modulation_db(self) -> float | None:
        """RMS level of modulation noise, re the sound."""
        return None if self.unevenness is None else 10.0 * float(np.log10(self.unevenness.variance + 1e-30))

    def read(self, start: int, stop: int, channel: int, seed: int) -> np.ndarray:
        """Noise of the silent tape at samples `start` to `stop` of a channel, shape ``(stop - start,)``."""
        out = self.hiss.read(start, stop, (seed, _HISS, channel))
        time = np.arange(start, stop) / self.sample_rate
        for f, amplitude, phase in zip(self.hum.frequency_hz, self.hum.amplitude, self._hum_phase(seed), strict=True):
            out += amplitude * np.cos(2.0 * np.pi * np.mod(f * time, 1.0) + phase)
        return out

    def beside(self, sound: np.ndarray, start: int, channel: int, seed: int) -> np.ndarray:
        """Noise of the tape while it plays a sound, shape (samples,), that begins at sample `start`."""
        out = self.read(start, start + sound.size, channel, seed)
        if self.unevenness is not None:
            out += sound * self.unevenness.read(start, start + sound.size, (seed, _UNEVEN, channel))
        return out

    def _hum_phase(self, seed: int) -> np.ndarray:
        return np.random.default_rng([seed, _HUM]).uniform(0.0, 2.0 * np.pi, self.hum.frequency_hz.size)


def _parted(silence: np.ndarray, sample_rate: int) -> tuple[Lines, np.ndarray, np.ndarray]:
    """Hum, the rest, and the power density of the rest."""
    hum, rest = take_out(silence - silence.mean(), sample_rate, HUM_LOW_HZ, HUM_HIGH_HZ)
    _, density = welch(rest, sample_rate, nperseg=TAPS)
    return hum, rest, uniform_filter1d(density, SMOOTHED, mode="nearest")
