"""The default core: a generalised Hammerstein model, solved instead of trained.

``y = h * sum_k g_k * u_k``: the signals u_k of :mod:`modeling.cores.basis`, each through a short filter g_k, all through one long
filter h. A tape recorder is saturation between emphasis and losses, and that is what this form holds. How it is solved stands in
:mod:`modeling.cores.ladder`; on request, a small network is added to the sum (:mod:`modeling.cores.leftover`).
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numba
import numpy as np

from modeling.cores.basis import ROWS, Basis, Emphasis
from modeling.cores.basis_stream import CACHED, BasisStream
from modeling.cores.bends import CURVES
from modeling.cores.carried import Carried, late
from modeling.cores.convolution import AT_ONCE, add_filtered
from modeling.cores.core import Material, Run, Setting

if TYPE_CHECKING:
    from modeling.cores.residual import Residual

STRAIGHT = (0, CURVES)
"""Rows that are the signal itself, plain and emphasised."""


class HammersteinCore(Carried):
    """``h * sum_k g_k * u_k``.

    Attributes
    ----------
    h : ndarray, shape (taps,)
        Common filter.
    g : ndarray, shape (ROWS, taps)
        Filter of each row of the basis; one of zeros switches its row off.
    aheads : tuple of int
        How many taps of h and of each g are look-ahead.
    basis : Basis
        Makes the rows in use.
    residual : Residual or None
        A network whose answer is added to the sum.
    """

    name: ClassVar[str] = "hammerstein"

    def __init__(
        self,
        h: np.ndarray,
        g: np.ndarray,
        aheads: tuple[int, int],
        reference_dbfs: float,
        basis: Basis,
        residual: "Residual | None" = None,
    ) -> None:
        if h.ndim != 1 or g.ndim != 2 or g.shape[0] != ROWS or not (0 <= aheads[0] < h.size and 0 <= aheads[1] < g.shape[1]):
            raise ValueError("h must be a vector and g one filter for each row, and both hold their look-ahead")
        self.h = h
        self.filters = h[None]
        self.g = g
        self.aheads = aheads
        self.sample_rate = basis.sample_rate
        self.reference_dbfs = reference_dbfs
        used = np.flatnonzero(g.any(axis=1))
        self.basis = basis.of_rows(used.tolist())
        self.residual = residual
        taps = -(-g.shape[1] // AT_ONCE) * AT_ONCE
        self._used = np.zeros((used.size, taps))
        self._used[:, taps - g.shape[1] :] = g[used, ::-1]

    def with_(self, residual: "Residual") -> "HammersteinCore":
        """The same with a network's answer in the sum."""
        return HammersteinCore(self.h, self.g, self.aheads, self.reference_dbfs, self.basis, residual)

    @property
    def bends(self) -> bool:
        """Whether any row but the signal itself is in use."""
        answers = self.residual is not None and self.residual.answers
        return answers or bool(np.delete(self.g, STRAIGHT, axis=0).any())

    @property
    def look_ahead_samples(self) -> int:
        """How far into the future the core looks."""
        return sum(self.aheads) + self.basis.after_samples

    def begin(self) -> Callable[[np.ndarray], np.ndarray]:
        """Start in silence; see :meth:`Carried.begin`."""
        stream = BasisStream(self.basis)
        past = self._used.shape[1] - 1
        seen = np.zeros((self._used.shape[0], past + CACHED))

        def advance(x: np.ndarray) -> np.ndarray:
            out = np.zeros((1, x.size))
            for start in range(0, x.size, CACHED):
                block = x[start : start + CACHED]
                stream.give(block, seen, past)
                _mix(seen, self._used, out[0, start : start + block.size])
            return out

        if self.residual is None:
            return advance
        beside = late(self.residual.at_level(self.reference_dbfs), self.look_ahead_samples - self.aheads[0])
        return lambda x: advance(x) + beside(x)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Weights by name."""
        return {"h": self.h, "g": self.g, **({} if self.residual is None else self.residual.to_arrays())}

    def settings(self) -> dict[str, Setting]:
        """All that is not a weight."""
        emphasis = self.basis.emphasis
        return {
            "sample_rate": self.sample_rate,
            "reference_dbfs": self.reference_dbfs,
            "aheads": list(self.aheads),
            "bass_floor_hz": emphasis.bass_floor_hz,
            "zero_hz": emphasis.zero_hz,
            "pole_hz": emphasis.pole_hz,
            "limits": list(self.basis.limits),
            **({} if self.residual is None else self.residual.settings()),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], settings: Mapping[str, Any]) -> Self:
        """Inverse of :meth:`to_arrays` and :meth:`settings`."""
        h_ahead, g_ahead = (int(ahead) for ahead in settings["aheads"])
        plain, emphasised = (float(limit) for limit in settings["limits"])
        emphasis = Emphasis(*(float(settings[name]) for name in ("bass_floor_hz", "zero_hz", "pole_hz")))
        reference_dbfs = float(settings["reference_dbfs"])
        residual = None
        if "states" in settings:
            from modeling.cores.stn import StnResidual

            residual = StnResidual.from_arrays(arrays, settings)
        return cls(
            np.asarray(arrays["h"], dtype=np.float64),
            np.asarray(arrays["g"], dtype=np.float64),
            (h_ahead, g_ahead),
            reference_dbfs,
            Basis(int(settings["sample_rate"]), reference_dbfs, emphasis, (plain, emphasised)),
            residual,
        )

    @classmethod
    def fit(cls, material: Material, run: Run) -> "HammersteinCore":
        """Climb the rungs; see :mod:`modeling.cores.ladder`."""
        from modeling.cores.ladder import climb

        core = climb(material, run)
        if not run.residual:
            return core
        from modeling.cores.leftover import with_residual

        return with_residual(core, material, run)


@numba.njit(cache=True, nogil=True)
def _mix(seen: np.ndarray, reversed_filters: np.ndarray, out: np.ndarray) -> None:
    """Add the rows, each through its filter; the last samples of `seen` that the next block needs become its first."""
    rows, taps = reversed_filters.shape
    for row in range(rows):
        u = seen[row]
        add_filtered(u, reversed_filters[row], out)
        for i in range(taps - 1):
            u[i] = u[i + out.size]
