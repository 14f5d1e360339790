"""Frequency response and harmonic responses from a synchronised sweep, after dewarping.

References
----------
A. Novak, P. Lotton, L. Simon, J. Audio Eng. Soc. 63(10), 2015: deconvolution by the analytic inverse (eq. 43), separation of the
harmonic impulse responses at the advances L ln n (eq. 38).
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.optimize import minimize_scalar
from scipy.signal import savgol_coeffs, savgol_filter

from analysis import lines
from signals.sweeps import Sweep

POINTS_PER_OCTAVE = 48
WINDOWS_S = ((0.25, 0.60), (0.03, 0.08), (0.010, 0.025))
"""Windows before and after the impulse: long where the low end rings, short where a tape does not and hiss is kept out."""

CROSS_HZ = ((250.0, 500.0), (2500.0, 5000.0))
QUIET_S = (0.25, 0.40, 0.55, 0.70)  # after the impulse, later than the last echo of a tape, only noise is found
QUIET_LONG_S = (1.0, 1.9, 2.8)
HARMONIC_S = (0.02, 0.03)
EDGE_RATIOS = (1.6, 0.97)  # the sweep is faded in and out at its ends, which tell nothing
LINEAR_HZ = (400.0, 6000.0)  # the band by whose linear phase latency is defined
LINEAR_SEARCH_S = 1e-3
LEAST_HARMONIC_HZ = 100.0  # the window of a harmonic holds five of its cycles
CHANCE_POWER = 2.0  # a mean of some eight independent squares is above twice what is expected in one of twenty cases
LOCAL_POINTS, LOCAL_ORDER = 17, 3
"""A response is taken to be a cubic over a third of an octave; what strays from it is noise, hum or flutter."""


@dataclass(frozen=True)
class Harmonic:
    """Response of one harmonic.

    Attributes
    ----------
    frequency_hz : ndarray, shape (points,)
        Frequency of the excitation.
    ratio : ndarray, shape (points,)
        Amplitude of the harmonic over that of the fundamental, noise taken off as power; NaN where noise drowns it.
    doubt : ndarray, shape (points,)
        Relative 95 % uncertainty of the ratio.
    """

    frequency_hz: np.ndarray
    ratio: np.ndarray
    doubt: np.ndarray

    def above(self, low_hz: float) -> "Harmonic":
        """The same from a frequency of the excitation on."""
        kept = self.frequency_hz >= low_hz
        return Harmonic(self.frequency_hz[kept], self.ratio[kept], self.doubt[kept])


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
        RMS of the error of the transfer that hiss and hum make, same unit.
    harmonics : dict of int to Harmonic
        By order.
    """

    frequency_hz: np.ndarray
    transfer: np.ndarray
    noise: np.ndarray
    harmonics: dict[int, Harmonic]

    @property
    def level_db(self) -> np.ndarray:
        """Magnitude in dB."""
        return np.asarray(20.0 * np.log10(np.abs(self.transfer) + 1e-12))

    @property
    def phase(self) -> np.ndarray:
        """Unwrapped phase in radians, between -pi and pi at 1 kHz."""
        phase = np.unwrap(np.angle(self.transfer))
        at_1k = phase[np.argmin(np.abs(np.log(self.frequency_hz / 1000.0)))]
        return np.asarray(phase - 2.0 * np.pi * np.round(at_1k / (2.0 * np.pi)))

    def linear_delay_s(self, speed: float = 1.0) -> float:
        """Delay of the linear phase, which counts as latency: argmax over tau of |sum H/|H| e^(j 2 pi f tau) df|.

        Parameters
        ----------
        speed : float
            Frequency heard over frequency sent: the band is one of what is heard.
        """
        low_hz, high_hz = (hertz / speed for hertz in LINEAR_HZ)
        frequency = np.arange(max(low_hz, self.frequency_hz[0]), min(high_hz, self.frequency_hz[-1]) + 0.5)
        real, imaginary = (
            np.interp(frequency, self.frequency_hz, part) for part in (self.transfer.real, self.transfer.imag)
        )
        part = real + 1j * imaginary
        unit = part / (np.abs(part) + 1e-300)

        def spread(tau_s: float) -> float:
            return -float(np.abs(np.sum(unit * np.exp(2j * np.pi * frequency * tau_s))))

        coarse = np.linspace(-LINEAR_SEARCH_S, LINEAR_SEARCH_S, 81)
        best = float(coarse[np.argmin([spread(tau) for tau in coarse])])
        step = float(coarse[1] - coarse[0])
        found = minimize_scalar(spread, bounds=(best - step, best + step), method="bounded", options={"xatol": 1e-9})
        return float(found.x)

    def without_linear_phase(self) -> "Response":
        """The response without the linear phase that counts as latency."""
        turn = np.exp(2j * np.pi * self.frequency_hz * self.linear_delay_s())
        return replace(self, transfer=self.transfer * turn)

    def group_delay(self) -> tuple[np.ndarray, np.ndarray]:
        """Group delay in seconds, from the slope of the phase over a third of an octave, and its 95 % uncertainty."""
        step = float(np.log(self.frequency_hz[1] / self.frequency_hz[0]))
        slope = savgol_filter(self.phase, LOCAL_POINTS, LOCAL_ORDER, deriv=1, delta=step)
        weight = np.linalg.norm(savgol_coeffs(LOCAL_POINTS, LOCAL_ORDER, deriv=1, delta=step))
        turn = 2.0 * np.pi * self.frequency_hz
        return np.asarray(-slope / turn), np.asarray(1.96 * weight * self._angle_sd(self.phase) / turn)

    def level_doubt_db(self) -> np.ndarray:
        """95 % uncertainty of the level by noise and by what flutter is left: the larger of what silence and scatter tell.

        For one sweep this is the bound by coherence, sqrt((1 - g^2) / (2 g^2)) with g^2 / (1 - g^2) the ratio of signal to noise
        (Bendat and Piersol, Random Data, 9.2.4).
        """
        return np.asarray(8.686 * 1.96 * self._angle_sd(self.level_db / 8.686, CHANCE_POWER))

    def phase_doubt(self) -> np.ndarray:
        """The same of the phase, in radians."""
        return np.asarray(1.96 * self._angle_sd(self.phase))

    def _angle_sd(self, law: np.ndarray, beyond: float = 1.0) -> np.ndarray:
        """Standard deviation of log magnitude or phase; by scatter where that has so many times the power of the noise."""
        by_noise = np.minimum(self.noise / (np.sqrt(2.0) * np.abs(self.transfer) + 1e-12), 1.0)
        stray = law - savgol_filter(law, LOCAL_POINTS, LOCAL_ORDER)
        power = uniform_filter1d(stray**2, LOCAL_POINTS, mode="nearest") * LOCAL_POINTS / (LOCAL_POINTS - LOCAL_ORDER - 1)
        return np.asarray(np.where(power > beyond * by_noise**2, np.sqrt(power), by_noise))


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
    transfer, power = np.zeros(grid.size, dtype=complex), np.zeros(grid.size)
    heard_s = (returned.size - lead_samples) / sample_rate
    for number, share in enumerate(_shares(grid)):
        used = share > 0.0
        before, after = WINDOWS_S[number]
        reach = (min(before, 0.4 * sweep.harmonic_advance_s(2)), after)
        transfer[used] += share[used] * _windowed(impulse, 0.0, reach, grid[used], sample_rate)
        power[used] += share[used] * _noise_power(impulse, reach, grid[used], sample_rate, sweep, heard_s)
    harmonics = {}
    for n in orders:
        highest = min(20_000.0, sweep.high_hz, 0.48 * sample_rate)
        reached = (grid * n <= highest) & (grid * n >= LEAST_HARMONIC_HZ)
        product = _windowed(impulse, -sweep.harmonic_advance_s(n), HARMONIC_S, grid[reached] * n, sample_rate)
        # What stands halfway to the harmonics beside it is no harmonic.
        halfway = [
            np.abs(_windowed(impulse, -sweep.harmonic_advance_s(n + off), HARMONIC_S, grid[reached] * n, sample_rate)) ** 2
            for off in (-0.5, 0.5)
        ]
        beside = uniform_filter1d(np.mean(halfway, axis=0), LOCAL_POINTS // 2, mode="nearest")
        noise = _noise_power(impulse, HARMONIC_S, grid[reached] * n, sample_rate, sweep, heard_s)
        stray = np.maximum(noise, beside)
        harmonics[n] = _harmonic(grid[reached], np.abs(product) ** 2 - noise, stray, np.abs(transfer[reached]) ** 2)
    return Response(grid, transfer, np.sqrt(power), harmonics)


def _shares(grid_hz: np.ndarray) -> list[np.ndarray]:
    """How much of each window counts at each frequency."""
    rising = [np.clip(np.log(grid_hz / low) / np.log(high / low), 0.0, 1.0) for low, high in CROSS_HZ]
    return [1.0 - rising[0], rising[0] * (1.0 - rising[1]), rising[0] * rising[1]]


def _noise_power(
    impulse: np.ndarray,
    reach_s: tuple[float, float],
    grid_hz: np.ndarray,
    sample_rate: int,
    sweep: Sweep,
    heard_s: float,
) -> np.ndarray:
    """Mean square of what the same window finds where no response can be, over a sixth of an octave."""
    left_s = heard_s - float(sweep.time_s(np.array(grid_hz[-1])))
    places: tuple[float, ...] = QUIET_S
    if sum(reach_s) > 0.5 * QUIET_S[-1]:
        places = tuple(at for at in QUIET_LONG_S if at + reach_s[1] < left_s)
        if not places:
            # The sweep ends too soon: a short window stands in for the long one.
            short = _noise_power(impulse, WINDOWS_S[1], grid_hz, sample_rate, sweep, heard_s)
            return short * sum(reach_s) / sum(WINDOWS_S[1])
    quiet = [np.abs(_windowed(impulse, at, reach_s, grid_hz, sample_rate)) ** 2 for at in places]
    return np.asarray(uniform_filter1d(np.mean(quiet, axis=0), LOCAL_POINTS // 2, mode="nearest"))


def _harmonic(frequency_hz: np.ndarray, power: np.ndarray, noise: np.ndarray, fundamental: np.ndarray) -> Harmonic:
    """Ratio of a harmonic to the fundamental where it stands out of the noise, from powers."""
    variance = 2.0 * np.maximum(power, 0.0) * noise + noise**2
    doubt = np.array([lines.amplitude_doubt(p, v) or np.nan for p, v in zip(power.tolist(), variance.tolist(), strict=True)])
    ratio = np.where(np.isfinite(doubt), np.sqrt(np.maximum(power, 0.0) / fundamental), np.nan)
    return Harmonic(frequency_hz, ratio, doubt)


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
