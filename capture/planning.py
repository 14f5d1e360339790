"""Plan a session: lay out the stimulus, see that it fits, and write it."""

import shutil
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from capture.recordings import Play, Recording
from sessions.audio import open_audio
from sessions.manifest import Interface, Wiring
from sessions.store import CAPTURE_RATE_HZ, Session
from signals.companded import ENCODED, PLAIN, plan_companded
from signals.cues import CueSheet
from signals.errors import AudioFileError, StimulusError, UsageError
from signals.stimulus import DEFAULT_REFERENCE_DBFS, MAIN, QUICK, STANDARD, StimulusAudio, plan
from signals.tape_length import MINUTES_A_SIDE, fits, running_time_s

SPEEDS_CM_S = (4.8, 9.5)
MOST_LEVELS = 100
MOST_TRACKS = 8
LOWEST_REFERENCE_DBFS = -60.0
STIMULUS_OF = {"off": MAIN, "on": ENCODED, "encode": ENCODED, "decode": PLAIN}
"""Stimulus that each pair of positions of the dbx switch needs: a tape recorded with dbx in is another than one without."""


@dataclass(frozen=True)
class Wish:
    """What a session shall hold.

    Attributes
    ----------
    tracks : sequence of int
        Tracks that get programme.
    pilot_track : int or None
        Track that gets the pilot alone.
    levels_db : sequence of float or None
        Level ladder; None means the default one.
    quick : bool
        A stimulus half as long.
    music : sequence of Path
        Sound files to use as programme instead of the composed pieces.
    cassette : str
        Such as ``C-60``.
    dbx : tuple of str
        Positions of the dbx switch to capture: ``off``, ``on``, ``encode`` (recorded with it, played without), ``decode``.
    """

    tracks: Sequence[int] = (1,)
    pilot_track: int | None = None
    speed_cm_s: float = 9.5
    sample_rate: int = 48_000
    reference_dbfs: float = DEFAULT_REFERENCE_DBFS
    levels_db: Sequence[float] | None = None
    quick: bool = False
    music: Sequence[Path] = ()
    cassette: str = "C-60"
    deck: str = "not named"
    seed: int = 0
    dbx: tuple[str, ...] = ("off",)


def read_tracks(text: str) -> list[int]:
    """Track numbers from a text such as ``1,2``.

    Raises
    ------
    UsageError
        It cannot be read so.
    """
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise UsageError(f"'{text}' is no list of tracks; write it as 1,2") from error


def read_ladder(text: str | None) -> list[float] | None:
    """Levels in dB from a text ``LO:HI:STEP``; None, the usual ladder, from none.

    Raises
    ------
    UsageError
        It cannot be read so, or has more than 100 levels.
    """
    if text is None:
        return None
    try:
        low, high, step = (float(part) for part in text.split(":"))
    except ValueError as error:
        raise UsageError(f"'{text}' is no ladder; write it as LO:HI:STEP, such as -30:10:2.5") from error
    if not (step > 0.0 and high >= low and (high - low) / step < MOST_LEVELS):
        raise UsageError(
            f"ladder '{text}' does not rise from LO to HI in at most {MOST_LEVELS} levels; write -30:10:2.5, say"
        )
    return [low + step * k for k in range(int((high - low) / step + 1e-9) + 1)]


def read_dbx(text: str) -> tuple[str, ...]:
    """Positions of the dbx switch from a text such as ``off,on``, each once.

    Raises
    ------
    UsageError
        One is not known.
    """
    modes = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for mode in modes:
        if mode not in STIMULUS_OF:
            raise UsageError(f"'{mode}' is no position of the dbx switch; give some of {', '.join(STIMULUS_OF)}, as off,on")
    return modes


def recordings(dbx: Sequence[str], passes: int) -> tuple[Recording, ...]:
    """The recordings that positions of the dbx switch ask for, in the order that turns the switch least often.

    What was recorded with dbx in serves both ``on`` and ``encode``.

    Parameters
    ----------
    dbx : sequence of str
        As :attr:`Wish.dbx`.
    passes : int
        Play passes in each position.
    """
    made = []
    if "off" in dbx:
        made.append(Recording(MAIN, False, (Play(passes),)))
    if "decode" in dbx:
        made.append(Recording(PLAIN, False, (Play(passes, True),)))
    plays = tuple(Play(passes, mode == "on") for mode in ("on", "encode") if mode in dbx)
    if plays:
        made.append(Recording(ENCODED, True, plays))
    return tuple(made)


