"""The record process with AC bias: the frozen-Preisach model.

Every particle, of coercivity hc at depth y, keeps the magnetisation it had where the envelope of the bias field last fell
through hc. The bias oscillation is thereby gone from the calculation, exactly so in the limit of many bias cycles, and what
is left is static: one odd curve of the signal field per particle class, followed by a delay and a depth loss. Fields are in
kA/m, lengths in micrometres, magnetisation in units of saturation.

With the Karlqvist head field h(x, y), bias H_b and signal S(t) as deep-gap amplitudes, F(v) = erf(v / (sqrt(2) s_u)):

* frozen (hc < H_b h(0, y)):  M = F(S hc / H_b), fixed at x_f on the trailing side, where H_b h(x_f, y) = hc;
* too deep for the bias:      M = [F(h(0, y) S - d) + F(h(0, y) S + d)] / 2, d = hc - H_b h(0, y), fixed at x = 0;
* flux(k) = sum over classes of weight e^{-ky} e^{+jk x_f} M.

The more of the neighbours of a particle point the same way, the less their fields differ: the variance of the sum of many
moments +-1 with the mean M goes as 1 - M^2. So far as neighbours are that independent, s_u^2 = s_0^2 (1 - n M^2), with n the
share of them, the narrowing; M then stands on both sides of the equations above. Curves are straighter with it and bend more
sharply. With n up to 1/2 the slope of the right side over M stays below 1/2, so that there is one solution.

References
----------
O. Karlqvist, "Calculation of the magnetic field in the ferromagnetic layer of a magnetic drum", 1954 (head field).
F. Preisach, Z. Phys. 94 (1935) 277; H. N. Bertram, "Theory of Magnetic Recording" (1994) ch. 8 (anhysteretic freezing);
E. Della Torre, "Magnetic Hysteresis" (1999) (variance of the interaction field that depends on magnetisation).
"""

from dataclasses import dataclass
from math import erf, exp, pi, sqrt

import numba
import numpy as np
from scipy.interpolate import CubicSpline
from scipy.special import ndtri

from modeling.deck.losses import wave_number
from modeling.deck.parameters import RecordHead, Tape

LAYERS = 14
COERCIVITIES = 12
CURVES = 8
FIELD_LIMIT = 2.2
"""Curves are tabulated to this multiple of the bias; beyond it they are flat."""

GRID_POINTS = 2049
TAPER_POWER = 1.5
WEIGHT_DEPTH_UM = 9.0
"""Depth at which a class counts 1/e in the reduction: deep ones are not heard at short wavelengths."""

NEWTON_STEPS = 8
LAST_STEP = 1e-7
"""Of the magnetisation under interaction fields that narrow: its error after such a step is of the order of the square."""

WEIGHT_FIELD = 0.1
"""Field, as part of the bias, below which all fields count alike in the reduction and above which they count as 1/S."""

WEIGHT_BEND = 3.0
"""How much more than a curve itself its departure from a straight line counts, from which the harmonics come."""


@dataclass(frozen=True)
class ParticleClasses:
    """Particles sorted by depth and coercivity; all arrays of shape ``(classes,)``.

    Attributes
    ----------
    depth_um, freezing_um : ndarray
        Depth y and freezing point x_f behind the gap centre.
    weight : ndarray
        Part of the whole flux; the sum is 1.
    gain : ndarray
        Factor of S inside F.
    threshold_ka_m : ndarray
        The offset d; 0 for frozen classes.
    interaction_ka_m : float
        Standard deviation s_0 of the interaction field in demagnetised tape.
    narrowing : float
        n, by how much its variance falls towards saturation.
    bias_ka_m : float
        Deep-gap bias H_b.
    """

    depth_um: np.ndarray
    freezing_um: np.ndarray
    weight: np.ndarray
    gain: np.ndarray
    threshold_ka_m: np.ndarray
    interaction_ka_m: float
    narrowing: float
    bias_ka_m: float

    def magnetisation(self, signal_ka_m: np.ndarray) -> np.ndarray:
        """Magnetisation of every class, shape ``(classes, *signal.shape)``."""
        return self._settled(signal_ka_m)[0]

    def permeability(self, at_ka_m: float = 0.0) -> np.ndarray:
        """Slope dM/dS at a steady field of every class, per kA/m."""
        return self._settled(np.array(at_ka_m))[1]

    def _settled(self, signal_ka_m: np.ndarray) -> np.ndarray:
        """Magnetisation and its slope of every class, shape ``(2, classes, *signal.shape)``."""
        field = np.asarray(signal_ka_m, dtype=np.float64)
        found = _settle(field.ravel(), self.gain, self.threshold_ka_m, self.interaction_ka_m, self.narrowing)
        return np.asarray(found.reshape(2, -1, *field.shape))

    def propagation(self, frequency_hz: np.ndarray, speed_um_s: float) -> np.ndarray:
        """Weight, depth loss and phase e^{-ky + jkx_f} of every class, shape ``(frequencies, classes)``.

        An element freezes after it has passed the gap centre, hence the plus sign.
        """
        k = wave_number(np.atleast_1d(frequency_hz), speed_um_s)[:, None]
        return self.weight * np.exp(k * (-self.depth_um + 1j * self.freezing_um))


