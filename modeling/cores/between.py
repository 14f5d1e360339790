"""A core between cores of the same kind, each learnt at a setting of its own: its kernels and weights interpolated.

The long filters are interpolated in magnitude, as logarithms, and in phase, after the delay between them is taken out: the mean of
two that arrive at different moments would be a comb. All else is linear: kernels of a basis, of which a model is a linear function,
and weights of a network, which were made linear in the conditions (:mod:`modeling.cores.conditioned`).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq

from modeling.cores.core import Core
from signals.errors import ModelError

FILTER, KERNELS = "h", "g"
LEAST = 1e-5
"""Magnitude, re the largest of a filter, below which nothing is told from rounding."""
INTERPOLATED = ("linear", "hammerstein", "tcn", "wavenet", "gru", "lstm", "s4", "stn")


def between(cores: Sequence[Core], shares: Sequence[float]) -> Core:
    """The core that lies between others.

    Parameters
    ----------
    cores : sequence of Core
        Of one kind, at one sample rate.
    shares : sequence of float
        How near each is; they add up to 1.

    Raises
    ------
    ModelError
        Cores of this kind have nothing between them.
    """
    kind, arrays, settings = type(cores[0]), [core.to_arrays() for core in cores], [core.settings() for core in cores]
    if cores[0].name not in INTERPOLATED or any(each.keys() != arrays[0].keys() for each in arrays):
        raise ModelError(
            f"core '{cores[0].name}' was fitted at each setting by itself, and has nothing in between; choose one"
        )
    if KERNELS in arrays[0]:
        arrays = [_levelled(each) for each in arrays]
    joined = {name: _mean([each[name] for each in arrays], shares) for name in arrays[0] if name != FILTER}
    joined[FILTER] = _filter([each[FILTER] for each in arrays], shares)
    return kind.from_arrays(joined, {name: _number([each[name] for each in settings], name, shares) for name in settings[0]})


def _levelled(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same core with kernels of one size: what one gives to its kernels another may give to its filter."""
    size = float(np.linalg.norm(arrays[KERNELS][0])) or 1.0
    return {**arrays, KERNELS: arrays[KERNELS] / size, FILTER: arrays[FILTER] * size}


def _mean(arrays: Sequence[np.ndarray], shares: Sequence[float]) -> np.ndarray:
    total = sum(share * array.astype(np.float64) for share, array in zip(shares, arrays, strict=True))
    return np.asarray(total).astype(arrays[0].dtype)


def _number(values: Sequence[Any], name: str, shares: Sequence[float]) -> Any:
    """A number of the settings of a core; frequencies lie between others as logarithms do."""
    if all(value == values[0] for value in values) or not isinstance(values[0], float | list):
        return values[0]
    numbers = np.array(values, dtype=np.float64)
    if name.endswith("_hz"):
        return float(np.exp(np.dot(shares, np.log(numbers))))
    return np.tensordot(np.array(shares), numbers, 1).tolist()


def _filter(filters: Sequence[np.ndarray], shares: Sequence[float]) -> np.ndarray:
    """Between impulse responses of one length."""
    taps = filters[0].size
    size = next_fast_len(4 * taps, real=True)
    spectra = [rfft(each, size) for each in filters]
    turn = 2j * np.pi * rfftfreq(size)
    delays = [_delay(each, spectra[0], size) for each in spectra]
    aligned = [each * np.exp(turn * delay) for each, delay in zip(spectra, delays, strict=True)]
    least = LEAST * max(float(np.max(np.abs(each))) for each in spectra)
    magnitude = np.exp(
        sum(share * np.log(np.maximum(np.abs(each), least)) for share, each in zip(shares, aligned, strict=True))
    )
    direction = sum(share * each / np.maximum(np.abs(each), least) for share, each in zip(shares, aligned, strict=True))
    direction = np.asarray(direction) / np.maximum(np.abs(direction), 1e-12)
    return np.asarray(irfft(magnitude * direction * np.exp(-turn * float(np.dot(shares, delays))), size)[:taps])


def _delay(spectrum: np.ndarray, other: np.ndarray, size: int) -> float:
    """How many samples a response comes after another, by the peak of their correlation, between samples by a parabola."""
    found = irfft(spectrum * other.conj(), size)
    peak = int(np.argmax(found))
    before, at, after = found[peak - 1], found[peak], found[(peak + 1) % size]
    bent = before - 2.0 * at + after
    exact = peak + (0.5 * (before - after) / bent if bent else 0.0)
    return float(exact - size if exact > size / 2 else exact)
