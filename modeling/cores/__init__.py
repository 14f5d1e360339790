"""Cores: the time-invariant part of a model of a deck, one file each, behind one interface (:class:`Core`).

Conventions
-----------
* A core is mono and works at one sample rate, its own. Signals are vectors of shape ``(samples,)``, float64 outside and
  float32 inside networks.
* Level is information: a core sees samples on the session's dBFS scale and is told `reference_dbfs`, the level of a sine at
  0 VU. Inside, a core may scale so that such a sine has a peak of :data:`~modeling.cores.core.REFERENCE_PEAK`.
* The output is aligned with the input. A core may look `look_ahead_samples` into the future; whoever runs it in real time
  has that as latency, :meth:`Core.process` and :meth:`Core.stream` take it out.
* Zero in, zero out. What a deck adds of its own (hiss, hum) belongs to the noise generator.
* A core is fitted, then never changes: ``fit`` returns a new core.
* Weights go to and from plain named arrays, settings to and from JSON values. Nothing is ever pickled.
"""

from importlib import import_module

from modeling.cores.core import Core
from signals.errors import ModelError

_CORES = {
    "linear": ("modeling.cores.linear", "LinearCore"),
    "hammerstein": ("modeling.cores.hammerstein", "HammersteinCore"),
    "tcn": ("modeling.cores.tcn", "TcnCore"),
    "gru": ("modeling.cores.recurrent", "GruCore"),
    "lstm": ("modeling.cores.recurrent", "LstmCore"),
    "wavenet": ("modeling.cores.wavenet", "WavenetCore"),
    "s4": ("modeling.cores.s4", "S4Core"),
    "stn": ("modeling.cores.stn", "StnCore"),
    "ja": ("modeling.cores.ja", "JaCore"),
}
DEFAULT = "hammerstein"
NETWORKS = ("tcn", "gru", "lstm", "wavenet", "s4", "stn")
"""Cores that learn by gradient descent."""
RECURRENT = ("gru", "lstm")
"""Those of them that have units, as many as one likes."""


def names() -> tuple[str, ...]:
    """Names of all cores."""
    return tuple(_CORES)


def core_class(name: str) -> type[Core]:
    """Class of a core; its module is imported only now, since that of a network imports torch.

    Raises
    ------
    ModelError
        There is no such core.
    """
    if name not in _CORES:
        raise ModelError(f"core '{name}' is unknown; choose one of {', '.join(_CORES)}")
    module, attribute = _CORES[name]
    found: type[Core] = getattr(import_module(module), attribute)
    return found
