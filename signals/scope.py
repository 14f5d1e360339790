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
    distortion_hz: tuple[float, ...] = ()  # beside the frequencies of the ladder, all at 0 dB
    smpte_levels_db: tuple[float, ...] = ()
    difference_levels_db: tuple[float, ...] = ()
    modulation_levels_db: tuple[float, ...] = ()
    crosstalk_s: float = 0.0  # of each track


STANDARD = Scope(
    wow_flutter_s=30.0,
    ladder_hz=(315.0, 1000.0, 10_000.0),
    levels_db=DEFAULT_LEVELS_DB,
    step_s=1.2,
    sweep_levels_db=(-20.0, -10.0, 0.0),
    sweep_s=8.0,
    silence_s=10.0,
    impulses_s=2.0,
    pieces=STANDARD_PIECES,
    distortion_hz=(63.0, 125.0, 250.0, 500.0, 2000.0, 4000.0, 6300.0),
    smpte_levels_db=(-10.0, -2.0),
    difference_levels_db=(-16.0, -6.0),
    modulation_levels_db=(-20.0, -10.0, 0.0),
    crosstalk_s=15.0,
)
QUICK = Scope(
    wow_flutter_s=15.0,
    ladder_hz=(315.0, 1000.0),
    levels_db=QUICK_LEVELS_DB,
    step_s=1.2,
    sweep_levels_db=(-20.0, 0.0),
    sweep_s=6.0,
    silence_s=6.0,
    impulses_s=1.0,
    pieces=QUICK_PIECES,
    smpte_levels_db=(-2.0,),
    difference_levels_db=(-16.0,),
    modulation_levels_db=(0.0,),
    crosstalk_s=6.0,
)
