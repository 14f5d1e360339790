"""Tones with faded edges, alone and in pairs, and tone bursts."""

import numpy as np


def fade(samples: int, edge_samples: int) -> np.ndarray:
    """Window of ones with raised-cosine edges.

    Parameters
    ----------
    samples : int
        Length of the window.
    edge_samples : int
        Length of each edge; at most half of the window.

    Returns
    -------
    ndarray, shape (samples,)
    """
    edge = min(edge_samples, samples // 2)
    window = np.ones(samples)
    if edge:
        ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(edge) + 0.5) / edge)
        window[:edge] = ramp
        window[samples - edge :] = ramp[::-1]
    return window


def tone(frequency_hz: float, samples: int, sample_rate: int, fade_s: float = 0.02) -> np.ndarray:
    """Sine of peak amplitude 1 with faded edges; its phase is zero at the first sample.

    Returns
    -------
    ndarray, shape (samples,)
    """
    phase = 2.0 * np.pi * frequency_hz / sample_rate * np.arange(samples)
    return np.sin(phase) * fade(samples, round(fade_s * sample_rate))


def two_tone(first_hz: float, second_hz: float, second_db: float, samples: int, sample_rate: int) -> np.ndarray:
    """Two sines with faded edges, both of phase zero at the first sample; the first has a peak amplitude of 1.

    Parameters
    ----------
    second_db : float
        Level of the second re the first: -12.04 for the 4:1 of SMPTE RP 120, 0 for a difference-tone pair (IEC 60268-3).

    Returns
    -------
    ndarray, shape (samples,)
    """
    second = tone(second_hz, samples, sample_rate) * 10.0 ** (second_db / 20.0)
    return np.asarray(tone(first_hz, samples, sample_rate) + second)


def bursts(frequency_hz: float, samples: int, sample_rate: int, on_s: float, period_s: float, rest_db: float) -> np.ndarray:
    """Tone that steps between full and a resting level, for the ballistics of a compander or a meter.

    Parameters
    ----------
    on_s, period_s : float
        Length of a burst and time from one to the next.
    rest_db : float
        Level between the bursts, dB re the bursts.

    Returns
    -------
    ndarray, shape (samples,)
    """
    time = np.arange(samples) / sample_rate
    gate = np.where(np.mod(time, period_s) < on_s, 1.0, 10.0 ** (rest_db / 20.0))
    return tone(frequency_hz, samples, sample_rate) * gate


def impulses(samples: int, sample_rate: int, period_s: float) -> np.ndarray:
    """Train of band-limited impulses of peak 1: one sample high, the first half a period in.

    A tape cannot follow a full-scale impulse; the train is for timing and for a look at the impulse response.

    Returns
    -------
    ndarray, shape (samples,)
    """
    train = np.zeros(samples)
    period = round(period_s * sample_rate)
    train[period // 2 :: period] = 1.0
    return train
