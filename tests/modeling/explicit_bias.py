"""A tape that moves past the record head under an oscillating bias, every particle followed by itself.

Nothing is frozen by assumption: a particle of coercivity hc in an interaction field u points up once the field of the head at
its place has exceeded u + hc, and down once it has fallen below u - hc. Preisach, Z. Phys. 94 (1935) 277.
"""

import numba
import numpy as np
from scipy.special import ndtri

BIAS_HZ = 100_000.0
STEPS = 8
"""Samples of the field in a bias period, its peaks among them: only those switch a particle."""

REACH_UM = 14.0
INTERACTIONS = 48
PHASES = 8
"""Elements that come within one bias period of each other, together one: what the bias itself leaves is too short to be heard."""


@numba.njit(nogil=True)
def _passed(arrival_s, signal_hz, signal_ka_m, bias_ka_m, speed_um_s, half_gap_um, distance_um, coercivity, interaction):
    """Mean state of the particles of one depth and coercivity, for elements that are at the gap centre at the given times."""
    out = np.zeros(arrival_s.size)
    step_s = 1.0 / (BIAS_HZ * STEPS)
    for element in range(arrival_s.size):
        states = np.zeros((2, interaction.size))  # demagnetised: as many begin up as down
        states[0], states[1] = -1.0, 1.0
        first = int(np.floor((arrival_s[element] - REACH_UM / speed_um_s) / step_s))
        for n in range(first, first + int(2.0 * REACH_UM / speed_um_s / step_s)):
            time_s = n * step_s
            x = (time_s - arrival_s[element]) * speed_um_s
            head = (np.arctan((half_gap_um + x) / distance_um) + np.arctan((half_gap_um - x) / distance_um)) / np.pi
            bias = bias_ka_m * np.cos(2.0 * np.pi * (n % STEPS) / STEPS)
            field = head * (bias + signal_ka_m * np.sin(2.0 * np.pi * signal_hz * time_s))
            for begun in range(2):
                for i in range(interaction.size):
                    if field > interaction[i] + coercivity:
                        states[begun, i] = 1.0
                    elif field < interaction[i] - coercivity:
                        states[begun, i] = -1.0
        out[element] = states.mean()
    return out


def flux(tape, head, signal_ka_m, signal_hz, speed_um_s, layers=8, coercivities=8, elements=24):
    """Flux of a sine at harmonics 0 to 3 as part of saturation, complex."""
    depth_um = (np.arange(layers) + 0.5) / layers * tape.coating_um
    weight = 1.0 - np.exp(-((depth_um / tape.taper_um) ** 1.5))
    spread = np.exp(tape.coercivity_spread * ndtri((np.arange(coercivities) + 0.5) / coercivities))
    interaction = tape.interaction * tape.coercivity_ka_m * ndtri((np.arange(INTERACTIONS) + 0.5) / INTERACTIONS)
    # Elements over one period of the signal, some way into the tape.
    within_s = np.arange(PHASES) / PHASES / BIAS_HZ
    arrival_s = (0.01 + np.arange(elements) / elements / signal_hz)[:, None] + within_s - within_s.mean()
    k = 2.0 * np.pi * signal_hz * np.arange(4.0) / speed_um_s
    lines = np.zeros(4, complex)
    for y, w in zip(depth_um, weight / weight.sum() / coercivities, strict=True):
        for hc in tape.coercivity_ka_m * spread:
            state = _passed(
                arrival_s.ravel(), signal_hz, signal_ka_m, head.bias_ka_m, speed_um_s, head.gap_um / 2.0, y + head.spacing_um, hc,
                interaction,
            )  # fmt: skip
            lines += w * np.exp(-k * y) * np.fft.rfft(state.reshape(arrival_s.shape).mean(axis=1))[:4] * 2.0 / elements
    return lines
