"""How much a stimulus holds: the usual one, and a quick one half as long."""

from dataclasses import dataclass

import numpy as np

DEFAULT_LEVELS_DB = tuple(np.arange(-30.0, 10.1, 2.5).tolist())
QUICK_LEVELS_DB = (-20.0, -10.0, -5.0, 0.0, 2.5, 5.0, 7.5, 10.0)


@dataclass(frozen=True)
class Piece:
    """A piece of programme: style or name, length, highest meter reading, and what training uses it for."""

    style: str
    duration_s: float
    level_db: float
    use: str  # train, validation or test


STANDARD_PIECES = (
    Piece("band", 20.0, 0.0, "train"),
    Piece("chamber", 18.0, 5.0, "train"),
    Piece("beat", 18.0, 5.0, "train"),
    Piece("band", 18.0, -10.0, "train"),
    Piece("chamber", 16.0, 5.0, "validation"),
    Piece("beat", 12.0, 0.0, "test"),
    Piece("band", 18.0, 5.0, "test"),
)
QUICK_PIECES = (
    Piece("band", 14.0, 5.0, "train"),
    Piece("chamber", 10.0, 0.0, "train"),
    Piece("beat", 10.0, 5.0, "train"),
    Piece("chamber", 10.0, 5.0, "validation"),
    Piece("band", 12.0, 5.0, "test"),
)


@dataclass(frozen=True)
class Scope:
    """How much a stimulus holds: segment lengths in seconds, levels in dB re the reference level."""

    wow_flutter_s: float
    ladder_hz: tuple[float, ...]
    levels_db: tuple[float, ...]
    step_s: float
    sweep_levels_db: tuple[float, ...]
    sweep_s: float
    silence_s: float
    impulses_s: float
    pieces: tuple[Piece, ...]


STANDARD = Scope(
    30.0, (315.0, 1000.0, 10_000.0), DEFAULT_LEVELS_DB, 0.8, (-20.0, -10.0, 0.0), 8.0, 10.0, 2.0, STANDARD_PIECES
)
QUICK = Scope(15.0, (315.0, 1000.0), QUICK_LEVELS_DB, 0.8, (-20.0, 0.0), 6.0, 6.0, 1.0, QUICK_PIECES)
