"""A tape-like device in closed form, and material for it: independent of the deck that the program simulates."""

from collections.abc import Callable
from functools import cache, partial
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.signal import bilinear, firwin, lfilter, resample_poly

from analysis.timebase import Timebase
from modeling.card import Source
from modeling.cores import core_class
from modeling.cores.basis import Basis, Emphasis
from modeling.cores.core import Core, Material, Run
from modeling.cores.hammerstein import HammersteinCore
from modeling.cores.ladder import Problem
from modeling.dataset import Dataset
from modeling.floor import floor_of
from modeling.pairs import Pair
from modeling.training import Outcome, train

RATE = 48000
CONTEXT = 12000
REFERENCE_DBFS = -18.0
AMPLITUDE_0VU = 10.0 ** (REFERENCE_DBFS / 20.0)


def music(seconds: float, seed: int, level_db: float) -> np.ndarray:
    """Plucked chords, bass and drums; `level_db` is the highest reading of a 300 ms RMS meter re a sine at 0 VU."""
    rng = np.random.default_rng(seed)
    n = int(seconds * RATE)
    out = np.zeros(n + RATE)
    t = np.arange(RATE // 2) / RATE
    partials = np.arange(1, 13)
    beat = 60.0 / rng.uniform(85, 135)
    for number in range(int(seconds / beat)):
        at = int(number * beat * RATE)
        here = slice(at, at + t.size)
        for octave in (1.0, 2.0, 2.52, 3.0)[: 2 + number % 3]:
            root = 55.0 * octave * 2.0 ** (rng.integers(0, 12) / 12.0)
            phases = rng.uniform(0, 2 * np.pi, partials.size)
            weights = np.exp(-np.outer(t, 1.5 + 0.6 * partials)) / partials**1.1
            tone = (np.sin(2 * np.pi * root * np.outer(t, partials) + phases) * weights).sum(axis=1)
            out[here] += rng.uniform(0.2, 0.6) * tone * np.minimum(1.0, t / 0.002)
        out[here] += 1.2 * np.exp(-t * 18) * np.sin(2 * np.pi * (50 + 60 * np.exp(-t * 30)) * t)
        if number % 2:
            out[here] += 0.5 * np.exp(-t * 25) * rng.standard_normal(t.size)
        hat = at + int(0.5 * beat * RATE)
        noise = np.diff(rng.standard_normal(t.size + 1)) * np.exp(-t * 60) * 0.25
        out[hat : hat + t.size] += noise[: max(0, out.size - hat)]
    out = out[:n]
    meter = np.sqrt(np.convolve(out[::8] ** 2, np.full(1800, 1.0 / 1800), mode="valid").max())  # 300 ms
    fade = np.minimum(1.0, np.minimum(np.arange(n), np.arange(n)[::-1]) / 480)
    return out * fade * AMPLITUDE_0VU / np.sqrt(2.0) * 10.0 ** (level_db / 20.0) / meter


def shelf(zero_hz: float, pole_hz: float, rate: float) -> tuple[np.ndarray, np.ndarray]:
    w0, w1 = (2 * rate * np.tan(np.pi * f / rate) for f in (zero_hz, pole_hz))
    return bilinear([1 / w0, 1.0], [1 / w1, 1.0], rate)


def tape_like(x: np.ndarray, asymmetry: float = 0.0) -> np.ndarray:
    """Emphasis +15 dB, tanh at 4x rate, de-emphasis, replay losses with head bump; H3 is -40 dB at 315 Hz and 0 VU."""
    up = resample_poly(x * 0.346 / AMPLITUDE_0VU, 4, 1)
    b, a = shelf(2500.0, 14000.0, 4 * RATE)
    u = np.tanh(lfilter(b, a, up) + asymmetry) - np.tanh(asymmetry)
    y = resample_poly(lfilter(a, b, u), 1, 4) * AMPLITUDE_0VU / 0.346
    for zero, pole in ((9000.0, 6000.0), (23000.0, 15000.0)):  # falling shelves: spacing loss
        b, a = shelf(zero, pole, RATE)
        y = lfilter(b, a, y)
    y = lfilter([1.0, -1.0], [1.0, -np.exp(-2 * np.pi * 20 / RATE)], y)
    w, q, gain = 2 * np.pi * 70 / RATE, 1.5, 10 ** (2.0 / 40)  # peaking biquad, Audio EQ cookbook: head bump
    alpha = np.sin(w) / (2 * q)
    b = np.array([1 + alpha * gain, -2 * np.cos(w), 1 - alpha * gain])
    a = np.array([1 + alpha / gain, -2 * np.cos(w), 1 - alpha / gain])
    return lfilter(b / a[0], a / a[0], y)


def make_pair(dry: np.ndarray, wet: np.ndarray, split: str, name: str = "", **conditions) -> Pair:
    mask = np.ones(dry.size, dtype=bool)
    mask[:CONTEXT] = False
    mask[-CONTEXT:] = False
    return Pair(dry.astype(np.float32), wet.astype(np.float32), mask, RATE, split, name, conditions)


def tape_pairs(seconds: float, seed: int, split: str, noise_db: float = -50.0, asymmetry: float = 0.0) -> list[Pair]:
    """Music at three levels through the tape-like device, with hiss `noise_db` re a sine at 0 VU."""
    rng = np.random.default_rng(seed + 1000)
    pairs = []
    for number, level in enumerate((-10.0, 0.0, 5.0)):
        dry = np.pad(music(seconds / 3, seed + 17 * number, level), (CONTEXT, CONTEXT))
        hiss = rng.standard_normal(dry.size) * AMPLITUDE_0VU / np.sqrt(2.0) * 10 ** (noise_db / 20)
        pairs.append(make_pair(dry, tape_like(dry, asymmetry) + hiss, split, f"music at {level:g} dB", level_db=level))
    return pairs


def tone_pair(frequency_hz: float, level_db: float, seconds: float = 1.0, asymmetry: float = 0.0) -> Pair:
    dry = AMPLITUDE_0VU * 10 ** (level_db / 20) * np.sin(2 * np.pi * frequency_hz * np.arange(int(seconds * RATE)) / RATE)
    return make_pair(dry, tape_like(dry, asymmetry), "tone", frequency_hz=frequency_hz, level_db=level_db)


@pytest.fixture(scope="session")
def tape_material() -> Material:
    """A quarter of a minute of music through the tape-like device, and test tones."""
    tones = [tone_pair(frequency_hz, level_db) for frequency_hz in (315.0, 1000.0) for level_db in (0.0, 5.0)]
    return Material(tape_pairs(15.0, 1, "train"), tape_pairs(6.0, 2, "validation"), REFERENCE_DBFS, tones)


@pytest.fixture(scope="session")
def held_out() -> list[Pair]:
    """Music that no fixture trains on."""
    return tape_pairs(6.0, 3, "test")


@pytest.fixture(scope="session")
def fitted_to(tape_material, band_pass_material, trained) -> Callable[[str, str], Core]:
    """Fit a core by name to ``tape`` or ``band-pass``, once."""

    @cache
    def fit(name: str, material: str) -> Core:
        if (name, material) == ("hammerstein", "tape"):
            return trained.model.core
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("modeling.cores.batches.WINDOW_S", 0.1)
            return core_class(name).fit(
                {"tape": tape_material, "band-pass": band_pass_material}[material], Run(minutes=0.03, seed=1)
            )

    return fit


@pytest.fixture(scope="session")
def hammerstein(fitted_to) -> HammersteinCore:
    return fitted_to("hammerstein", "tape")


@pytest.fixture(scope="session")
def straight(tape_material) -> HammersteinCore:
    """One whose ladder ended at its first rung."""
    basis = Basis(RATE, REFERENCE_DBFS, Emphasis(25.0, 2500.0, 14000.0), (1.0, 1.0)).of_rows([0])
    problem = Problem(tape_material.train[2:], basis, tape_material)
    return problem.core(problem.linear())


@pytest.fixture(scope="session")
def topped(straight) -> HammersteinCore:
    """The same with a network of random weights in its sum, which moves noise by a few per cent."""
    import torch

    from modeling.cores.stn import StnResidual

    torch.manual_seed(2)
    residual = StnResidual()
    torch.nn.init.normal_(residual.readout.weight, 0.0, 0.3)
    return straight.with_(residual)


@pytest.fixture(scope="session")
def simulator() -> SimpleNamespace:
    """The tape-like device and its material, for tests that need it otherwise than the fixtures have it."""
    return SimpleNamespace(
        device=tape_like, music=music, pairs=tape_pairs, tone=tone_pair, pair=make_pair, amplitude_0vu=AMPLITUDE_0VU
    )


@pytest.fixture(scope="session")
def band_pass_material() -> Material:
    """Noise through a band-pass that a filter can learn in full."""
    rng = np.random.default_rng(5)
    taps = np.r_[np.zeros(10), firwin(257, [100, 9000], fs=RATE, pass_zero=False)]
    pairs = []
    for split, seconds in (("train", 20), ("validation", 3)):
        dry = np.pad(0.05 * rng.standard_normal(seconds * RATE), CONTEXT)
        pairs.append(make_pair(dry, lfilter(taps, 1.0, dry), split))
    return Material(pairs[:1], pairs[1:], REFERENCE_DBFS)


@pytest.fixture(scope="session")
def dataset(tape_material, held_out) -> Dataset:
    """All that a model is made from: the material, hiss, and a motion of 0.1 % at 5 Hz."""
    rng = np.random.default_rng(9)
    grid = np.arange(0.0, 30.0, 1e-3)
    motion = Timebase(0.0, 1e-3, 3e-5 * np.sin(2 * np.pi * 5 * grid), np.full(grid.size, 1e-7))
    silence = 3e-4 * rng.standard_normal(3 * RATE)
    pairs = [*tape_material.train, *tape_material.validation, *held_out, *tape_material.tones]
    source = Source(session="simulated", take="play-1", track=1, conditions={"speed_cm_s": 9.5})
    return Dataset(pairs, REFERENCE_DBFS, floor_of(held_out, silence), silence, motion, source, "by piece of music")


@pytest.fixture(scope="session")
def trained(dataset, tmp_path_factory) -> Outcome:
    """A Hammerstein model on disk."""
    return train(dataset, tmp_path_factory.mktemp("session") / "models", "hammerstein", name="deck", seed=3)


SMALL = {
    "tcn": {},
    "gru": {"units": 6},
    "lstm": {"units": 6},
    "wavenet": {"channels": [4, 2], "dilations": [1, 8, 64]},
    "s4": {"channels": 4, "states": 2, "levels": 2, "blocks": 2},
    "stn": {"states": 2, "units": 4},
}
"""Networks by name, so small that a step of them takes no time."""


@pytest.fixture
def small_networks(monkeypatch):
    for name, settings in SMALL.items():
        monkeypatch.setattr(core_class(name), "kind", partial(core_class(name).kind, **settings))
