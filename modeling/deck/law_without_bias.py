"""The law without bias, Jiles-Atherton: sample by sample as it runs, loops that have closed as the truth.

One magnetisation for the whole depth of the coating, so that its flux has the thickness loss of a coating magnetised evenly,
as tape simulations without bias have it; a sine has no level below which the law is linear.
"""

import numpy as np
from scipy.interpolate import CubicSpline

from modeling.deck.closed_loop import closed_loop
from modeling.deck.hysteresis import Hysteresis
from modeling.deck.losses import thickness_loss, wave_number
from modeling.deck.materials import JilesAtherton
from modeling.deck.parameters import Magnetics, Tape

PEAKS_AN_OCTAVE = 8
SINE_POINTS = 256


class Unbiased:
    """A :class:`modeling.deck.law.RunningLaw` of one curve with a memory."""

    curves = 1

    def __init__(self, magnetics: Magnetics, tape: Tape) -> None:
        self._hysteresis = Hysteresis(magnetics, 1, magnetics.solver)
        self._coating_um = tape.coating_um

    def magnetise(self, field_ka_m: np.ndarray, out: np.ndarray) -> None:
        """Go on along the loop."""
        out[:] = self._hysteresis.process(field_ka_m[None])

    def propagation(self, frequency_hz: np.ndarray, speed_um_s: float) -> np.ndarray:
        """Thickness loss."""
        return _thickness(np.atleast_1d(frequency_hz), speed_um_s, self._coating_um)[:, None]


class SteadyUnbiased:
    """A :class:`modeling.deck.law.SteadyLaw`."""

    def __init__(self, material: JilesAtherton, tape: Tape) -> None:
        self._material = material
        self._coating_um = tape.coating_um

    def flux(self, field_ka_m: np.ndarray, period_hz: float, speed_um_s: float) -> np.ndarray:
        """Spectrum of one period of flux, the loop closed."""
        f = np.arange(field_ka_m.size // 2 + 1) * period_hz
        return closed_loop(field_ka_m, self._material) * _thickness(f, speed_um_s, self._coating_um)

    def gain(self, frequency_hz: np.ndarray, peak_ka_m: np.ndarray, steady_ka_m: float, speed_um_s: float) -> np.ndarray:
        """Describing function of the sine, between peaks that lie a fraction of an octave apart.

        The law knows no time: that of a cosine, its fundamental over its peak, depends on the peak alone.
        """
        octaves = np.log2([peak_ka_m.min(), peak_ka_m.max()])
        peaks = 2.0 ** np.linspace(octaves[0] - 0.1, octaves[1] + 0.1, 4 + int(PEAKS_AN_OCTAVE * np.ptp(octaves)))
        cosine = np.cos(2.0 * np.pi * np.arange(SINE_POINTS) / SINE_POINTS)
        loops = np.array([closed_loop(steady_ka_m + peak * cosine, self._material)[1] / peak for peak in peaks])
        found = CubicSpline(np.log2(peaks), 2.0 / SINE_POINTS * loops)(np.log2(peak_ka_m))
        return np.asarray(found * _thickness(frequency_hz, speed_um_s, self._coating_um))


def _thickness(frequency_hz: np.ndarray, speed_um_s: float, coating_um: float) -> np.ndarray:
    return thickness_loss(wave_number(frequency_hz, speed_um_s), coating_um)