def require_second(wish: Wish, over: bool) -> None:
    """Refuse to record `over` what is recorded but once.

    Raises
    ------
    UsageError
        There is one recording alone.
    """
    if over and len(recordings(wish.dbx, 1)) < 2:
        raise UsageError(
            f"--record-over needs two recordings, and --dbx {','.join(wish.dbx)} makes one; give --dbx off,encode, or leave it out"
        )


def planned_dbx(session: Session) -> tuple[str, ...]:
    """Positions of the dbx switch that a session was planned for, as far as its stimuli and takes tell."""
    stimuli = {known.id for known in session.manifest.stimuli}
    begun = {take.conditions.get("dbx") for take in session.manifest.takes}
    wanted = ("off", "decode", "on", *(["encode"] if "encode" in begun else []))
    return tuple(mode for mode in wanted if STIMULUS_OF[mode] in stimuli)


def require_plan(session: Session, wish: Wish, given: Collection[str]) -> None:
    """Refuse what contradicts the plan of a session that exists; what is as planned may be said again.

    Parameters
    ----------
    session : Session
        The session.
    wish : Wish
        What is wished for now.
    given : collection of str
        Which of ``tracks``, ``pilot_track``, ``speed``, ``rate`` and ``reference_dbfs`` were asked for.

    Raises
    ------
    UsageError
        One of them differs from the plan.
    """
    sheet = session.sheet(session.manifest.stimuli[0].id)
    tracks = {role: [c.track for c in sheet.channels if c.role == role] for role in ("programme", "pilot")}
    pilots = [] if wish.pilot_track is None else [wish.pilot_track]
    for option, asked, planned in (
        ("tracks", list(wish.tracks), tracks["programme"]),
        ("pilot_track", pilots, tracks["pilot"]),
        ("speed", [wish.speed_cm_s], [session.manifest.speed_cm_s]),
        ("rate", [wish.sample_rate], [sheet.sample_rate]),
        ("reference_dbfs", [wish.reference_dbfs], [sheet.reference_dbfs]),
    ):
        if option in given and asked != planned:
            flag, *values = (
                f"--{option.replace('_', '-')}",
                *(",".join(f"{v:g}" for v in each) for each in (asked, planned)),
            )
            raise UsageError(
                f"{flag} {values[0]} contradicts {session.path}, which was planned with {values[1] or 'none'}; leave {flag} out,"
                " or name a new session"
            )


