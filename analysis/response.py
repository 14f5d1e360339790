"""Frequency response and harmonic responses from a synchronised sweep, after dewarping.

References
----------
A. Novak, P. Lotton, L. Simon, J. Audio Eng. Soc. 63(10), 2015: deconvolution by the analytic inverse (eq. 43), separation of the
harmonic impulse responses at the advances L ln n (eq. 38).
"""

from dataclasses import dataclass

import numpy as np

from signals.sweeps import Sweep

POINTS_PER_OCTAVE = 48
LONG_S = (0.25, 0.60)  # window before and after the impulse below CROSS_HZ, where the low end rings
SHORT_S = (0.03, 0.08)  # and above, where a tape does not and a short window keeps hiss out
CROSS_HZ = (250.0, 500.0)
HARMONIC_S = (0.02, 0.03)
EDGE_RATIOS = (1.6, 0.97)  # the sweep is faded in and out at its ends, which tell nothing


@dataclass(frozen=True)
class Response:
    """Response of one sweep.

    Attributes
    ----------
    frequency_hz : ndarray, shape (points,)
        Log-spaced, 48 to the octave.
    transfer : ndarray, complex, shape (points,)
        Returned over sent.
    noise : ndarray, shape (points,)
        RMS of the error of the transfer that hiss makes, same unit.
    harmonics : dict of int to (frequency_hz, ratio)
        For each order the excitation frequencies and the harmonic's amplitude over the fundamental's.
    """

    frequency_hz: np.ndarray
    transfer: np.ndarray
    noise: np.ndarray
    harmonics: dict[int, tuple[np.ndarray, np.ndarray]]


def measure(
    returned: np.ndarray,
    lead_samples: int,
    sweep: Sweep,
    amplitude: float,
    sample_rate: int,
    orders: tuple[int, ...] = (2, 3, 4, 5),
) -> Response:
    """Response from a dewarped recording of a sweep.

    Parameters
    ----------
    returned : ndarray, shape (samples,)
        Recording on the stimulus' clock, from `lead_samples` before the sweep to some 0.9 s after its end.
    amplitude : float
        Peak amplitude of the sweep as sent.

    Returns
    -------
    Response
    """
    size = 1 << int(np.ceil(np.log2(returned.size + round(sweep.harmonic_advance_s(max(orders)) * sample_rate))))
    spectrum_hz = np.fft.rfftfreq(size, 1.0 / sample_rate)
    inverse = sweep.inverse_spectrum(spectrum_hz)
    # Outside the swept band the inverse would only amplify noise.
    inverse *= (spectrum_hz >= 0.7 * sweep.low_hz) & (spectrum_hz <= 1.02 * sweep.high_hz)
    spectrum = np.fft.rfft(returned, size) * inverse * np.exp(2j * np.pi * spectrum_hz * lead_samples / sample_rate)
    impulse = np.fft.irfft(spectrum / amplitude, size) / sample_rate
    lowest, highest = EDGE_RATIOS[0] * sweep.low_hz, min(EDGE_RATIOS[1] * sweep.high_hz, 0.48 * sample_rate)
    octaves = np.log2(highest / lowest)
    grid = lowest * 2.0 ** np.linspace(0.0, octaves, int(octaves * POINTS_PER_OCTAVE) + 1)
    advance = sweep.harmonic_advance_s(2)
    long = (min(LONG_S[0], 0.4 * advance), LONG_S[1])
    low, high = _windowed(impulse, 0.0, long, grid, sample_rate), _windowed(impulse, 0.0, SHORT_S, grid, sample_rate)
    blend = np.clip(np.log(grid / CROSS_HZ[0]) / np.log(CROSS_HZ[1] / CROSS_HZ[0]), 0.0, 1.0)
    transfer = low * (1.0 - blend) + high * blend
    # What the same windows find where no response can be, later than the last echo of a tape, is noise.
    quiet = [_windowed(impulse, at, SHORT_S, grid, sample_rate) for at in (0.25, 0.40, 0.55, 0.70)]
    rms = np.sqrt(np.mean(np.abs(quiet) ** 2, axis=0))
    rms *= 1.0 + (np.sqrt(sum(long) / sum(SHORT_S)) - 1.0) * (1.0 - blend)
    harmonics = {}
    for n in orders:
        reach = (grid * n <= min(20_000.0, sweep.high_hz)) & (grid * n <= 0.48 * sample_rate)
        product = _windowed(impulse, -sweep.harmonic_advance_s(n), HARMONIC_S, grid[reach] * n, sample_rate)
        harmonics[n] = (grid[reach], np.abs(product) / np.abs(transfer[reach]))
    return Response(grid, transfer, rms, harmonics)


def band_edges(frequency_hz: np.ndarray, level_db: np.ndarray) -> tuple[float | None, float | None]:
    """Frequencies at which the response, going out from 1 kHz, is first 3 dB below its level there; None where it never is."""
    centre = int(np.argmin(np.abs(np.log(frequency_hz / 1000.0))))
    drop = level_db - level_db[centre] + 3.0
    edges: list[float | None] = []
    for side in (range(centre, 0, -1), range(centre, frequency_hz.size - 1)):
        step = -1 if side.step < 0 else 1
        edge = None
        for i in side:
            if drop[i] >= 0.0 > drop[i + step]:
                share = drop[i] / (drop[i] - drop[i + step])
                edge = float(frequency_hz[i] * (frequency_hz[i + step] / frequency_hz[i]) ** share)
                break
        edges.append(edge)
    return edges[0], edges[1]


def _windowed(
    impulse: np.ndarray, at_s: float, reach_s: tuple[float, float], grid_hz: np.ndarray, sample_rate: int
) -> np.ndarray:
    """Transform of a windowed part of a periodic impulse response, at given frequencies, with `at_s` as time zero."""
    before, after = (round(r * sample_rate) for r in reach_s)
    exact = at_s * sample_rate
    centre = int(np.floor(exact))
    index = np.arange(centre - before, centre + after + 1)
    fade_in, fade_out = before // 2, after // 2
    window = np.ones(index.size)
    window[:fade_in] = 0.5 - 0.5 * np.cos(np.pi * (np.arange(fade_in) + 0.5) / fade_in)
    window[index.size - fade_out :] = 0.5 + 0.5 * np.cos(np.pi * (np.arange(fade_out) + 0.5) / fade_out)
    part = impulse[index % impulse.size] * window
    size = 1 << int(np.ceil(np.log2(part.size))) + 2
    spectrum = np.fft.rfft(part, size)
    frequency = np.fft.rfftfreq(size, 1.0 / sample_rate)
    turn = np.exp(2j * np.pi * frequency * (before + (exact - centre)) / sample_rate)
    straight = spectrum * turn
    return np.interp(grid_hz, frequency, straight.real) + 1j * np.interp(grid_hz, frequency, straight.imag)
