"""What every core is: the interface."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

import numpy as np

from modeling.losses import WEIGHTS
from modeling.pairs import Pair

REFERENCE_PEAK = 0.346
"""Peak to which cores scale a sine at 0 VU, so that tanh of it makes about the third harmonic of a tape at that level."""

Setting = str | int | float | bool | list[int] | list[float]


def input_scale(reference_dbfs: float) -> float:
    """Factor that takes a sine at the reference level to a peak of :data:`REFERENCE_PEAK`."""
    return float(REFERENCE_PEAK / 10.0 ** (reference_dbfs / 20.0))


@dataclass(frozen=True)
class Material:
    """What a core learns from.

    Attributes
    ----------
    train, validation : sequence of Pair
        Aligned pairs; choices between fits are made on `validation`.
    reference_dbfs : float
        Level of a sine at 0 VU.
    tones : sequence of Pair
        Test tones, with which the harmonics of a fit are held against the recorded ones.
    ladder : sequence of Pair
        Test tones of other levels, and stretches of a sweep, from which the harmonics may be learnt.
    """

    train: Sequence[Pair]
    validation: Sequence[Pair]
    reference_dbfs: float
    tones: Sequence[Pair] = ()
    ladder: Sequence[Pair] = ()

    @property
    def sample_rate(self) -> int:
        """Sample rate in Hz."""
        return self.train[0].sample_rate


@dataclass(frozen=True)
class Progress:
    """How far a fit has come.

    Attributes
    ----------
    fraction : float
        Part of the work done, 0 to 1.
    remaining_s : float or None
        Time left.
    note : str
        What is being done, with the latest error.
    """

    fraction: float
    remaining_s: float | None
    note: str


@dataclass(frozen=True)
class Run:
    """How a fit is to be run.

    Attributes
    ----------
    minutes : float
        Time that an iterative fit may take; a fit in closed form takes what it takes.
    seed : int
        Seed of all that is random.
    progress : callable
        Called with :class:`Progress` now and then.
    log : callable
        Called with one JSON-like record for each rung or evaluation; they become ``training.jsonl``.
    checkpoint : Path or None
        File in which an iterative fit keeps its state; read at the start if it exists.
    loss : mapping
        What gradient descent is to lower: weights of errors, see :data:`modeling.losses.WEIGHTS`.
    device : str or None
        ``cpu`` or ``cuda``, where networks are trained; None for the GPU if there is one.
    steps, judge_every : int or None
        Steps of an iterative fit, and after how many each a network is judged; None for as many as fit into the time. With
        both given, a run depends on no clock.
    last_step : int or None
        Step after which an iterative fit ends though its schedule goes on, as one whose time was over did.
    batch : int or None
        Windows in a step of a network; None for one in each process.
    scheme : str
        ``I``: a network hears what was sent warped onto the time of the tape. ``II``: it hears what was sent as it was, and its
        answer is warped, by a delay line that gradients go through.
    precision : str
        ``mixed``: convolutions of a network in bfloat16; ``single``: none; ``auto``: on a GPU.
    augment : sequence of str
        How windows are varied; see :mod:`modeling.cores.augmentation`.
    units : int or None
        Units of a recurrent network; None for those that it is published with.
    residual : bool
        Whether the Hammerstein core is to end with a network for what it leaves, which takes `minutes`.
    """

    minutes: float = 1.0
    seed: int = 0
    progress: Callable[[Progress], None] = field(default=lambda progress: None)
    log: Callable[[dict[str, Any]], None] = field(default=lambda record: None)
    checkpoint: Path | None = None
    loss: Mapping[str, float] = field(default_factory=lambda: WEIGHTS)
    device: str | None = None
    steps: int | None = None
    judge_every: int | None = None
    last_step: int | None = None
    batch: int | None = None
    scheme: str = "I"
    precision: str = "auto"
    augment: Sequence[str] = ()
    units: int | None = None
    residual: bool = False


class Stream(Protocol):
    """A core at work on a signal that arrives in blocks."""

    def push(self, block: np.ndarray) -> np.ndarray:
        """Take a block of input, shape ``(n,)``, and give all output that is settled by now, shape ``(m,)``."""
        ...

    def flush(self) -> np.ndarray:
        """Give what is left, as if silence followed. In all, as many samples come out as went in."""
        ...


class Stationary(Protocol):
    """A time-invariant model of a deck at work, mono, at one sample rate."""

    sample_rate: int
    reference_dbfs: float

    @property
    def look_ahead_samples(self) -> int:
        """How far into the future the core looks: the latency it has in real time."""
        ...

    @property
    def bends(self) -> bool:
        """Whether the core is anything else than a linear filter."""
        ...

    def process(self, x: np.ndarray) -> np.ndarray:
        """Response to a whole signal that is zero before and after, shape ``(n,)`` to ``(n,)``, time-aligned."""
        ...

    def stream(self) -> Stream:
        """Start on a signal that arrives in blocks; the blocks joined equal :meth:`process` of the whole."""
        ...


class Core(Stationary, Protocol):
    """One that is learnt from pairs, and kept as arrays."""

    name: ClassVar[str]

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Weights by name."""
        ...

    def settings(self) -> dict[str, Setting]:
        """All else that :meth:`from_arrays` needs, as JSON values."""
        ...

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], settings: Mapping[str, Any]) -> Self:
        """Inverse of :meth:`to_arrays` and :meth:`settings`.

        Raises
        ------
        KeyError, ValueError
            An array or setting is missing or of the wrong shape.
        """
        ...

    @classmethod
    def fit(cls, material: Material, run: Run) -> "Core":
        """Fit a new core to aligned pairs.

        Raises
        ------
        ModelError
            The material cannot be learnt from, or the fit was interrupted.
        """
        ...
