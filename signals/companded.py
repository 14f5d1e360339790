"""The stimulus for takes with dbx in the way: steps, bursts and multitones, no sweeps.

A 2:1 compander with an RMS detector is neither linear nor without memory: a sweep through it tells a response that no other
signal would find. What tells something are signals that hold still until the detector has settled, and steps from one such
state to another. So levels rise from segment to segment, which a detector follows at once, and pauses stand where it has to
come down: at the 125 dB/s that are said of tape dbx, half a second takes it down by 60 dB.

There are two of them, alike but for the identity that the tape carries: ``encoded`` is for tapes recorded with dbx in, ``plain``
for tapes recorded without. So a tape of the wrong kind is noticed when it is played.
"""

from collections.abc import Sequence

from signals import markers
from signals.cues import CueSheet
from signals.scope import Piece
from signals.stimulus import DEFAULT_REFERENCE_DBFS, MUSIC_CREST_DB
from signals.timeline import REFERENCE_HZ, Timeline

ENCODED, PLAIN = "encoded", "plain"
WOW_FLUTTER_S = 6.0  # AES6-2008 asks for 5 s at least
SETTLE_S = 0.5
STEP_HZ = REFERENCE_HZ
STEPS_DB = tuple(range(-60, 11, 5))
STEP_S = 0.8
SPOTS_HZ = (100.0, 400.0, 3000.0, 6000.0, 10_000.0)
SPOTS_DB = (-40.0, -20.0, 0.0)
SPOT_S = 0.6
BURSTS_DB = ((0.0, -20.0), (-20.0, -20.0), (0.0, -40.0))  # level, and that of the rest between the bursts re it
BURST_ON_S = 0.5
BURST_PERIOD_S = 1.5
BURST_S = 3.0
MULTITONES_DB = (-40.0, -20.0, -10.0, 0.0)
MULTITONE_PERIOD_S = 1.0
MULTITONE_S = 1.5
MULTITONE_PEAK_DB = 9.0  # above the peak of a sine of the same RMS
MULTITONE_HZ = (40.0, 16_000.0)
MULTITONE_TONES = 27  # three an octave
SILENCE_S = 5.0
PIECES = (Piece("band", 9.0, 0.0, "train"), Piece("chamber", 7.0, 0.0, "test"))


def plan_companded(
    *,
    session: str,
    stimulus: str,
    sample_rate: int,
    tracks: Sequence[int],
    pilot_track: int | None = None,
    reference_dbfs: float = DEFAULT_REFERENCE_DBFS,
    seed: int = 0,
) -> CueSheet:
    """Lay out a stimulus for companded takes; segments that would clip at this reference level are left out or lowered.

    Parameters
    ----------
    session : str
        Identifier of the session.
    stimulus : {"encoded", "plain"}
        Whether the tape is recorded with dbx in or without.
    sample_rate : int
        48000 Hz or more.
    tracks : sequence of int
        Programme tracks, 1-based; all get the same programme.
    pilot_track : int, optional
        Track that carries the pilot alone.
    seed : int
        Seed of the composed pieces, the noise and the multitones.

    Raises
    ------
    StimulusError
        Rate too low, or tracks that collide.
    """
    most_db = -reference_dbfs
    line = Timeline(sample_rate, markers.identity_code(session, stimulus), tracks, pilot_track)
    line.begin(WOW_FLUTTER_S)
    _ladder(line, STEP_HZ, [level for level in STEPS_DB if level <= most_db], STEP_S, "ladder")
    for frequency_hz in SPOTS_HZ:
        _ladder(line, frequency_hz, SPOTS_DB, SPOT_S, "spot")
    line.guard()
    for level_db, rest_db in BURSTS_DB:
        line.add(
            "bursts",
            f"bursts from {level_db + rest_db:+g} to {level_db:+g} dB",
            line.samples(BURST_S),
            level_db,
            SETTLE_S,
            frequency_hz=REFERENCE_HZ,
            on_s=BURST_ON_S,
            period_s=BURST_PERIOD_S,
            rest_db=rest_db,
        )
    line.guard()
    line.rest(SETTLE_S)
    for level_db in MULTITONES_DB:
        if level_db + MULTITONE_PEAK_DB <= most_db:
            line.add(
                "multitone",
                f"multitone at {level_db:+g} dB",
                line.samples(MULTITONE_S),
                level_db,
                seed=seed,
                low_hz=MULTITONE_HZ[0],
                high_hz=MULTITONE_HZ[1],
                tones=MULTITONE_TONES,
                period_s=MULTITONE_PERIOD_S,
            )
    line.guard()
    line.rest(SETTLE_S)
    line.add("silence", "silence", line.samples(SILENCE_S))
    line.guard()
    line.add("noise", "pink noise", line.samples(3.0), -15.0, seed=seed, low_hz=30.0, high_hz=20_000.0)
    for number, piece in enumerate(PIECES, 500):  # none of the pieces that the uncompanded stimulus has
        line.guard()
        level_db = min(piece.level_db, most_db - MUSIC_CREST_DB)
        length = line.samples(piece.duration_s)
        name = f"{piece.style} at {level_db:+g} dB"
        line.add("music", name, length, level_db, seed=seed * 1000 + number, style=piece.style, use=piece.use)
    line.end()
    return line.sheet(session, stimulus, reference_dbfs)


def _ladder(line: Timeline, frequency_hz: float, levels_db: Sequence[float], step_s: float, purpose: str) -> None:
    line.guard()
    line.rest(SETTLE_S)
    for level_db in levels_db:
        name = f"{frequency_hz:g} Hz at {level_db:+g} dB"
        line.add("tone", name, line.samples(step_s), level_db, gap_s=0.1, purpose=purpose, frequency_hz=frequency_hz)
