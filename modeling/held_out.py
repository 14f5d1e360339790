"""A whole model on material that it has not learnt from: the account that its card and its evaluation give."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict

from modeling.cores.core import Core, Material, Run, Stationary
from modeling.cores.linear import LinearCore
from modeling.dataset import Dataset
from modeling.evaluation import Evaluation, evaluate
from modeling.generators.noise import NoiseGenerator
from modeling.likeness import Likeness, likeness
from modeling.model import Model
from modeling.pace import Pace, pace
from modeling.pairs import Pair, select

LEAST_S = 0.5
MODEL_HISS, OTHER_HISS = 1, 2
"""Seeds; deck and model never share their hiss."""


class HeldOut(BaseModel):
    """What held-out material says.

    Attributes
    ----------
    evaluation : Evaluation
        Errors with their floors, of the model and of the plain filter.
    model, plain_filter : Likeness or None
        Of the model and of the linear least-squares filter, each with the model's hiss; None of less than half a second.
    floor : Likeness or None
        What is left where two drawings of the same hiss lie on the same sound: no model can do better.
    pace : Pace
        How fast the core runs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    evaluation: Evaluation
    model: Likeness | None
    plain_filter: Likeness | None
    floor: Likeness | None
    pace: Pace


@dataclass(frozen=True)
class Excerpt:
    """A held-out piece as deck, model and plain filter give it, each of shape (samples,); the two with the model's hiss."""

    name: str
    sample_rate: int
    deck: np.ndarray
    model: np.ndarray
    plain_filter: np.ndarray


def baseline_of(dataset: Dataset) -> LinearCore:
    """The linear filter that comes closest to the training material."""
    material = Material(select(dataset.pairs, "train"), select(dataset.pairs, "validation"), dataset.reference_dbfs)
    return LinearCore.fit(material, Run())


def held_out(model: Model, dataset: Dataset, baseline: Core, progress: Callable[[str], None] = lambda _: None) -> HeldOut:
    """Hold a model against the deck.

    Raises
    ------
    ModelError
        Nothing is held out, or the sample rates differ.
    """
    progress("comparing on held-out material")
    evaluation = evaluate(model.still, dataset.pairs, dataset.floor, baseline)
    test = select(dataset.pairs, "test")
    rate = test[0].sample_rate
    target = np.concatenate([inner(pair, pair.wet) for pair in test])
    bare, linear = (np.concatenate(outputs(core, test)) for core in (model.still, baseline))
    likenesses: list[Likeness | None] = [None, None, None]
    if target.size >= LEAST_S * rate:
        last = _last(model)
        hissing, other = (noisy(bare, last, seed) for seed in (MODEL_HISS, OTHER_HISS))
        likenesses = [
            likeness(target, hissing, bare, rate),
            likeness(target, noisy(linear, last, MODEL_HISS), linear, rate),
            likeness(other, hissing, bare, rate),
        ]
    progress("timing the core")
    return HeldOut(
        evaluation=evaluation, model=likenesses[0], plain_filter=likenesses[1], floor=likenesses[2], pace=pace(model.core)
    )


def excerpts(model: Model, dataset: Dataset, baseline: Core, most: int, longest_s: float) -> list[Excerpt]:
    """Held-out pieces, as deck, model and plain filter give them; of the longer ones the middle."""
    made = []
    for number, pair in enumerate(select(dataset.pairs, "test")[:most]):
        rate = pair.sample_rate
        deck = inner(pair, pair.wet)
        seed = MODEL_HISS + 10 * (number + 1)
        sounds = [deck, *(noisy(outputs(core, [pair])[0], _last(model), seed) for core in (model.still, baseline))]
        first = max(0, (deck.size - round(longest_s * rate)) // 2)
        made.append(Excerpt(pair.name, rate, *(sound[first : first + round(longest_s * rate)] for sound in sounds)))
    return made


def _last(model: Model) -> NoiseGenerator | None:
    """Noise that is added to what is heard: that behind the decoder, where there is one."""
    return model.noise if model.behind is None else model.behind


def outputs(core: Stationary, pairs: Sequence[Pair]) -> list[np.ndarray]:
    """What a core makes of pairs, without their context."""
    return [inner(pair, core.process(pair.dry.astype(np.float64))) for pair in pairs]


def inner(pair: Pair, sound: np.ndarray) -> np.ndarray:
    """A sound of a pair from the first to the last sample that counts, float64."""
    there = np.flatnonzero(pair.mask)
    return sound[there[0] : there[-1] + 1].astype(np.float64) if there.size else np.zeros(0)


def noisy(sound: np.ndarray, noise: NoiseGenerator | None, seed: int) -> np.ndarray:
    """A sound, shape (samples,), with a model's noise beside it."""
    return sound if noise is None or sound.size == 0 else sound + noise.beside(sound, 0, 0, seed)
