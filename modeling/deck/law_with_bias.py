"""The law with AC bias, frozen Preisach: reduced to a few static curves as it runs, the full sum of classes as the truth."""

from functools import lru_cache

import numba
import numpy as np

from modeling.deck.magnetics import RecordCurves, particle_classes, reduce_to_curves
from modeling.deck.parameters import RecordHead, Tape


@lru_cache(maxsize=8)
def record_curves(tape: Tape, head: RecordHead) -> RecordCurves:
    """Curves of one tape under one bias, made once."""
    return reduce_to_curves(particle_classes(tape, head))


class Biased:
    """A :class:`modeling.deck.law.RunningLaw` without memory; made again only when bias or tape changes."""

    def __init__(self, tape: Tape, head: RecordHead) -> None:
        self._reduced = record_curves(tape, head)
        self.curves = self._reduced.mixture.shape[1]

    def magnetise(self, field_ka_m: np.ndarray, out: np.ndarray) -> None:
        """Look every curve up."""
        _look_up(field_ka_m, self._reduced.field_limit_ka_m, self._reduced.coefficients, out)

    def propagation(self, frequency_hz: np.ndarray, speed_um_s: float) -> np.ndarray:
        """Depth loss and phase of the classes that a curve stands for."""
        return self._reduced.propagation(frequency_hz, speed_um_s)


@numba.njit(cache=True, nogil=True)
def _look_up(field: np.ndarray, limit: float, coefficients: np.ndarray, out: np.ndarray) -> None:
    """Value of every curve at every field, by the cubic of its grid cell; flat beyond the grid."""
    cells, curves, _ = coefficients.shape
    scale = cells / (2.0 * limit)
    for i in range(field.size):
        x = min(max((field[i] + limit) * scale, 0.0), float(cells))
        j = min(int(x), cells - 1)
        u = x - j
        for r in range(curves):
            c = coefficients[j, r]
            out[r, i] = c[0] + u * (c[1] + u * (c[2] + u * c[3]))


class SteadyBiased:
    """A :class:`modeling.deck.law.SteadyLaw`: the sum over every particle class, each harmonic through its e^{-ky + jkx_f}."""

    def __init__(self, tape: Tape, head: RecordHead) -> None:
        self._classes = particle_classes(tape, head)

    def flux(self, field_ka_m: np.ndarray, period_hz: float, speed_um_s: float) -> np.ndarray:
        """Spectrum of one period of flux."""
        magnetisation = np.fft.rfft(self._classes.magnetisation(field_ka_m), axis=-1)
        f = np.arange(magnetisation.shape[-1]) * period_hz
        return np.asarray(np.sum(self._classes.propagation(f, speed_um_s).T * magnetisation, axis=0))

    def gain(self, frequency_hz: np.ndarray, peak_ka_m: np.ndarray, steady_ka_m: float, speed_um_s: float) -> np.ndarray:
        """Slope of the flux at the steady field: bias makes it straight."""
        return self._classes.propagation(frequency_hz, speed_um_s) @ self._classes.permeability(steady_ka_m)
