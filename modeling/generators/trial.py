"""The generators of a model: fitted, and held against what was measured and not learnt from.

Of every pass, and of the silent passage, the last part is kept for the test. A parametric generator is fitted to all in the end,
and its test is that of one fitted to the rest; a net is trained once, on the rest.
"""

from collections.abc import Callable, Sequence
from typing import Literal, get_args

import numpy as np
from pydantic import BaseModel, ConfigDict

from analysis.timebase import Timebase
from modeling.generators import two_sample
from modeling.generators.noise import NoiseGenerator
from modeling.generators.transport import GRID_HZ, TransportGenerator, deviation
from modeling.generators.two_sample import TwoSample

Kind = Literal["parametric", "diffusion"]
LEARNT = 0.7
MOST_HELD_OUT_S = 40.0
TEST_STEP = 2
"""Of the grid of motion: 500 Hz, since it moves at up to 200."""


class Trial(BaseModel):
    """How a generator fared.

    Attributes
    ----------
    of : str
        ``transport`` or ``noise``.
    kind : str
        ``parametric`` or ``diffusion``.
    used : bool
        Whether it is the model's. One that was asked for is not where there was too little to learn from.
    recommended : bool
        Whether it is to be preferred: one that is not told from what was measured before one that is; of two that are not, the
        parametric, which costs nothing; of two that are, the nearer.
    test : TwoSample or None
        None where too little was held out, or to learn from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    of: Literal["transport", "noise"]
    kind: Kind
    used: bool
    recommended: bool
    test: TwoSample | None


Progress = Callable[[str, float], None]


def transport_of(
    motions: Sequence[Timebase], kind: Kind, seed: int, progress: Progress
) -> tuple[TransportGenerator | None, list[Trial]]:
    """Generator of that kind for the motions of passes that were made alike, and what its test says beside the parametric one's."""
    generator = TransportGenerator.fit(motions)
    if generator is None:
        return None, []
    parts = [_parted(motion) for motion in motions]
    early = [part[0] for part in parts]
    others: dict[Kind, TransportGenerator | None] = {"parametric": TransportGenerator.fit(early)}
    if kind == "diffusion":
        others[kind] = TransportGenerator.diffused(early, seed, lambda part: progress("learning the motion", part))
        generator = others[kind] or generator
    rate = GRID_HZ / TEST_STEP
    late = [deviation(part[1].delay(_times(part[1], rate)), rate) for part in parts]
    tests: dict[Kind, TwoSample | None] = {}
    for name, own in others.items():
        progress(f"testing the {name} motion", 0.0)
        tests[name] = None if own is None else two_sample.two_sample(late, _motions(own, late), rate, two_sample.MOTION)
    return generator, _trials("transport", tests, kind if others[kind] else "parametric")


def noise_of(
    silence: np.ndarray | None, sample_rate: int, unevenness: np.ndarray | None, kind: Kind, seed: int, progress: Progress
) -> tuple[NoiseGenerator | None, list[Trial]]:
    """The same for the noise of silent tape, shape (samples,)."""
    generator = None if silence is None else NoiseGenerator.fit(silence, sample_rate, unevenness)
    if silence is None or generator is None:
        return None, []
    early, late = silence[: round(LEARNT * silence.size)], silence[round(LEARNT * silence.size) :]
    held_back = NoiseGenerator.fit(early, sample_rate)
    others: dict[Kind, NoiseGenerator | None] = {"parametric": held_back}
    if kind == "diffusion":
        others[kind] = None
        if held_back is not None:
            generator = generator.diffused(early, seed, lambda part: progress("learning the noise", part))
            others[kind] = NoiseGenerator(generator.hiss, held_back.hum, sample_rate)
    tests: dict[Kind, TwoSample | None] = {}
    for name, own in others.items():
        progress(f"testing the {name} noise", 0.0)
        test = None if own is None else two_sample.two_sample([late], _noises(own, late.size), sample_rate, two_sample.NOISE)
        tests[name] = test
    return generator, _trials("noise", tests, kind if others[kind] else "parametric")


def _trials(of: Literal["transport", "noise"], tests: dict[Kind, TwoSample | None], used: Kind) -> list[Trial]:
    def rank(kind: Kind) -> tuple[bool, float]:
        test = tests[kind]
        if test is None:
            return True, np.inf
        return test.rejects, test.statistic if test.rejects else get_args(Kind).index(kind)

    ranked = sorted(tests, key=rank)
    return [Trial(of=of, kind=k, used=k == used, recommended=k == ranked[0], test=test) for k, test in tests.items()]


def _motions(generator: TransportGenerator, like: Sequence[np.ndarray]) -> Callable[[int], list[np.ndarray]]:
    """Draws speed deviations as long as others: stretches of one motion, one behind the other."""
    ends = np.cumsum([0, *(signal.size for signal in like)]) * TEST_STEP

    def draw(seed: int) -> list[np.ndarray]:
        motion = generator.motion(seed)
        stretches = zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)
        return [deviation(motion.on_grid(first, stop, TEST_STEP), GRID_HZ / TEST_STEP) for first, stop in stretches]

    return draw


def _noises(generator: NoiseGenerator, samples: int) -> Callable[[int], list[np.ndarray]]:
    return lambda seed: [generator.read(0, samples, 0, seed)]


def _times(timebase: Timebase, rate_hz: float) -> np.ndarray:
    return timebase.start_s + np.arange(0.0, timebase.step_s * (timebase.delay_s.size - 1), 1.0 / rate_hz)


def _parted(motion: Timebase) -> tuple[Timebase, Timebase]:
    """What is learnt from, and what is held out."""
    start_s, stop_s = motion.input_times_s[[0, -1]]
    edge_s = max(start_s + LEARNT * (stop_s - start_s), stop_s - MOST_HELD_OUT_S)
    return motion.between(start_s, edge_s), motion.between(edge_s, stop_s)
