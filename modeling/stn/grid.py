"""Where each network stands among the materials, and the network of a material between them.

Fields in units of a leave three numbers of a material of the Jiles-Atherton law: k/a, c and alpha M_s/a. Each has an axis,
even in the logarithm of the first. A material between the points has the mean of the weights of the eight networks
about it, multilinear; since they are trained through that mean, it is a network as good as they are.
"""

import math
from dataclasses import dataclass

import numpy as np

from modeling.deck.materials import JilesAtherton

PINNING = (0.2, 6.0)
REVERSIBLE = (0.0, 0.99)
COUPLING = (0.0, 0.03)
SHAPE = (20, 5, 2)
"""Points along k/a, c and alpha M_s/a: 200 networks."""
NETWORKS = math.prod(SHAPE)

HIDDEN = 16
ROWS = 5
WEIGHTS = HIDDEN * ROWS + 2
"""Of one network, see :mod:`modeling.stn.network`: two rows into the hidden layer, three out of it, and two constants."""

LARGEST = 16.0
"""Field, in units of a, at which the coating is taken to be saturated."""
MOST_RATE = 0.5
"""Upper limit of G. A step is shorter than 2 units, so that the state never overshoots."""


def node(index: int) -> JilesAtherton:
    """Material at which a network stands, with a = 1."""
    return material_at(np.array(np.unravel_index(index, SHAPE)) / (np.array(SHAPE) - 1))


@dataclass(frozen=True)
class Place:
    """A material on the grid.

    Attributes
    ----------
    corners : ndarray of int, shape (8,)
        Networks about it, as indices of the grid taken flat.
    shares : ndarray, shape (8,)
        Their weights in the mean; they are positive and their sum is 1.
    """

    corners: np.ndarray
    shares: np.ndarray


def unit(material: JilesAtherton) -> float:
    """Field, in units of a, in which the networks count their steps."""
    pinning = material.pinning_ka_m / material.shape_ka_m
    return 0.5 * pinning / (1.0 + pinning)


def material_at(along: np.ndarray) -> JilesAtherton:
    """Material at coordinates ``(3,)``, each 0 to 1 along its axis, with a = 1."""
    low, high = np.log(PINNING)
    return JilesAtherton(
        shape_ka_m=1.0,
        pinning_ka_m=float(np.exp(low + along[0] * (high - low))),
        reversible=float(REVERSIBLE[1] * along[1] ** 2),
        coupling_ka_m=float(COUPLING[0] + along[2] * (COUPLING[1] - COUPLING[0])),
    )


def place(material: JilesAtherton) -> Place:
    """Find the networks about a material.

    Raises
    ------
    ValueError
        It lies outside the grid.
    """
    pinning = material.pinning_ka_m / material.shape_ka_m
    coupling = material.coupling_ka_m / material.shape_ka_m
    for name, value, (low, high) in (
        ("pinning_ka_m / shape_ka_m", pinning, PINNING),
        ("reversible", material.reversible, REVERSIBLE),
        ("coupling_ka_m / shape_ka_m", coupling, COUPLING),
    ):
        if not low * (1.0 - 1e-9) <= value <= high * (1.0 + 1e-9):
            raise ValueError(f"{name} is {value:.3g}; there are networks for {low:g} to {high:g}")
    along = np.array(
        [
            math.log(pinning / PINNING[0]) / math.log(PINNING[1] / PINNING[0]),
            math.sqrt(material.reversible / REVERSIBLE[1]),
            (coupling - COUPLING[0]) / (COUPLING[1] - COUPLING[0]),
        ]
    )
    at = np.clip(along, 0.0, 1.0) * (np.array(SHAPE) - 1)
    first = np.minimum(at.astype(int), np.array(SHAPE) - 2)
    rest = at - first
    steps = np.array(list(np.ndindex(2, 2, 2)))
    corners = np.ravel_multi_index(tuple((first + steps).T), SHAPE)
    return Place(np.asarray(corners), np.prod(np.where(steps == 1, rest, 1.0 - rest), axis=1))