@numba.njit(cache=True, nogil=True)
def _settle(field: np.ndarray, gain: np.ndarray, threshold: np.ndarray, interaction: float, narrowing: float) -> np.ndarray:
    """Magnetisation of classes in fields and its slope dM/dS, shape ``(2, classes, fields)``; by Newton's iteration."""
    out = np.empty((2, gain.size, field.size))
    for k in range(gain.size):
        magnetised = 0.0  # the next field is often close to the last
        for i in range(field.size):
            drive, slope = gain[k] * field[i], 0.0
            for _ in range(1 + NEWTON_STEPS):
                left = 1.0 - narrowing * magnetised * magnetised
                scale = 1.0 / (sqrt(2.0 * left) * interaction)
                below, above = (drive - threshold[k]) * scale, (drive + threshold[k]) * scale
                low, low_slope = erf(below), exp(-below * below)
                high, high_slope = (low, low_slope) if threshold[k] == 0.0 else (erf(above), exp(-above * above))
                feedback = narrowing * magnetised / left * (below * low_slope + above * high_slope) / sqrt(pi)
                step = (0.5 * (low + high) - magnetised) / (1.0 - feedback)
                magnetised += step
                slope = gain[k] * scale * (low_slope + high_slope) / sqrt(pi) / (1.0 - feedback)
                if narrowing == 0.0 or abs(step) < LAST_STEP:
                    break
            out[0, k, i], out[1, k, i] = magnetised, slope
    return out


def layers(tape: Tape, count: int = LAYERS) -> tuple[np.ndarray, np.ndarray]:
    """Depths in micrometres and weights, of sum 1, of even layers of the coating; shape ``(count,)``."""
    depth = (np.arange(count) + 0.5) / count * tape.coating_um
    taper = 1.0 - np.exp(-((depth / tape.taper_um) ** TAPER_POWER))
    return depth, taper / taper.sum()


def centre_field(depth_um: np.ndarray, gap_um: float, spacing_um: float) -> np.ndarray:
    """Karlqvist field h(0, y) at the middle of a gap, re its deep-gap value."""
    return np.asarray(2.0 / np.pi * np.arctan(gap_um / 2.0 / (depth_um + spacing_um)))


def particle_classes(tape: Tape, head: RecordHead) -> ParticleClasses:
    """Sort the coating of `tape` under the bias field of `head` into classes of equal weight in coercivity."""
    depth, share = layers(tape)
    quantiles = ndtri((np.arange(COERCIVITIES) + 0.5) / COERCIVITIES)
    coercivity = tape.coercivity_ka_m * np.exp(tape.coercivity_spread * quantiles)
    y, hc = (a.ravel() for a in np.meshgrid(depth, coercivity, indexing="ij"))
    return classes_of(tape, head, y, hc, np.repeat(share / COERCIVITIES, COERCIVITIES))


