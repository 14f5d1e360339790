"""Noise: hiss that lies in the tape, and what the replay electronics add anew in every pass."""

import numpy as np
from scipy import fft

from modeling.deck.convolution import BlockPlan, SampleQueue
from modeling.deck.losses import thickness_loss, wave_number
from modeling.deck.parameters import TRACKS, DeckParameters
from modeling.deck.placed import PlacedNoise
from modeling.deck.tracks import aligned_chain

A_WEIGHTING_HZ = (20.598997, 107.65265, 737.86223, 12194.217)
"""Corner frequencies f1 to f4 of the A-weighting, IEC 61672-1:2013 annex E."""

BAND_HZ = (20.0, 20000.0)
"""Band in which noise levels are stated."""

HUM_HARMONICS_DB = (0.0, -6.0, -9.0, -18.0, -15.0)
"""Mains hum: fundamental and harmonics 2 to 5 relative to it."""

HISS_AT_CM_S, HISS_WIDTH_MM = 9.5, 0.6
"""Speed and track width at which the hiss of a tape is stated."""

_FIRST_BLOCK = 1 << 20
_HISS, _ELECTRONICS = 11, 12


def a_weighting(frequency_hz: np.ndarray) -> np.ndarray:
    """A-weighting as a factor, 1 at 1 kHz (IEC 61672-1:2013, formula E.1)."""

    def curve(f: np.ndarray) -> np.ndarray:
        f1, f2, f3, f4 = A_WEIGHTING_HZ
        return f4**2 * f**4 / ((f**2 + f1**2) * np.sqrt((f**2 + f2**2) * (f**2 + f3**2)) * (f**2 + f4**2))

    return curve(np.asarray(frequency_hz, dtype=np.float64)) / curve(np.array(1000.0))


def weighted_level_db(density: np.ndarray, frequency_hz: np.ndarray) -> float:
    """A-weighted level of a one-sided power density (0 VU peak squared per Hz), in dB re a sine at 0 VU."""
    power = np.trapezoid(density * a_weighting(frequency_hz) ** 2, frequency_hz)
    return float(10.0 * np.log10(2.0 * power))


def _level_grid() -> np.ndarray:
    return np.linspace(*BAND_HZ, 19981)


def hiss_shape(frequency_hz: np.ndarray, parameters: DeckParameters) -> np.ndarray:
    """Spectrum (amplitude) of the flux noise: particles at every depth, adding in power, (1 - e^{-2kd}) / (2kd)."""
    k = wave_number(frequency_hz, parameters.speed_um_s)
    return np.sqrt(thickness_loss(2.0 * k, parameters.tape.coating_um))


def hiss_density(frequency_hz: np.ndarray, parameters: DeckParameters) -> np.ndarray:
    """One-sided power density of hiss in the flux on tape, re that of a saturated track, in 1/Hz.

    Particles lie in the tape: one density over the wave number k serves every speed, and over frequency it is N(k) 2 pi / v.
    They add in power across the track, the signal in amplitude: re the signal the power falls as 1/W with the track width W
    (Bertram, "Theory of Magnetic Recording", 1994, ch. 11). Scaled so that replay as aligned gives the stated level at 9.5 cm/s
    on a track of 0.6 mm.
    """
    stated = parameters.model_copy(update={"speed_cm_s": HISS_AT_CM_S})
    grid = _level_grid()
    replayed = np.abs(hiss_shape(grid, stated) * aligned_chain(grid, stated)) ** 2
    stated_dba = parameters.tape.hiss_dba + parameters.faults.magnetism_hiss_db
    scale = 10.0 ** ((stated_dba - weighted_level_db(replayed, grid)) / 10.0)
    scale *= stated.speed_um_s / parameters.speed_um_s * HISS_WIDTH_MM / parameters.tracks.width_mm
    return scale * hiss_shape(frequency_hz, parameters) ** 2


def heard_hiss_density(frequency_hz: np.ndarray, parameters: DeckParameters) -> np.ndarray:
    """The same as it passes the head, with the pitch control off its detent while playing."""
    ratio = parameters.play_speed_um_s / parameters.speed_um_s
    return hiss_density(np.asarray(frequency_hz) / ratio, parameters) / ratio


def electronics_density(parameters: DeckParameters) -> float:
    """One-sided power density of the white noise of the replay electronics."""
    grid = _level_grid()
    return float(10.0 ** ((parameters.electronics.noise_dba - weighted_level_db(np.ones_like(grid), grid)) / 10.0))


def hum_lines(parameters: DeckParameters) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies in Hz and peak amplitudes (0 VU peak = 1) of the mains hum; empty without hum."""
    electronics = parameters.electronics
    if electronics.hum_db is None:
        return np.zeros(0), np.zeros(0)
    level_db = electronics.hum_db + np.array(HUM_HARMONICS_DB)
    return electronics.mains_hz * np.arange(1.0, level_db.size + 1), 10.0 ** (level_db / 20.0)


class TapeHiss(PlacedNoise):
    """Hiss of one track as a function of tape position.

    Parameters
    ----------
    parameters : DeckParameters
    plan : BlockPlan
    identity : tuple of int
        Seed, track, and how often the track has been recorded.
    """

    def __init__(self, parameters: DeckParameters, plan: BlockPlan, identity: tuple[int, ...]) -> None:
        super().__init__(plan, (*identity, _HISS))
        amplitude = np.sqrt(0.5 * plan.sample_rate * hiss_density(np.array([1000.0]), parameters)[0])
        amplitude /= hiss_shape(np.array([1000.0]), parameters)[0]
        self._filter = plan.filter(lambda f: amplitude * hiss_shape(f, parameters), plan.taps // 2)

    def colour(self, white: np.ndarray) -> np.ndarray:
        """Through the filter of its spectrum."""
        return fft.irfft(fft.rfft(white) * self._filter, self._plan.size)[-self._plan.block :]


class ElectronicsNoise:
    """White noise and hum of one pass, drawn anew for each, in blocks of the plan."""

    def __init__(self, parameters: DeckParameters, plan: BlockPlan, identity: tuple[int, ...]) -> None:
        self._identity = (*identity, _ELECTRONICS)
        self._plan = plan
        self._amplitude = float(np.sqrt(0.5 * plan.sample_rate * electronics_density(parameters)))
        self._hum_hz, self._hum_peak = hum_lines(parameters)
        self._phases = 2.0 * np.pi * np.random.default_rng(self._identity).random(self._hum_hz.size)
        self._blocks = 0
        self._queue = SampleQueue(TRACKS)

    def read(self, samples: int) -> np.ndarray:
        """The next samples, shape ``(tracks, samples)``."""
        while len(self._queue) < samples:
            self._queue.push(self._block())
        return self._queue.pop(samples)

    def _block(self) -> np.ndarray:
        generator = np.random.default_rng((*self._identity, _FIRST_BLOCK + self._blocks))
        noise = self._amplitude * generator.standard_normal((TRACKS, self._plan.block))
        time_s = (self._blocks * self._plan.block + np.arange(self._plan.block)) / self._plan.sample_rate
        for frequency_hz, peak, phase in zip(self._hum_hz, self._hum_peak, self._phases, strict=True):
            noise += peak * np.sin(2.0 * np.pi * frequency_hz * time_s + phase)
        self._blocks += 1
        return noise
