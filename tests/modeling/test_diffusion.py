"""Generators that a net has learnt, and the trial of generators. What a longer training comes to stands in the documentation."""

import numpy as np
import pytest
import torch
from scipy.signal import welch

from analysis.timebase import Timebase
from modeling import render
from modeling.generators import diffusion, trial, two_sample
from modeling.generators.noise import NoiseGenerator
from modeling.generators.shaped import WHITE, Shaped, flattened
from modeling.generators.transport import TransportGenerator
from modeling.generators.two_sample import TwoSample
from modeling.model import Model, digest, load, save, weights_of
from tests.modeling.known_model import known_model

RATE = 48000
SMALL = diffusion.Plan(4, 2, 4, 1)


@pytest.fixture(scope="module", autouse=True)
def little_training():
    """A net that has made a few steps is no longer what it began as."""
    kept = diffusion.fit.__defaults__
    diffusion.fit.__defaults__ = (kept[0], 4, kept[2])
    two_sample.DRAWINGS = 3
    yield
    diffusion.fit.__defaults__ = kept
    two_sample.DRAWINGS = 39


@pytest.fixture(scope="module")
def passes():
    """Two passes of 30 s: a line of 0.1 % at 5 Hz and a little noise."""
    made = []
    for seed in range(2):
        rng = np.random.default_rng(seed)
        t = np.arange(0.0, 30.0, 2e-3)
        speed = 1e-3 * np.sin(2 * np.pi * 5.0 * t + seed) + 1e-4 * rng.standard_normal(t.size)
        made.append(Timebase(0.0, 2e-3, -np.cumsum(speed) * 2e-3, np.zeros(t.size)))
    return made


def test_untrained_it_gives_back_white_noise_at_its_level():
    """Where the net says nothing, the path ends at the noise that it began with, however few its steps."""
    plan = diffusion.Plan(4, 2, 4, 1)
    made = diffusion.Diffusion(diffusion.UNet(plan), plan).read(-50, 6000, (7,))
    assert np.max(np.abs(made - WHITE.read(-50, 6000, (7,)))) < 2e-3


def test_the_best_net_of_a_coloured_law_draws_that_law(monkeypatch):
    """For a Gaussian signal of power response P the best answer is P / (P + s^2) in every frequency, in closed form."""
    power = 0.2 + 1.6 * (np.fft.rfftfreq(4096) < 0.25)

    def best(x, log_sigma):
        sigma2 = float(log_sigma[0].exp()) ** 2
        y = torch.fft.rfft(x * (sigma2 + 1.0) ** 0.5)
        clean = torch.fft.irfft(y * torch.from_numpy(power / (power + sigma2)), 4096)
        return (clean - x / (sigma2 + 1.0) ** 0.5) * (sigma2 + 1.0) ** 0.5 / sigma2**0.5

    white = torch.from_numpy(np.random.default_rng(0).standard_normal((50, 1, 4096)))
    made = diffusion.sample(best, white, 7).numpy()[:, 0]
    frequency, density = welch(made, nperseg=1024)
    means = [density[..., (frequency > low) & (frequency < high)].mean() / 2.0 for low, high in ((0.02, 0.23), (0.27, 0.48))]
    assert 10 * np.log10(means[0] / 1.8) == pytest.approx(0.0, abs=0.3)
    assert 10 * np.log10(means[1] / 0.2) == pytest.approx(0.0, abs=0.7)


@pytest.mark.slow
def test_a_net_learns_what_a_spectrum_does_not_tell():
    """A signal that is +1 or -1, and white: what is drawn is no longer Gaussian."""
    signs = np.sign(np.random.default_rng(0).standard_normal(20_000))
    made = diffusion.fit([signs], SMALL, steps=400).read(0, 8000, (1,))
    assert np.mean(made**4) / np.mean(made**2) ** 2 < 2.6  # Gaussian 3, signs 1


def test_a_motion_has_the_size_that_its_generator_says(passes):
    """However far from white its net is after so few steps."""
    generator = TransportGenerator.diffused(passes, 1)
    colour = generator.source.colour
    assert colour.max() > 1.1 * colour.min()
    delay = generator.motion(3).residue.read(0, 100_000, (3, 2))
    # A line that is 0.1 Hz wide has a power of its own in every 100 s.
    assert generator.rms_percent == pytest.approx(100.0 * np.std(np.diff(delay) * 1000.0), rel=0.2)


def test_what_is_drawn_depends_on_seed_and_place_alone(passes):
    generator = TransportGenerator.diffused(passes, 1)
    motion = generator.motion(3)
    whole = motion.delay(100_000, 150_000, RATE)
    parts = [motion.delay(100_000, 120_001, RATE), motion.delay(120_001, 150_000, RATE)]
    assert np.array_equal(np.concatenate(parts), whole)
    assert not np.allclose(generator.motion(4).delay(100_000, 101_000, RATE), whole[:1000])
    again = TransportGenerator.from_arrays(generator.to_arrays())
    assert np.array_equal(again.motion(3).delay(100_000, 150_000, RATE), whole)


