"""What the networks learn from: ways of the field through many materials, and the magnetisation by the solver NR8.

The steps of a way are cut into parts for the solver, so that what is learnt is the law and not the error of the solver.
"""

from dataclasses import dataclass

import numpy as np

from modeling.deck.hysteresis import Hysteresis
from modeling.deck.materials import JilesAtherton
from modeling.stn.grid import LARGEST, Place, material_at, place, unit

PARTS = 4
SETTLING = 128
SMALLEST = 0.02
EDGE = 0.05
"""Part of the materials beyond each end of an axis, moved onto it: the ends have neighbours on one side alone."""


@dataclass(frozen=True)
class Paths:
    """Ways and what the law makes of them, one material each, in units of a and of saturation.

    Attributes
    ----------
    field, magnetisation : ndarray, shape (paths, samples + 1)
        With the sample before the first step.
    unit : ndarray, shape (paths,)
        In which steps are counted.
    places : list of Place
        Where the materials are on the grid.
    """

    field: np.ndarray
    magnetisation: np.ndarray
    unit: np.ndarray
    places: list[Place]


def draw_paths(rng: np.random.Generator, paths: int, samples: int) -> Paths:
    """Ways through materials drawn at random from the whole grid, no step longer than the law bears."""
    along = np.clip(rng.uniform(-EDGE, 1.0 + EDGE, (paths, 3)), 0.0, 1.0)
    return paths_through(rng, [material_at(each) for each in along], samples)


def paths_through(rng: np.random.Generator, materials: list[JilesAtherton], samples: int) -> Paths:
    """A way through each of the materials, whose a is 1."""
    longest = [material.longest_step_ka_m for material in materials]
    field = np.array([draw_field(rng, SETTLING + samples + 1, each) for each in longest])
    solved = np.array([solve(each, material) for each, material in zip(field, materials, strict=True)])
    return Paths(
        field[:, SETTLING:],
        solved[:, SETTLING:],
        np.array([unit(material) for material in materials]),
        [place(material) for material in materials],
    )


def solve(field: np.ndarray, material: JilesAtherton, parts: int = PARTS) -> np.ndarray:
    """Magnetisation ``(samples,)`` along a field ``(samples,)`` from the demagnetised state."""
    fine = np.interp(np.arange(1, parts * field.size + 1) / parts, np.arange(field.size + 1), np.append(0.0, field))
    return Hysteresis(material, 1, "NR8").process(fine[None])[0, parts - 1 :: parts]


def draw_field(rng: np.random.Generator, samples: int, longest: float) -> np.ndarray:
    """A field ``(samples,)`` of random size: sines, noise, or straight lines, on a steady field or none, swelling or fading."""
    size = np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST)))
    shape = _straight(rng, samples, longest / size) if rng.random() < 0.2 else _sines(rng, samples, longest / size)
    if rng.random() < 0.3:
        first, last = rng.permutation([1.0, rng.uniform(0.05, 0.8)])
        shape = shape * np.linspace(first, last, samples)
    steady = rng.uniform(-1.0, 1.0) * min(3.0, LARGEST - size) if rng.random() < 0.3 else 0.0
    return steady + size * shape


def _sines(rng: np.random.Generator, samples: int, longest: float) -> np.ndarray:
    """Some sines with a peak of 1, slowed down where they are too fast for the longest step."""
    tones = rng.choice([1, 2, 3, 6, 20])
    frequency = np.exp(rng.uniform(np.log(1 / 400), np.log(1 / 10), (tones, 1)))
    level = rng.uniform(0.2, 1.0, (tones, 1)) / np.sqrt(frequency)
    phase = rng.uniform(0.0, 2.0 * np.pi, (tones, 1))
    level /= np.abs(_sum(level, frequency, phase, samples)).max()
    steepest = np.abs(np.diff(_sum(level, frequency, phase, samples))).max()
    wave = _sum(level, frequency * min(1.0, 0.7 * longest / steepest), phase, samples)
    wave = wave / np.abs(wave).max() * min(1.0, longest / np.abs(np.diff(wave / np.abs(wave).max())).max())
    return np.asarray(wave)


def _sum(level: np.ndarray, frequency: np.ndarray, phase: np.ndarray, samples: int) -> np.ndarray:
    return np.asarray((level * np.sin(2.0 * np.pi * frequency * np.arange(samples) + phase)).sum(axis=0))


def _straight(rng: np.random.Generator, samples: int, longest: float) -> np.ndarray:
    """Straight lines between random points within 1, each in steps of its own size."""
    way = [0.0]
    while len(way) < samples:
        to = rng.uniform(-1.0, 1.0)
        parts = int(np.ceil(abs(to - way[-1]) / (longest * np.exp(rng.uniform(np.log(0.05), 0.0)))))
        way.extend(np.linspace(way[-1], to, parts + 1)[1:])
    return np.array(way[:samples])
