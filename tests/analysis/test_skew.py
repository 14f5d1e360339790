"""Pilot and programme together: a channel follows its own motion where it sounds, and the pilot where it does not."""

import numpy as np
import pytest

from analysis.alignment import align_take
from analysis.dewarp import interpolate
from analysis.transfer import linear_phase_delay
from signals.audio import ArrayAudio
from signals.stimulus import Piece, Scope, StimulusAudio, plan

RATE = 48_000
PIECES = (Piece("band", 14.0, 0.0, "train"), Piece("chamber", 8.0, 0.0, "train"))
SCOPE = Scope(4.0, (315.0,), (-10.0, 0.0), 0.5, (-20.0,), 3.0, 4.0, 0.5, PIECES)
LINES = ((0.7, 1e-3), (6.0, 4e-4), (15.0, 2e-4))  # flutter of all tracks: Hz, peak
AZIMUTH_S = 12e-6


def skew(time: np.ndarray, rms_s: float, seed: int) -> np.ndarray:
    """A draw of what one track moves against another, from 0.3 to 12 Hz."""
    rng = np.random.default_rng(seed)
    f = rng.uniform(0.3, 12.0, 40)
    size = 1.0 / (1.0 + (f / 4.0) ** 2)
    size *= rms_s / np.sqrt(np.sum(size**2) / 2.0)
    return sum(a * np.sin(2 * np.pi * v * time + p) for v, a, p in zip(f, size, rng.uniform(0, 6.28, f.size), strict=True))


@pytest.mark.parametrize(
    "rms_s", [pytest.param(0.5e-6, marks=pytest.mark.slow), 2.5e-6, pytest.param(6e-6, marks=pytest.mark.slow)]
)
def test_the_best_of_both_with_the_deviation_it_states(rms_s: float) -> None:
    sheet = plan(session="skew", sample_rate=RATE, tracks=[1, 2], pilot_track=4, scope=SCOPE)
    sent = StimulusAudio(sheet).read(0, sheet.samples)
    time = np.arange(sheet.samples + RATE) / RATE
    common = 1.003 * time - 0.5 + sum(p / (2 * np.pi * f) * np.sin(2 * np.pi * f * time + f) for f, p in LINES)
    positions = [common + skew(time, rms_s, 1), common - AZIMUTH_S + skew(time, rms_s, 2), common]
    returned = np.stack([interpolate(sent[:, c], p * RATE) for c, p in enumerate(positions)], axis=1)
    returned += 2e-4 * np.random.default_rng(0).standard_normal(returned.shape)
    found = align_take(ArrayAudio(sent, RATE), ArrayAudio(returned, RATE), sheet, {0: 0, 1: 1, 2: 2})
    (silence,) = sheet.of_kind("silence", channel=0)
    within = []
    for alignment, position in zip(found, positions, strict=False):
        grid = np.arange(3.0, sheet.samples / RATE - 3.0, 0.005)
        true = np.interp(grid, position, time) - grid
        error, sd = alignment.base.delay(grid) - true, alignment.base.sd(grid)
        quiet = (grid > silence.start_samples / RATE + 0.2) & (grid < silence.stop_samples / RATE - 0.2)
        sounding = np.zeros(grid.size, dtype=bool)
        for cue in sheet.of_kind("music", "noise", channel=alignment.channel):
            sounding |= (grid > cue.start_samples / RATE) & (grid < cue.stop_samples / RATE)
        sure = sounding & (sd < 1e-6)
        assert sure.sum() > 0.6 * sounding.sum()
        assert np.sqrt(np.mean(error[sure] ** 2)) < 0.6e-6
        assert np.sqrt(np.mean(error[quiet] ** 2)) < 1.3 * rms_s
        within.append(np.abs(error) < 1.96 * sd)
    assert np.mean(within) > 0.9
    assert rms_s < 1e-6 or np.mean(within) < 0.99  # a quarter of a microsecond is always allowed for
    # What is constant between the tracks is theirs, too.
    apart = np.median(found[1].base.delay(grid) - found[0].base.delay(grid))
    assert apart == pytest.approx(AZIMUTH_S / 1.003, abs=0.3 * rms_s + 0.3e-6)


def test_a_sweep_above_the_working_rate_says_nothing() -> None:
    """Without noise even what the filters let through there would count; the delay is no whole number of samples."""
    scope = Scope(4.0, (315.0,), (0.0,), 0.5, (-20.0,), 6.0, 2.0, 0.5, (Piece("band", 6.0, 0.0, "train"),))
    sheet = plan(session="sweep", sample_rate=RATE, tracks=[1], pilot_track=4, scope=scope)
    sent = StimulusAudio(sheet).read(0, sheet.samples)
    delay_s = 0.25 + 0.7 / RATE
    returned = interpolate(sent, np.arange(sheet.samples + RATE) - delay_s * RATE)
    (found,) = align_take(ArrayAudio(sent, RATE), ArrayAudio(returned, RATE), sheet, {0: 0, 1: 1})
    (sweep,) = sheet.of_kind("sweep", channel=0)
    grid = np.arange(sweep.start_samples, sweep.stop_samples, 50) / RATE
    assert np.max(np.abs(found.base.delay(grid) - delay_s)) < 0.05e-6


@pytest.mark.parametrize("high_hz", [2500.0, 6000.0])
def test_the_constant_of_a_bent_phase_does_not_hang_on_the_programme(high_hz: float) -> None:
    """An all-pass, known well below a frequency and less well above it, as of programme that has little treble.

    Over 400 Hz to 6 kHz at equal weight the constant of (1 - jf/f0)/(1 + jf/f0), f0 = 2 kHz, is found on a fine grid by hand.
    """
    frequency = np.arange(0.0, 12_000.0, 11.7)
    fine = np.arange(400.0, 6000.0, 5.0)
    lags = np.arange(-200e-6, 200e-6, 0.1e-6)
    all_pass = (1 - 1j * fine / 2000.0) / (1 + 1j * fine / 2000.0)
    expected = lags[np.argmax(np.abs(np.exp(2j * np.pi * np.outer(lags, fine)) @ all_pass))]
    H = (1 - 1j * frequency / 2000.0) / (1 + 1j * frequency / 2000.0)
    coherence = np.where(frequency < high_hz, 0.99, 0.6)
    assert linear_phase_delay(H, coherence, frequency) == pytest.approx(expected, abs=0.3e-6)
