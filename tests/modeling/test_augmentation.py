import numpy as np
import pytest

from modeling.cores.augmentation import FASTEST, Augmentation, checked_kinds
from signals.errors import ModelError

RATE = 48000
BEFORE, WINDOW, AFTER, START = 500, 9600, 60, 4000


def _window(*kinds, step=0, dry_hz=1000.0, wet_hz=3000.0, noise=1e-4):
    """A tone and another one as dry and wet, cut with some kinds of change."""
    time = np.arange(20_000) / RATE
    dry, wet = (np.sin(2 * np.pi * f * time).astype(np.float32) for f in (dry_hz, wet_hz))
    padded = np.pad(dry, (BEFORE, AFTER))
    return Augmentation(kinds, noise, seed=1)(padded, wet, START, (BEFORE, WINDOW, AFTER), step)


def _hertz(signal):
    """Of a tone: slope of the phase of its analytic part, ends left out."""
    spectrum = np.fft.fft(signal * np.hanning(signal.size))
    spectrum[signal.size // 2 :] = 0.0
    phase = np.unwrap(np.angle(np.fft.ifft(spectrum)))
    inner = slice(signal.size // 4, -signal.size // 4)
    return np.polyfit(np.arange(signal.size)[inner] / RATE, phase[inner], 1)[0] / (2 * np.pi)


def test_nothing_asked_for_changes_nothing():
    x, y = _window()
    time = np.arange(-BEFORE, WINDOW + AFTER) + START
    assert np.allclose(x, np.sin(2 * np.pi * 1000 / RATE * time), atol=1e-6)
    assert np.allclose(y, np.sin(2 * np.pi * 3000 / RATE * time[BEFORE:-AFTER]), atol=1e-6)
    assert (x.dtype, y.dtype) == (np.float32, np.float32)


def test_polarity_turns_both_over_or_neither():
    x, y = _window()
    signs = []
    for step in range(20):
        turned, answered = _window("polarity", step=step)
        signs.append(turned[0] / x[0])
        assert np.allclose(turned, signs[-1] * x, atol=1e-6)
        assert np.allclose(answered, signs[-1] * y, atol=1e-6)
    assert set(np.round(signs)) == {-1.0, 1.0}


def test_speed_changes_both_by_the_same_ratio():
    ratios = []
    for step in range(8):
        x, y = _window("speed", step=step)
        ratios.append(_hertz(y) / 3000.0)
        assert _hertz(x) / 1000.0 == pytest.approx(ratios[-1], abs=2e-5)
    assert 1.0 - FASTEST <= min(ratios) < 0.998
    assert 1.002 < max(ratios) <= 1.0 + FASTEST


def test_noise_is_the_same_on_both():
    (x, y), (plain_x, plain_y) = _window("noise"), _window()
    added = x - plain_x
    assert np.allclose((y - plain_y), added[BEFORE:-AFTER], atol=1e-6)
    assert np.std(added) == pytest.approx(1e-4, rel=0.05)


def test_what_is_no_augmentation_is_refused():
    assert checked_kinds(["noise", "polarity"]) == ("polarity", "noise")
    with pytest.raises(ModelError, match="there is no augmentation 'gain'; name some of polarity, speed, noise"):
        checked_kinds(["gain"])
