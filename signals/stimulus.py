"""The stimulus: planned as a cue sheet, synthesised as it is read."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from signals import markers
from signals.cues import Cue, CueSheet
from signals.errors import StimulusError
from signals.levels import meter_level, peak_dbfs
from signals.multitone import multitone
from signals.music import compose
from signals.noise import pink_noise
from signals.scope import QUICK, STANDARD, Piece, Scope
from signals.sweeps import Sweep
from signals.timeline import Timeline
from signals.tones import bursts, impulses, tone, two_tone

__all__ = [
    "DEFAULT_REFERENCE_DBFS",
    "MAIN",
    "QUICK",
    "STANDARD",
    "Music",
    "Piece",
    "Scope",
    "StimulusAudio",
    "plan",
    "waveform",
]

MAIN = "main"  # the stimulus for takes without dbx
DEFAULT_REFERENCE_DBFS = -18.0
SWEEP_LOW_HZ = 10.0  # an octave below what is reported, so that the fade-in ripples nothing
SWEEP_HIGH_HZ = 22_000.0
SMPTE_HZ, SMPTE_DB = (60.0, 7000.0), -12.04  # SMPTE RP 120, four to one
DIFFERENCE_HZ = (9500.0, 10_500.0)  # IEC 60268-3, lower than the usual 19 and 20 kHz, which no cassette passes
TWO_TONE_S = 2.0
MODULATION_HZ = 100.0
MODULATION_S = 3.0
CROSSTALK_LEVEL_DB = 6.0  # what the tape makes of its peaks is heard on both tracks alike
CROSSTALK_HZ, CROSSTALK_TONES = (125.0, 8000.0), 7  # an octave apart
CROSSTALK_CREST_DB = 8.0  # its peak above that of a sine of the same RMS
MUSIC_CREST_DB = 10.0  # composed pieces peak less than this above their highest meter reading

Music = Mapping[str, np.ndarray]


def plan(
    *,
    session: str,
    sample_rate: int,
    tracks: Sequence[int],
    pilot_track: int | None = None,
    reference_dbfs: float = DEFAULT_REFERENCE_DBFS,
    levels_db: Sequence[float] | None = None,
    scope: Scope = STANDARD,
    music: Music | None = None,
    seed: int = 0,
    stimulus: str = MAIN,
) -> CueSheet:
    """Lay out the uncompanded stimulus.

    Parameters
    ----------
    session, stimulus : str
        Identifiers; together they make the code that the tape carries.
    sample_rate : int
        48000 Hz or more.
    tracks : sequence of int
        Programme tracks, 1-based; all get the same programme.
    pilot_track : int, optional
        Track that carries the pilot alone.
    levels_db : sequence of float, optional
        Level ladder, instead of the scope's own.
    music : mapping of name to ndarray (samples,), optional
        Programme to use instead of the composed pieces, at `sample_rate`. It is played at 0 dB, or lower where its peaks
        would clip.
    seed : int
        Seed of the composed pieces.

    Raises
    ------
    StimulusError
        Rate too low, tracks that collide, no levels or one twice, levels beyond digital full scale.
    """
    code = markers.identity_code(session, stimulus)
    line = Timeline(sample_rate, code, tracks, pilot_track)
    ladder = scope.levels_db if levels_db is None else tuple(float(level) for level in levels_db)
    _refuse_ladder(ladder)
    _refuse_clipping((0.0, *ladder), reference_dbfs, "ladder")
    if music is None:
        _refuse_clipping([piece.level_db + MUSIC_CREST_DB for piece in scope.pieces], reference_dbfs, "music with its peaks")

    line.begin(scope.wow_flutter_s)
    for frequency_hz in scope.ladder_hz:
        line.guard()
        for level_db in ladder:
            name = f"{frequency_hz:g} Hz at {level_db:+g} dB"
            length = line.samples(scope.step_s)
            line.add("tone", name, length, level_db, gap_s=0.1, purpose="ladder", frequency_hz=frequency_hz)
    _add_distortion(line, scope)
    for level_db in scope.sweep_levels_db:
        line.guard()
        sweep = Sweep.design(SWEEP_LOW_HZ, SWEEP_HIGH_HZ, scope.sweep_s)
        line.add(
            "sweep",
            f"sweep at {level_db:+g} dB",
            sweep.samples(sample_rate),
            level_db,
            gap_s=1.0,
            low_hz=sweep.low_hz,
            high_hz=sweep.high_hz,
            rate_s=sweep.rate_s,
        )
    line.guard()
    line.add("silence", "silence", line.samples(scope.silence_s))
    line.guard()
    _add_crosstalk(line, scope.crosstalk_s, reference_dbfs)
    line.add("impulses", "impulses", line.samples(scope.impulses_s), 0.0, period_s=0.1)
    line.add("noise", "pink noise", line.samples(3.0), -15.0, seed=seed, low_hz=30.0, high_hz=20_000.0)
    _add_music(line, scope.pieces, music, seed, reference_dbfs)
    line.end()
    return line.sheet(session, stimulus, reference_dbfs)


def _add_distortion(line: Timeline, scope: Scope) -> None:
    """Tones for distortion over frequency, pairs of tones for intermodulation, low tones that noise is heard beside."""
    if scope.distortion_hz:
        line.guard()
    for frequency_hz in scope.distortion_hz:
        name = f"{frequency_hz:g} Hz for distortion"
        line.add("tone", name, line.samples(scope.step_s), 0.0, gap_s=0.1, purpose="distortion", frequency_hz=frequency_hz)
    pairs = [("imd_smpte", SMPTE_HZ, SMPTE_DB, level) for level in scope.smpte_levels_db]
    pairs += [("imd_difference", DIFFERENCE_HZ, 0.0, level) for level in scope.difference_levels_db]
    if pairs:
        line.guard()
    for purpose, (first_hz, second_hz), second_db, level_db in pairs:
        line.add(
            "two_tone",
            f"{first_hz:g} and {second_hz:g} Hz at {level_db:+g} dB",
            line.samples(TWO_TONE_S),
            level_db,
            gap_s=0.1,
            purpose=purpose,
            first_hz=first_hz,
            second_hz=second_hz,
            second_db=second_db,
        )
    if scope.modulation_levels_db:
        line.guard()
    for level_db in scope.modulation_levels_db:
        name = f"{MODULATION_HZ:g} Hz at {level_db:+g} dB for modulation noise"
        length = line.samples(MODULATION_S)
        line.add("tone", name, length, level_db, gap_s=0.1, purpose="modulation_noise", frequency_hz=MODULATION_HZ)


def _add_crosstalk(line: Timeline, seconds: float, reference_dbfs: float) -> None:
    """One track after the other sounds by itself: what is heard of it in the others is crosstalk."""
    if not seconds or len(line.tracks) + (line.pilot_track is not None) < 2:
        return
    for channel, track in enumerate(line.tracks):
        line.add(
            "multitone",
            f"track {track} alone",
            line.samples(seconds),
            min(CROSSTALK_LEVEL_DB, -reference_dbfs - CROSSTALK_CREST_DB),
            gap_s=0.1,
            seed=channel,
            channels=(channel,),
            purpose="crosstalk",
            low_hz=CROSSTALK_HZ[0],
            high_hz=CROSSTALK_HZ[1],
            tones=CROSSTALK_TONES,
            period_s=1.0,
        )
    line.guard()


def _refuse_ladder(levels_db: Sequence[float]) -> None:
    if not levels_db:
        raise StimulusError("the ladder has 0 levels, 1 is needed; give levels, or leave them out for the usual ones")
    for number, level_db in enumerate(levels_db):
        if level_db in levels_db[:number]:
            raise StimulusError(f"the ladder has {level_db:+g} dB twice; give every level once")


def _refuse_clipping(levels_db: Sequence[float], reference_dbfs: float, what: str) -> None:
    highest = max(levels_db, default=-np.inf)
    if reference_dbfs + highest > 0.0:
        raise StimulusError(
            f"the {what} goes to {highest:+g} dB, which is {reference_dbfs + highest:+.1f} dBFS and clips; "
            f"end it at {-reference_dbfs:+g} dB, or lower the reference level from {reference_dbfs:g} dBFS"
        )


def _add_music(line: Timeline, pieces: Sequence[Piece], music: Music | None, seed: int, reference_dbfs: float) -> None:
    if music is None:
        for number, piece in enumerate(pieces):
            line.guard()
            name = f"{piece.style} {number + 1} at {piece.level_db:+g} dB"
            length = line.samples(piece.duration_s)
            line.add("music", name, length, piece.level_db, seed=seed * 1000 + number, style=piece.style, use=piece.use)
        return
    shortest = min(round(10.0 * line.sample_rate), sum(wave.size for wave in music.values()) // 3)
    parts = [(name, *edges) for name, wave in music.items() for edges in _parts(wave.size, shortest, line.samples(30.0))]
    parts = [(name, start, stop) for name, start, stop in parts if np.any(music[name][start:stop])]
    if not parts:
        raise StimulusError(f"there is no sound in {', '.join(music) or 'the music'}; give a recording that is not silent")
    names = list(dict.fromkeys(name for name, _, _ in parts))
    for number, (name, start, stop) in enumerate(parts):
        # Of several recordings whole ones are held out: what is held out is to be new.
        use = _use(number, len(parts)) if len(names) < 3 else _use(names.index(name), len(names))
        part = music[name][start:stop]
        # A recording with high peaks goes to tape at less than 0 dB rather than clipped.
        crest_db = peak_dbfs(part) - meter_level(part, line.sample_rate)
        level_db = min(0.0, float(np.floor(-reference_dbfs - crest_db)))
        line.guard()
        line.add("music", f"{name} part {number + 1}", stop - start, level_db, file=name, offset_samples=start, use=use)


def _use(number: int, parts: int) -> str:
    """The last fifth of the parts is for the test, the fifth before for validation, one part each at least."""
    fifth = max(1, parts // 5)
    if parts < 3 or number < parts - 2 * fifth:
        return "train"
    return "validation" if number < parts - fifth else "test"


def _parts(samples: int, shortest: int, longest: int) -> list[tuple[int, int]]:
    """Cut a recording into parts, five at the most unless they were too long, so that some of it can be held out."""
    count = max(1, min(5, samples // max(1, shortest)), -(-samples // longest))
    edges = np.linspace(0, samples, count + 1).astype(int)
    return list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))


class StimulusAudio:
    """A stimulus as :class:`signals.audio.AudioReader`: synthesised from its cue sheet as it is read.

    Parameters
    ----------
    sheet : CueSheet
        What to play.
    music : mapping of name to ndarray (samples,), optional
        The recordings that music segments with a ``file`` parameter name.
    """

    def __init__(self, sheet: CueSheet, music: Music | None = None) -> None:
        self.sheet = sheet
        self._music = music or {}
        self._waveform = lru_cache(maxsize=4)(self._synthesise)

    @property
    def sample_rate(self) -> int:
        """Sample rate in Hz."""
        return self.sheet.sample_rate

    @property
    def channels(self) -> int:
        """Number of output channels."""
        return len(self.sheet.channels)

    @property
    def samples(self) -> int:
        """Length in samples."""
        return self.sheet.samples

    def read(self, start: int, stop: int) -> np.ndarray:
        """Samples ``start`` to ``stop``, shape ``(stop - start, channels)``; zeros outside."""
        out = np.zeros((stop - start, self.channels))
        for index, cue in enumerate(self.sheet.cues):
            low, high = max(start, cue.start_samples), min(stop, cue.stop_samples)
            if low < high:
                wave = self._waveform(self._first_alike(index))
                out[low - start : high - start, cue.channel] += wave[low - cue.start_samples : high - cue.start_samples]
        return out

    def _first_alike(self, index: int) -> int:
        """First segment with the same waveform, so that four tracks of programme are synthesised once."""
        cue = self.sheet.cues[index]
        while index and (cue.start_samples, cue.name) == (
            self.sheet.cues[index - 1].start_samples,
            self.sheet.cues[index - 1].name,
        ):
            index -= 1
        return index

    def _synthesise(self, index: int) -> np.ndarray:
        cue = self.sheet.cues[index]
        return waveform(cue, self.sheet, self._music)


def waveform(cue: Cue, sheet: CueSheet, music: Music | None = None) -> np.ndarray:
    """Waveform of one segment at its level, shape (length_samples,).

    Raises
    ------
    StimulusError
        A recording that the segment names is not in `music`.
    """
    unit = _unit_waveform(cue, sheet.sample_rate, sheet.code, music or {})
    if cue.level_db is None:
        return unit
    if cue.kind == "music":
        return unit * 10.0 ** ((sheet.reference_dbfs + cue.level_db - meter_level(unit, sheet.sample_rate)) / 20.0)
    return unit * sheet.amplitude(cue.level_db)


def _unit_waveform(cue: Cue, sample_rate: int, code: int, music: Music) -> np.ndarray:
    samples = cue.length_samples
    match cue.kind:
        case "marker_start":
            return markers.start_marker(sample_rate)
        case "marker_end":
            return markers.end_marker(sample_rate)
        case "marker_code":
            return markers.code_marker(code, sample_rate)
        case "guard":
            return markers.GUARD.waveform(sample_rate)
        case "tone" | "pilot":
            return tone(cue.number("frequency_hz"), samples, sample_rate)
        case "sweep":
            sweep = Sweep(cue.number("low_hz"), cue.number("high_hz"), cue.number("rate_s"))
            return sweep.waveform(sample_rate, fade_in_s=0.1, fade_out_s=0.005)
        case "impulses":
            return impulses(samples, sample_rate, cue.number("period_s"))
        case "bursts":
            on_s, period_s, rest_db = cue.number("on_s"), cue.number("period_s"), cue.number("rest_db")
            return bursts(cue.number("frequency_hz"), samples, sample_rate, on_s, period_s, rest_db)
        case "multitone":
            return multitone(cue, sample_rate)
        case "two_tone":
            first_hz, second_hz, second_db = (cue.number(p) for p in ("first_hz", "second_hz", "second_db"))
            return two_tone(first_hz, second_hz, second_db, samples, sample_rate)
        case "noise":
            return pink_noise(samples, sample_rate, cue.seed or 0, cue.number("low_hz"), cue.number("high_hz"))
        case "silence":
            return np.zeros(samples)
        case "music":
            return _music_waveform(cue, sample_rate, music)


def _music_waveform(cue: Cue, sample_rate: int, music: Music) -> np.ndarray:
    if "file" not in cue.parameters:
        duration_s = cue.length_samples / sample_rate
        return compose(cue.seed or 0, duration_s, sample_rate, str(cue.parameters["style"]))[: cue.length_samples]
    name = str(cue.parameters["file"])
    if name not in music:
        raise StimulusError(f"segment '{cue.name}' needs the recording '{name}', which was not given; pass it with --music")
    start = int(cue.number("offset_samples"))
    return music[name][start : start + cue.length_samples]
