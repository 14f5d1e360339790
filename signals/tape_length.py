"""How long a cassette runs, and whether a stimulus fits."""

from signals.errors import StimulusError

NOMINAL_CM_S = 4.7625
LEADER_S = 20.0  # leader tape, and the first seconds in which the speed settles
MINUTES_A_SIDE = {"C-46": 23.0, "C-60": 30.0, "C-74": 37.0, "C-90": 45.0, "C-100": 50.0, "C-120": 60.0}


def running_time_s(cassette: str, speed_cm_s: float) -> float:
    """Playing time of one side at a tape speed; a Portastudio uses one side only, all four tracks in one direction.

    Raises
    ------
    StimulusError
        The cassette is not known.
    """
    if cassette not in MINUTES_A_SIDE:
        raise StimulusError(f"cassette '{cassette}' is not known; choose one of {', '.join(MINUTES_A_SIDE)}")
    return MINUTES_A_SIDE[cassette] * 60.0 * NOMINAL_CM_S / speed_cm_s


def fits(duration_s: float, cassette: str, speed_cm_s: float) -> bool:
    """Whether a stimulus and the leader before it fit on one side."""
    return duration_s + LEADER_S <= running_time_s(cassette, speed_cm_s)