def free_folder(path: Path) -> Path:
    """The path itself if nothing is there, else the first of ``path-2``, ``path-3``, ... that is free."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.name}-{number}")
    return free


def plan_session(
    path: Path, wish: Wish, progress: Callable[[str], None] = lambda _: None, identifier: str | None = None
) -> Session:
    """Make a session with its stimuli: one for what is recorded and played without dbx, others for the rest.

    Parameters
    ----------
    identifier : str, optional
        Of the session, which the tape carries; by default one that nobody else has.

    Raises
    ------
    StimulusError
        What is wished for is impossible, or does not fit the cassette.
    AudioFileError
        A music file is missing, unreadable or of another sample rate.
    SessionError
        The folder exists and is not empty, or the disk is full; nothing is left behind.
    """
    if wish.speed_cm_s not in SPEEDS_CM_S:
        raise StimulusError(f"tape speed {wish.speed_cm_s:g} cm/s is not one of the deck's; use 9.5 or 4.8")
    for track in (*wish.tracks, *([] if wish.pilot_track is None else [wish.pilot_track])):
        if not 1 <= track <= MOST_TRACKS:
            raise StimulusError(f"there is no track {track}; tracks are numbered 1 to {MOST_TRACKS}, as on the deck")
    if not LOWEST_REFERENCE_DBFS <= wish.reference_dbfs <= 0.0:
        raise StimulusError(
            f"reference level {wish.reference_dbfs:g} dBFS is outside {LOWEST_REFERENCE_DBFS:g} to 0; choose one inside, "
            f"{DEFAULT_REFERENCE_DBFS:g} is usual"
        )
    if wish.quick and wish.levels_db is not None and len(wish.levels_db) > len(STANDARD.levels_db):
        raise StimulusError(f"{len(wish.levels_db)} levels are too many for a quick stimulus; leave out --quick")
    progress("composing the stimulus")
    music = {name: _music(file, wish.sample_rate) for name, file in _named(wish.music)}
    identifier = identifier or uuid.uuid4().hex[:12]
    sheets = [
        _sheet(stimulus, wish, identifier, music) for stimulus in dict.fromkeys(STIMULUS_OF[mode] for mode in wish.dbx)
    ]
    for sheet in sheets:
        _require_tape(sheet, wish)
    existed = path.exists()
    session = Session.create(
        path,
        deck=wish.deck,
        speed_cm_s=wish.speed_cm_s,
        reference_dbfs=wish.reference_dbfs,
        wiring=Wiring(outputs={i: channel.track for i, channel in enumerate(sheets[0].channels)}),
        tape=wish.cassette,
        interface=Interface(name="not named", settings={} if tuple(wish.dbx) == ("off",) else {"dbx": ",".join(wish.dbx)}),
        session_id=identifier,
    )
    try:
        for sheet in sheets:
            session.add_stimulus(sheet, StimulusAudio(sheet, music))
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        if existed:
            path.mkdir(exist_ok=True)
        raise
    return session


def _sheet(stimulus: str, wish: Wish, identifier: str, music: dict[str, np.ndarray]) -> CueSheet:
    if stimulus != MAIN:
        return plan_companded(
            session=identifier,
            stimulus=stimulus,
            sample_rate=wish.sample_rate,
            tracks=wish.tracks,
            pilot_track=wish.pilot_track,
            reference_dbfs=wish.reference_dbfs,
            seed=wish.seed,
        )
    return plan(
        session=identifier,
        sample_rate=wish.sample_rate,
        tracks=wish.tracks,
        pilot_track=wish.pilot_track,
        reference_dbfs=wish.reference_dbfs,
        levels_db=wish.levels_db,
        scope=QUICK if wish.quick else STANDARD,
        music=music or None,
        seed=wish.seed,
    )


def _require_tape(sheet: CueSheet, wish: Wish) -> None:
    """Each recording begins at the zero of the counter again, so each has the whole tape."""
    duration_s = sheet.samples / sheet.sample_rate
    if not fits(duration_s, wish.cassette, wish.speed_cm_s):
        room_s = running_time_s(wish.cassette, wish.speed_cm_s)
        longer = ", ".join(c for c in MINUTES_A_SIDE if fits(duration_s, c, wish.speed_cm_s)) or "no cassette"
        raise StimulusError(
            f"the stimulus of {duration_s / 60.0:.1f} min does not fit the {room_s / 60.0:.1f} min of a {wish.cassette} at "
            f"{wish.speed_cm_s:g} cm/s; it fits: {longer}; or use --quick, fewer levels or less music"
        )


def _named(files: Sequence[Path]) -> list[tuple[str, Path]]:
    names = [f"{number + 1} {file.name}" for number, file in enumerate(files)]
    return list(zip(names, files, strict=True))


def _music(file: Path, sample_rate: int) -> np.ndarray:
    """A sound file as mono programme, shape (samples,)."""
    with open_audio(file) as audio:
        if audio.sample_rate != sample_rate:
            other = f", or plan the session with --rate {audio.sample_rate}" if audio.sample_rate >= CAPTURE_RATE_HZ else ""
            raise AudioFileError(
                f"{file} has {audio.sample_rate} Hz, the session {sample_rate} Hz; convert it to {sample_rate} Hz{other}"
            )
        wave = audio.read(0, audio.samples).mean(axis=1)
    if not np.any(wave):
        raise AudioFileError(f"{file} is silent; give music with sound in it")
    return wave
