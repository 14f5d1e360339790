"""The stimulus for takes with dbx in the way: steps, bursts, pairs of tones and multitones, no sweeps.

A 2:1 compander with an RMS detector is neither linear nor without memory: a sweep through it tells a response that no other
signal would find. What tells something are signals that hold still until the detector has settled, and steps from one such
state to another. So levels rise from segment to segment, which a detector follows at once, and pauses stand where it has to
come down: at the 125 dB/s that are said of tape dbx, half a second takes it down by 60 dB. Bursts show how it moves. In the pairs a
strong tone sets the gain and a weak one, heard beside it, tells the emphasis alone.

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
LAW_HZ = (100.0, 400.0, 3150.0, 10_000.0)  # the static law beside that at 1 kHz
LAW_DB = tuple(range(-60, 6, 5))
STEP_S = 0.55  # read in its second half: eight times what is said of the time constant
LOW_STEP_S = 0.8  # below 200 Hz, for enough cycles and for the noise beside them
STEP_GAP_S = 0.05
BURSTS = ((1000.0, 0.0, -30.0), (1000.0, -20.0, -20.0), (100.0, -10.0, -25.0), (5000.0, -20.0, -20.0))
"""Frequency, level, and level of the rest between the bursts re it."""
BURST_ON_S = 0.4
BURST_PERIOD_S = 1.2
BURST_S = 3.6
PROBED_HZ, PROBED_DB = (
    1000.0,
    -20.0,
)  # where a tape is straight: a strong tone would take more from the weak than from itself
PROBES_HZ = (40.0, 100.0, 200.0, 400.0, 630.0, 1600.0, 2300.0, 3150.0, 5300.0, 7500.0, 10_000.0, 14_500.0)
"""Away from the odd harmonics of the tone that they are heard beside."""
PROBE_DB = -25.0
PROBE_S = 0.6
MULTITONES_DB = (-40.0, -20.0, -10.0, 0.0)
MULTITONE_PERIOD_S = 1.0
MULTITONE_S = 1.5
MULTITONE_PEAK_DB = 9.0  # above the peak of a sine of the same RMS
MULTITONE_HZ = (40.0, 16_000.0)
MULTITONE_TONES = 27  # three an octave
SILENCE_S = 6.0
PIECES = (
    Piece("band", 14.0, 0.0, "train"),
    Piece("beat", 12.0, 5.0, "train"),
    Piece("chamber", 8.0, 5.0, "validation"),
    Piece("band", 10.0, 5.0, "test"),
)
"""As much as a model of the deck with dbx needs: of half of it the default core cannot be solved for."""


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
    for frequency_hz, levels_db, purpose in ((STEP_HZ, STEPS_DB, "ladder"), *((f, LAW_DB, "spot") for f in LAW_HZ)):
        _steps(line, frequency_hz, [level for level in levels_db if level <= most_db], purpose)
    line.guard()
    for frequency_hz, level_db, rest_db in BURSTS:
        line.add(
            "bursts",
            f"{frequency_hz:g} Hz bursts from {level_db + rest_db:+g} to {level_db:+g} dB",
            line.samples(BURST_S),
            level_db,
            SETTLE_S,
            frequency_hz=frequency_hz,
            on_s=BURST_ON_S,
            period_s=BURST_PERIOD_S,
            rest_db=rest_db,
        )
    line.guard()
    for probe_hz in PROBES_HZ:
        line.add(
            "two_tone",
            f"{probe_hz:g} Hz beside {PROBED_HZ:g} Hz",
            line.samples(PROBE_S),
            PROBED_DB,
            gap_s=STEP_GAP_S,
            purpose="emphasis",
            first_hz=PROBED_HZ,
            second_hz=probe_hz,
            second_db=PROBE_DB,
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


def _steps(line: Timeline, frequency_hz: float, levels_db: Sequence[float], purpose: str) -> None:
    length = line.samples(LOW_STEP_S if frequency_hz < 200.0 else STEP_S)
    line.guard()
    line.rest(SETTLE_S)
    for level_db in levels_db:
        name = f"{frequency_hz:g} Hz at {level_db:+g} dB"
        line.add("tone", name, length, level_db, gap_s=STEP_GAP_S, purpose=purpose, frequency_hz=frequency_hz)