def classes_of(
    tape: Tape, head: RecordHead, depth_um: np.ndarray, coercivity_ka_m: np.ndarray, weight: np.ndarray
) -> ParticleClasses:
    """Particles of the given depths and coercivities under the bias field of `head`; arrays of shape ``(classes,)``."""
    y, hc = depth_um, coercivity_ka_m
    distance = y + head.spacing_um
    half_gap = head.gap_um / 2.0
    middle = centre_field(y, head.gap_um, head.spacing_um)
    bias = head.bias_ka_m
    frozen = hc < bias * middle
    # h(x, y) = t has the closed form x^2 = g y' cot(pi t) + g^2/4 - y'^2 by the addition theorem of the arctangent.
    angle = np.pi * np.minimum(hc / bias, middle)
    square = head.gap_um * distance / np.tan(angle) + half_gap**2 - distance**2
    return ParticleClasses(
        depth_um=y,
        freezing_um=np.where(frozen, np.sqrt(np.maximum(square, 0.0)), 0.0),
        weight=weight,
        gain=np.where(frozen, hc / bias, middle),
        threshold_ka_m=np.where(frozen, 0.0, hc - bias * middle),
        interaction_ka_m=tape.interaction * tape.coercivity_ka_m,
        narrowing=tape.narrowing,
        bias_ka_m=bias,
    )


@dataclass(frozen=True)
class RecordCurves:
    """The classes reduced to a few curves: flux(k) = sum_r G_r(k) M_r(S).

    Attributes
    ----------
    field_limit_ka_m : float
        The grid runs over +- this field.
    coefficients : ndarray, shape (cells, curves, 4)
        Cubic of every grid cell in its local coordinate 0..1, lowest power first.
    mixture : ndarray, shape (classes, curves)
        How much of each curve a class holds.
    classes : ParticleClasses
        What was reduced.
    """

    field_limit_ka_m: float
    coefficients: np.ndarray
    mixture: np.ndarray
    classes: ParticleClasses

    def propagation(self, frequency_hz: np.ndarray, speed_um_s: float) -> np.ndarray:
        """Filter G_r of every curve, complex, shape ``(frequencies, curves)``."""
        parts = np.array_split(np.atleast_1d(frequency_hz), np.size(frequency_hz) // 4096 + 1)  # small in memory
        return np.concatenate([self.classes.propagation(part, speed_um_s) @ self.mixture for part in parts])


def reduce_to_curves(classes: ParticleClasses, curves: int = CURVES) -> RecordCurves:
    """Best few curves for all classes together, by a weighted singular value decomposition.

    Small fields and shallow layers weigh more, so that low-level response and short wavelengths keep their precision; the bend of a
    curve, re the third power of the field, weighs for itself. With eight curves a sine is within 0.005 dB of the full sum from
    100 Hz to 14 kHz, its third harmonic at 315 Hz and 1 kHz within 0.01 dB and its fifth within 0.06 dB, or either within -100 dB
    re the fundamental.
    """
    limit = FIELD_LIMIT * classes.bias_ka_m
    field = np.linspace(-limit, limit, GRID_POINTS)
    rows = np.sqrt(classes.weight) * np.exp(-classes.depth_um / WEIGHT_DEPTH_UM)
    phi = rows[:, None] * classes.magnetisation(field)
    scale = np.hypot(field, WEIGHT_FIELD * classes.bias_ka_m)
    whole = phi / np.sqrt(scale)
    bend = (phi - (rows * classes.permeability())[:, None] * field) / scale**3
    bend *= WEIGHT_BEND * np.linalg.norm(whole) / np.linalg.norm(bend)
    u = np.linalg.svd(np.hstack([whole, bend]), full_matrices=False)[0][:, :curves]
    tables = u.T @ phi
    tables = 0.5 * (tables - tables[:, ::-1])  # odd to the last bit
    return RecordCurves(
        field_limit_ka_m=limit,
        coefficients=_cubic_cells(tables),
        mixture=u / rows[:, None],
        classes=classes,
    )


def _cubic_cells(tables: np.ndarray) -> np.ndarray:
    """Cubic of every cell of the tables (curves, points), by splines; flat at both ends."""
    cells = CubicSpline(np.arange(tables.shape[1]), tables, axis=1, bc_type="clamped").c
    return np.ascontiguousarray(cells[::-1].transpose(1, 2, 0))