def test_blocks_meet_without_a_seam(passes):
    """Where two blocks meet, samples differ from their neighbours no more than elsewhere."""
    net = TransportGenerator.diffused(passes, 1).source
    made = net._made(0, 3 * diffusion.BLOCK, (5,))
    steps = np.abs(np.diff(made))
    edges = np.concatenate([steps[n * diffusion.BLOCK - 5 : n * diffusion.BLOCK + diffusion.FADE + 5] for n in (1, 2)])
    assert edges.mean() == pytest.approx(steps.mean(), rel=0.2)
    assert edges.max() <= 1.2 * steps.max()


def test_a_flattened_signal_is_white_and_its_filter_gives_it_back():
    grid = np.linspace(0.0, 500.0, 8193)
    shaped = Shaped.of_density(1.0 / (1.0 + (grid / 50.0) ** 2), 1000.0)
    signal = shaped.read(0, 100_000, (1,))
    for every in (1, 5):
        flat = flattened(signal, 1.0 / (1.0 + (grid / 50.0) ** 2), 1000.0, every)
        assert flat.size == 100_000 // every
        assert np.var(flat) == pytest.approx(1.0, rel=0.03)
        density = welch(flat, nperseg=256)[1][2:-2]
        assert density.std() / density.mean() < 0.2


def test_the_trial_tells_of_both_and_recommends_one(passes):
    generator, trials = trial.transport_of(passes, "diffusion", 0, lambda what, part: None)
    assert generator.lines.frequency_hz.size == 0
    assert [(t.of, t.kind, t.used) for t in trials] == [("transport", "parametric", False), ("transport", "diffusion", True)]
    assert [t.recommended for t in trials].count(True) == 1
    none, nothing = trial.transport_of([Timebase.line(0.0, 3.0, 0.0, 0.0)], "parametric", 0, lambda what, part: None)
    assert (none, nothing) == (None, [])


def test_what_is_too_short_for_a_net_is_left_to_the_plain_generator(passes):
    """Of 7.2 s a part of 5.04 s is learnt from: 1008 samples at the rate of the net, whose window has 1024."""
    motion = passes[0].between(passes[0].start_s, passes[0].start_s + 7.2)
    noise = 1e-3 * np.random.default_rng(0).standard_normal(round(1.2 * RATE))
    for of, (generator, trials) in (
        ("transport", trial.transport_of([motion], "diffusion", 0, lambda what, part: None)),
        ("noise", trial.noise_of(noise, RATE, None, "diffusion", 0, lambda what, part: None)),
    ):
        assert generator is not None
        assert [(t.of, t.kind, t.used) for t in trials] == [(of, "parametric", True), (of, "diffusion", False)]
        assert trials[1].test is None


def test_of_two_that_are_not_told_the_plain_one_is_recommended_and_of_two_that_are_the_nearer():
    def recommended(*tests):
        tests = [TwoSample(statistic=statistic, p_value=p, windows=9) for statistic, p in tests]
        trials = trial._trials("noise", dict(zip(("parametric", "diffusion"), tests, strict=True)), "diffusion")
        return [t.kind for t in trials if t.recommended]

    assert recommended((0.5, 0.3), (0.4, 0.3)) == ["parametric"]
    assert recommended((0.5, 0.05), (0.6, 0.3)) == ["diffusion"]
    assert recommended((0.5, 0.025), (0.4, 0.05)) == ["diffusion"]


def test_noise_by_a_net_has_the_spectrum_of_the_tape_and_survives_a_round_trip():
    silence = 1e-3 * np.random.default_rng(0).standard_normal(2 * RATE)
    generator, trials = trial.noise_of(silence, RATE, None, "diffusion", 0, lambda what, part: None)
    assert [t.kind for t in trials] == ["parametric", "diffusion"]
    made = generator.read(0, 20_000, 0, 1)
    assert 20 * np.log10(np.std(made) / 1e-3) == pytest.approx(0.0, abs=0.5)
    again = NoiseGenerator.from_arrays(generator.to_arrays(), RATE)
    assert np.array_equal(again.read(0, 20_000, 0, 1), made)


def test_a_model_with_nets_is_saved_and_renders_alike_in_blocks_of_any_size(passes, tmp_path):
    plain = load(known_model(tmp_path / "plain"))
    net = TransportGenerator.diffused(passes, 1)
    noise = plain.noise.diffused(1e-3 * np.random.default_rng(0).standard_normal(RATE), 2)
    card = plain.card.model_copy(update={"weights_sha256": digest(weights_of(plain.core, net, noise))})
    save(Model(card, plain.core, net, noise), tmp_path / "nets")
    again = load(tmp_path / "nets")
    sound = np.sin(np.arange(40_000) / 20.0)
    whole = render.render(again, sound, RATE)
    assert np.std(whole - render.render(plain, sound, RATE)) > 1e-4
    chain = render._Chain(Model(card, plain.core, net, noise), 1, render.Settings())
    parts = [chain.push(sound[start : start + 777, None]) for start in range(0, sound.size, 777)]
    assert np.max(np.abs(np.concatenate([*parts, chain.flush()])[:, 0] - whole)) < 1e-6


def test_what_cannot_be_is_refused():
    arrays = diffusion.Diffusion(diffusion.UNet(SMALL), SMALL).to_arrays()
    del arrays["out.bias"]
    with pytest.raises(ValueError, match=r"out\.bias"):
        diffusion.Diffusion.from_arrays(arrays)
