"""How levels are stated: dB re a sine at full scale (AES17), as RMS, as peak and as the highest reading of a meter."""

import numpy as np

from signals.audio import AudioReader
from signals.errors import SignalError

METER_S = 0.3


def dbfs(audio: np.ndarray) -> float:
    """RMS level in dB re a full-scale sine (AES17: a sine of peak 1.0 reads 0 dBFS, a square wave +3.01 dBFS).

    Parameters
    ----------
    audio : np.ndarray
        Shape ``(samples,)`` or ``(samples, channels)``, full scale = 1.

    Returns
    -------
    float
        Level of the loudest channel; minus infinity for digital silence.

    Raises
    ------
    SignalError
        There are no samples.
    """
    return _db(float(np.sqrt(2.0 * np.max(np.mean(_channels(audio) ** 2, axis=0)))))


def peak_dbfs(audio: np.ndarray) -> float:
    """Highest absolute sample in dB re full scale; arguments, infinity and errors as for :func:`dbfs`."""
    return _db(float(np.max(np.abs(_channels(audio)))))


def meter_level(audio: np.ndarray, sample_rate: float) -> float:
    """Highest reading of a 300 ms sliding RMS meter in dB re a full-scale sine.

    The level of music in a stimulus is stated in this way, since that is what the user sees on a VU meter (300 ms
    integration, IEC 60268-17). Silence is assumed before and after the audio.

    Parameters
    ----------
    audio : np.ndarray
        Shape ``(samples,)`` or ``(samples, channels)``, full scale = 1.
    sample_rate : float
        Sample rate in Hz.

    Returns
    -------
    float
        Reading of the loudest channel; minus infinity for digital silence.

    Raises
    ------
    SignalError
        There are no samples.
    """
    squares = _channels(audio) ** 2
    window = max(1, round(METER_S * sample_rate))
    # A reading that reaches past either end holds no more energy than one inside, so only an audio shorter than the
    # window needs the silence around it.
    energy = np.concatenate([np.zeros((1, squares.shape[1])), np.cumsum(squares, axis=0)])
    readings = energy[window:] - energy[:-window] if len(squares) > window else energy[-1:]
    return _db(float(np.sqrt(2.0 * max(np.max(readings), 0.0) / window)))


class Metered:
    """Sound that is read from its beginning to its end, and the highest reading of the meter so far.

    Parameters
    ----------
    audio : AudioReader

    Attributes
    ----------
    highest : float
        As :func:`meter_level` of what was read.
    """

    def __init__(self, audio: AudioReader) -> None:
        self._audio = audio
        self.sample_rate, self.channels, self.samples = audio.sample_rate, audio.channels, audio.samples
        self.highest = -np.inf
        self._before = np.zeros((0, audio.channels))

    def read(self, start: int, stop: int) -> np.ndarray:
        """Samples `start` to `stop`; see :class:`signals.audio.AudioReader`."""
        block = self._audio.read(start, stop)
        heard = np.concatenate([self._before, block])
        if heard.size:
            self.highest = max(self.highest, meter_level(heard, self.sample_rate))
        self._before = heard[max(0, heard.shape[0] + 1 - round(METER_S * self.sample_rate)) :]
        return block


def _channels(audio: np.ndarray) -> np.ndarray:
    samples = np.asarray(audio, dtype=np.float64)
    if samples.size == 0:
        raise SignalError("the audio has 0 samples, a level needs at least 1: give a longer recording")
    return samples[:, np.newaxis] if samples.ndim == 1 else samples


def _db(amplitude: float) -> float:
    return float(20.0 * np.log10(amplitude)) if amplitude > 0.0 else -np.inf
