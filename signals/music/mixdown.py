"""Mixdown: every note in its place, a small room around them, rests that are truly silent, peaks held in check."""

import numpy as np
from scipy.ndimage import minimum_filter1d, uniform_filter1d
from scipy.signal import butter, fftconvolve, firwin, sosfilt

from signals.music.instruments import INSTRUMENTS, play
from signals.music.score import Rest, Score
from signals.music.waveform import band, decay, noise, ramp, stream, times

_STRETCH = 1 << 20
_TICK_HZ = 48_000  # onsets lie on this grid, which is a subset of the samples at 96 and 192 kHz
_NOTES, _ROOM = 1_000_000, 1_000_001  # random streams that no arrangement uses
# Length in s, and the loudest that may be within, in dB re the RMS of the whole.
_STAGES = ((0.02, 8.0), (0.003, 9.5), (0.0004, 11.0), (0.0001, 12.5))
_FADE_IN_S, _FADE_OUT_S = 0.01, 0.1


def render(score: Score, seed: int, sample_rate: int) -> np.ndarray:
    """Play a score, shape ``(samples,)``, peak 1."""
    samples = round(score.duration_s * sample_rate)
    dry, room = np.zeros(samples), np.zeros(samples)
    for index, note in enumerate(score.notes):
        start = round(round(note.onset_s * _TICK_HZ) * sample_rate / _TICK_HZ)
        if start >= samples:
            continue
        sound = play(note, stream(seed, _NOTES, index), sample_rate)[: samples - start]
        dry[start : start + len(sound)] += sound
        room[start : start + len(sound)] += INSTRUMENTS[note.instrument].room * sound
    dry += _convolve(room, _room(seed, sample_rate))[:samples]
    del room
    mix = _band_limit(_hold_peaks(dry, sample_rate), sample_rate)
    return _finish(mix, _silences(score.rests, samples, sample_rate), sample_rate)


def _room(seed: int, sample_rate: int) -> np.ndarray:
    """Impulse response of a small hall without its direct sound: 0.55 s, the treble sooner gone."""
    time_s = times(0.7, sample_rate)
    rng = stream(seed, _ROOM)
    low = noise(rng, 0.7, sample_rate, band(150.0, 2500.0, 1)) * decay(time_s, 0.55)
    high = noise(rng, 0.7, sample_rate, band(2500.0, 9000.0, 1)) * decay(time_s, 0.35)
    response = (low + high) * ramp(time_s, 0.006, 0.004) * (1.0 - ramp(time_s, 0.6, 0.1))
    # Energy 1 at 48 kHz; at other rates the same function of time, as the convolution sums over more or fewer samples.
    return response / np.sqrt(np.sum(response**2) / sample_rate * _TICK_HZ) * (_TICK_HZ / sample_rate)


def _band_limit(mix: np.ndarray, sample_rate: int) -> np.ndarray:
    """Nothing above 20 kHz, nothing below 20 Hz."""
    half = round(0.002 * sample_rate)
    low_pass = firwin(2 * half + 1, 19_200.0, window=("kaiser", 7.0), fs=sample_rate)
    high_pass = butter(2, 20.0, "highpass", fs=sample_rate, output="sos")
    return sosfilt(high_pass, _convolve(mix, low_pass)[half : half + len(mix)])


def _convolve(sound: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Full convolution, a stretch at a time: a quarter of an hour at once would need gigabytes."""
    out = np.zeros(len(sound) + len(response) - 1)
    for start in range(0, len(sound), _STRETCH):
        part = fftconvolve(sound[start : start + _STRETCH], response)
        out[start : start + len(part)] += part
    return out


def _silences(rests: tuple[Rest, ...], samples: int, sample_rate: int) -> np.ndarray:
    """Gain that fades to exactly 0 in each rest and is back when the rest ends."""
    gain = np.ones(samples)
    for rest in rests:
        first = max(0, round(rest.start_s * sample_rate))
        last = min(samples, round(rest.stop_s * sample_rate))
        time_s = np.arange(max(0, last - first)) / sample_rate
        back = ramp(time_s, rest.stop_s - rest.start_s - 0.002, 0.002)
        gain[first : first + len(time_s)] *= 1.0 - ramp(time_s, 0.0, rest.fade_s) + back
    return gain


def _hold_peaks(mix: np.ndarray, sample_rate: int) -> np.ndarray:
    """Turn down what stands too far above the whole: first the loud beats, last the tips of strokes.

    Each stage follows the energy around an instant, not single samples, so that it does the same at every sample rate.
    """
    held = mix
    for around_s, highest_db in _STAGES:
        half = round(0.5 * around_s * sample_rate)
        power = held * held
        limit = float(np.mean(power)) * 10.0 ** (highest_db / 10.0)
        power = uniform_filter1d(power, 2 * half + 1, mode="constant")
        gain = np.sqrt(limit / np.maximum(power, limit))
        width = 2 * (half // 2) + 1  # lowest within, then mean within: fully down when the stroke comes, without a step
        held = held * uniform_filter1d(minimum_filter1d(gain, width, mode="nearest"), width, mode="nearest")
    return held


def _finish(mix: np.ndarray, silences: np.ndarray, sample_rate: int) -> np.ndarray:
    """Silence the rests, fade the ends, take out the mean where there is sound, and bring the peak to 1."""
    into, out_of = times(_FADE_IN_S, sample_rate), times(_FADE_OUT_S, sample_rate)
    envelope = silences
    envelope[: len(into)] *= ramp(into, 0.0, _FADE_IN_S)
    envelope[-len(out_of) :] *= ramp(out_of, 0.0, _FADE_OUT_S)[::-1]
    sound = mix * envelope
    sound -= envelope * (np.sum(sound) / np.sum(envelope))
    return sound / np.max(np.abs(sound))
