"""How alike two sounds are, by measures that listening tests and other projects use beside the error-to-signal ratio.

All are of the whole of what is given, never a mean over pieces. None is a verdict: low error does not mean right harmonics, and
none of these knows what is heard.
"""

import numpy as np
import pyloudnorm
from pydantic import BaseModel, ConfigDict
from scipy.fft import dct

FRAME_S, HOP_S = 0.040, 0.010
LOWEST_DBFS = -120.0
"""Power of a spectral line below which nothing is compared: that of a 24-bit recorder's own noise in a frame."""
MEL_BANDS = 40
MEL_LOW_HZ, MEL_HIGH_HZ = 20.0, 16_000.0
COEFFICIENTS = 13


class Likeness(BaseModel):
    """Measures of likeness of an estimate to its target.

    Attributes
    ----------
    si_snr_db : float
        Target over error, each scaled freely; more is better. The others: less is better.
    multi_resolution_stft : float
        Spectral convergence and log magnitude over three frame lengths, as auraloss has them.
    log_spectral_distance_db : float
    mel_cepstral_distortion_db : float
    loudness_difference_db : float
        Integrated loudness (ITU-R BS.1770-4), that of the estimate less that of the target, in LU.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    si_snr_db: float
    multi_resolution_stft: float
    log_spectral_distance_db: float
    mel_cepstral_distortion_db: float
    loudness_difference_db: float


def likeness(target: np.ndarray, estimate: np.ndarray, bare: np.ndarray, sample_rate: int) -> Likeness:
    """Every measure.

    Parameters
    ----------
    target : ndarray, shape (samples,)
        Half a second or more.
    estimate : ndarray, shape (samples,)
        As it is heard, with hiss.
    bare : ndarray, shape (samples,)
        The same without what is drawn at random, which no waveform can be compared with.
    """
    return Likeness(
        si_snr_db=si_snr_db(target, bare),
        multi_resolution_stft=multi_resolution_stft(target, estimate),
        log_spectral_distance_db=log_spectral_distance_db(target, estimate, sample_rate),
        mel_cepstral_distortion_db=mel_cepstral_distortion_db(target, estimate, sample_rate),
        loudness_difference_db=loudness_lufs(estimate, sample_rate) - loudness_lufs(target, sample_rate),
    )


def si_snr_db(target: np.ndarray, estimate: np.ndarray) -> float:
    """Scale-invariant signal-to-noise ratio, means removed.

    References
    ----------
    J. Le Roux et al., "SDR - half-baked or well done?", ICASSP 2019, eq. (3).
    """
    t, e = target - target.mean(), estimate - estimate.mean()
    part = (e @ t) / max(float(t @ t), 1e-30) * t
    return float(10.0 * np.log10((part @ part + 1e-30) / (np.sum((e - part) ** 2) + 1e-30)))


def multi_resolution_stft(target: np.ndarray, estimate: np.ndarray) -> float:
    """Multi-resolution STFT loss with the settings of auraloss.

    References
    ----------
    R. Yamamoto et al., "Parallel WaveGAN", ICASSP 2020, eq. (6); C. Steinmetz, J. Reiss, "auraloss", DMRN+15, 2020.
    """
    import torch
    from auraloss.freq import MultiResolutionSTFTLoss

    a, b = (torch.from_numpy(np.ascontiguousarray(x, dtype=np.float32))[None, None] for x in (estimate, target))
    with torch.no_grad():
        return float(MultiResolutionSTFTLoss()(a, b))


def log_spectral_distance_db(target: np.ndarray, estimate: np.ndarray, sample_rate: int) -> float:
    """Log-spectral distance: RMS over frequency of the difference in dB, mean over the frames.

    References
    ----------
    A. Gray, J. Markel, "Distance measures for speech processing", IEEE Trans. ASSP 24, 1976.
    """
    least = 10.0 ** (LOWEST_DBFS / 10.0)
    one, other = (10.0 * np.log10(np.maximum(power_frames(x, sample_rate), least)) for x in (target, estimate))
    return float(np.mean(np.sqrt(np.mean((one - other) ** 2, axis=1))))


def mel_cepstral_distortion_db(target: np.ndarray, estimate: np.ndarray, sample_rate: int) -> float:
    """Mel-cepstral distortion over coefficients 1 to 13, mean over the frames; level, which coefficient 0 holds, is no part.

    References
    ----------
    R. Kubichek, "Mel-cepstral distance measure for objective speech quality assessment", IEEE PACRIM 1993.
    """
    one, other = (mel_cepstrum(x, sample_rate)[:, 1 : COEFFICIENTS + 1] for x in (target, estimate))
    return float(np.mean(10.0 / np.log(10.0) * np.sqrt(2.0 * np.sum((one - other) ** 2, axis=1))))


def mel_cepstrum(x: np.ndarray, sample_rate: int) -> np.ndarray:
    """Cosine transform (orthonormal, type 2) of the natural logarithm of the amplitude in mel bands, shape (frames, bands)."""
    power = power_frames(x, sample_rate) @ mel_filters(sample_rate).T
    return np.asarray(dct(0.5 * np.log(np.maximum(power, 10.0 ** (LOWEST_DBFS / 10.0))), type=2, norm="ortho", axis=1))


def mel_filters(sample_rate: int) -> np.ndarray:
    """Triangles, equally wide in mel = 2595 log10(1 + f/700), shape (MEL_BANDS, lines)."""
    size = round(FRAME_S * sample_rate)
    high_hz = min(MEL_HIGH_HZ, 0.49 * sample_rate)
    ends = 2595.0 * np.log10(1.0 + np.array([MEL_LOW_HZ, high_hz]) / 700.0)
    edges = 700.0 * (10.0 ** (np.linspace(ends[0], ends[1], MEL_BANDS + 2) / 2595.0) - 1.0)
    frequency = np.arange(size // 2 + 1) * sample_rate / size
    rising = (frequency - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - frequency) / np.diff(edges)[1:, None]
    return np.maximum(0.0, np.minimum(rising, falling))


def power_frames(x: np.ndarray, sample_rate: int) -> np.ndarray:
    """Power of the lines of a sine-calibrated spectrum, Hann window, a sine at full scale being 1; shape (frames, lines)."""
    size, hop = round(FRAME_S * sample_rate), round(HOP_S * sample_rate)
    frames = np.lib.stride_tricks.sliding_window_view(x, size)[::hop]
    window = np.hanning(size + 1)[:-1]
    return np.abs(np.fft.rfft(frames * window, axis=1) * (2.0 / window.sum())) ** 2


def loudness_lufs(x: np.ndarray, sample_rate: int) -> float:
    """Integrated loudness of half a second of mono sound or more (ITU-R BS.1770-4); of silence, -70 LUFS, where its gate lies."""
    return max(float(pyloudnorm.Meter(sample_rate).integrated_loudness(x)), -70.0)
