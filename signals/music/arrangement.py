"""The arrangement: from a seed and a style to a score of short pieces, each in its own key, tempo and scoring."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from signals.music.accompaniment import ChordManner, chords, close
from signals.music.bar import Bar, Event
from signals.music.harmony import Chord, chord, scale_over
from signals.music.melody import LeadManner, glissando, melody, motif
from signals.music.repertoire import STYLES
from signals.music.rhythm_section import bass, drums
from signals.music.score import Note, Rest, Score
from signals.music.style import Section, Style
from signals.music.voice import CONSONANT_S, VOICES
from signals.music.waveform import stream

T = TypeVar("T")

_PIECE_S = 36.0
_UPBEAT_S = CONSONANT_S + 0.015  # the earliest sound of a note on the beat
_PULL_UP_S = 0.09  # how soon the room is quiet when the band breaks off
_PARTS = ("drums", "bass", "chords", "pad", "lead", "low", "mid", "high")


@dataclass(frozen=True)
class _Plan:
    """What one piece drew from its style."""

    style: Style
    tonic: int
    mode: str
    progressions: tuple[tuple[str, ...], ...]
    beats: int
    swing: float
    sections: tuple[Section, ...]  # one for each bar
    numbers: tuple[int, ...]  # the section each bar belongs to
    chord_manner: ChordManner
    pad_manner: ChordManner
    leads: tuple[LeadManner, ...]


def write_score(seed: int, duration_s: float, style: str) -> Score:
    """Write the music: as many short pieces as the duration holds, each ending in silence."""
    number = max(1, round(duration_s / _PIECE_S))
    which = list(STYLES).index(style)
    cuts = np.arange(number + 1) / number
    rng = stream(seed, which)
    cuts[1:-1] += rng.uniform(-0.12, 0.12, number - 1) / number
    turn = int(rng.integers(len(STYLES[style].forms)))  # forms alternate, so that two pieces have the solos of both
    notes: list[Note] = []
    rests: list[Rest] = []
    for piece in range(number):
        start_s, stop_s = float(cuts[piece] * duration_s), float(cuts[piece + 1] * duration_s)
        played, silent = _write_piece(seed, (which, piece), STYLES[style], turn, start_s, stop_s)
        notes += played
        rests += silent
    order = sorted(notes, key=lambda note: (note.onset_s, note.instrument, note.midi, note.duration_s))
    return Score(duration_s, tuple(order), tuple(rests))


def _write_piece(
    seed: int, key: tuple[int, int], style: Style, turn: int, start_s: float, stop_s: float
) -> tuple[list[Note], list[Rest]]:
    rng = stream(seed, *key, 0)
    beats = _pick(rng, style.beats)
    pause_s = min(1.3, 0.12 * (stop_s - start_s) + 0.3)
    playing_s = stop_s - start_s - pause_s - 0.1
    bars = max(1, round(playing_s * rng.uniform(*style.tempo_bpm) / 60.0 / beats))
    plan = _draw(rng, style, style.forms[(turn + key[1]) % len(style.forms)], beats, bars)
    clock_s = start_s + 0.1 + playing_s * _clock(rng, style, bars * beats)
    harmonies = _harmonies(plan)

    notes: list[Note] = []
    rests: list[Rest] = []
    hands: dict[str, tuple[int, ...]] = {}
    tunes: dict[tuple[int, str], int] = {}
    for index in range(bars):
        bar = _bar(plan, harmonies, index)
        events = _closing(plan, bar, hands) if index == bars - 1 else _play(seed, key, plan, bar, index, hands, tunes)
        stop_beat = bar.beats - 1.0 if bar.stop else np.inf
        hand = stream(seed, *key, 1, index)
        for event in events:
            if event.beat < stop_beat:
                held = replace(event, length=min(event.length, stop_beat - event.beat + 0.05))
                notes.append(_note(plan, held, index, clock_s, hand))
        if bar.stop:
            resumed_s = float(clock_s[(index + 1) * beats])
            rests.append(Rest(_at(plan, clock_s, (index + 1) * beats - 0.95), resumed_s - _UPBEAT_S, _PULL_UP_S))
    rests.append(Rest(float(clock_s[-1]) - 0.15, stop_s, 0.45))
    return notes, rests


def _draw(rng: np.random.Generator, style: Style, form: Sequence[Section], beats: int, bars: int) -> _Plan:
    """Choose key, chords and players, and share out the bars."""
    mode = _pick(rng, tuple(style.progressions))
    drawn = [_pick(rng, style.progressions[mode]) for _ in range(2)]
    shares = np.cumsum([section.share for section in form])
    ends = np.round(shares / shares[-1] * bars)
    numbers = [int(np.searchsorted(ends, index, side="right")) for index in range(bars)]
    return _Plan(
        style=style,
        tonic=int(rng.integers(12)),
        mode=mode,
        progressions=tuple(tuple(line.split()) for line in drawn),
        beats=beats,
        swing=rng.uniform(*style.swing),
        sections=tuple(form[number] for number in numbers),
        numbers=tuple(numbers),
        chord_manner=_pick(rng, style.chords),
        pad_manner=_pick(rng, style.pads),
        leads=tuple(_pick(rng, style.leads) for _ in range(2)),
    )


def _clock(rng: np.random.Generator, style: Style, beats: int) -> np.ndarray:
    """Instants of the beats from 0 to 1: a tempo that breathes, and slows down before the end."""
    swings = np.cumsum(rng.normal(0.0, 0.5, beats))
    swings -= np.linspace(swings[0], swings[-1], beats)
    lengths = 1.0 + style.rubato * np.clip(swings, -2.5, 2.5)
    slowing = min(4, beats // 2)
    if slowing:
        lengths[-slowing:] *= 1.0 + 8.0 * style.rubato * np.linspace(0.2, 1.0, slowing)
    return np.concatenate([[0.0], np.cumsum(lengths)]) / np.sum(lengths)


def _harmonies(plan: _Plan) -> list[Chord]:
    """A chord for each bar, the tonic for the last."""
    harmonies, place = [], 0
    for index, number in enumerate(plan.numbers):
        place = 0 if index == 0 or number != plan.numbers[index - 1] else place + 1
        progression = plan.progressions[number % 2]
        harmonies.append(chord(progression[place % len(progression)], plan.tonic))
    harmonies[-1] = chord("i" if plan.mode in {"minor", "dorian"} else "I", plan.tonic)
    return harmonies


def _bar(plan: _Plan, harmonies: Sequence[Chord], index: int) -> Bar:
    numbers = plan.numbers
    last = index + 1 == len(numbers) or numbers[index + 1] != numbers[index]
    first_index = numbers.index(numbers[index])
    return Bar(
        beats=plan.beats,
        harmony=harmonies[index],
        following=harmonies[min(index + 1, len(harmonies) - 1)],
        scale=scale_over(harmonies[index], plan.tonic, plan.mode),
        first=index == first_index,
        last=last,
        stop=last and plan.sections[index].stop and index + 1 < len(numbers),
        section=numbers[index],
        place=index - first_index,
    )


def _play(
    seed: int,
    key: tuple[int, int],
    plan: _Plan,
    bar: Bar,
    index: int,
    hands: dict[str, tuple[int, ...]],
    tunes: dict[tuple[int, str], int],
) -> list[Event]:
    """All parts of one bar. Each part has a stream of its own in each bar, and one for what it keeps up in a section."""
    style = plan.style
    players = plan.sections[index].players.split()
    events: list[Event] = []
    for part in (name for name in _PARTS if name in players):
        number = _PARTS.index(part)
        rng = stream(seed, *key, 2, number, index)
        habit = stream(seed, *key, 3, number, bar.section)
        pattern = int(habit.integers(60))
        if part == "drums":
            events += drums(bar, _pick(habit, style.kits), rng, pattern)
        elif part == "bass":
            events += bass(bar, _pick(stream(seed, *key, 4), style.basses), rng, pattern)
        elif part in {"chords", "pad"}:
            manner = plan.chord_manner if part == "chords" else plan.pad_manner
            played, hands[part] = chords(bar, manner, hands.get(part, ()), rng, pattern)
            events += played
        elif not (bar.last and "chimes" in players):
            choices = {"lead": (plan.leads[bar.section % 2],), "low": style.low, "mid": style.mid, "high": style.high}
            lead = _pick(habit, choices[part])
            idea = motif(lead, bar.beats, habit)
            start = tunes.get((bar.section, part), lead.lowest if part == "low" else (lead.lowest + lead.highest) // 2)
            played, tunes[bar.section, part] = melody(bar, lead, idea, start, rng)
            events += played
    if bar.last and "chimes" in players:
        rng = stream(seed, *key, 2, len(_PARTS), index)
        # 2.1 to 15.8 kHz: the top of the range in single notes, one after the other.
        events += glissando("chimes", 96.0, 131.0, 0.0, 0.75 * bar.beats, int(rng.integers(18, 27)), rng)
    return events


def _closing(plan: _Plan, bar: Bar, hands: dict[str, tuple[int, ...]]) -> list[Event]:
    """The last bar: the tonic, struck once and left to ring."""
    length = bar.beats * 0.9
    events = close(bar.harmony, plan.chord_manner, hands.get("chords", ()), 0.0, length)
    manner = plan.style.basses[0]
    root = manner.lowest + (bar.harmony.root - manner.lowest) % 12
    return [*events, Event(0.0, length, root, 1.0, manner.instrument)]


def _note(plan: _Plan, event: Event, index: int, clock_s: np.ndarray, hand: np.random.Generator) -> Note:
    """Put an event on the clock, with the section's loudness and a player's small unevenness."""
    position = index * plan.beats + event.beat
    section = plan.sections[index]
    first = plan.numbers.index(plan.numbers[index])
    count = plan.numbers.count(plan.numbers[index])
    along = (index - first + event.beat / plan.beats) / count
    loudness = section.loudness[0] + (section.loudness[1] - section.loudness[0]) * along
    velocity = float(np.clip(loudness + event.accent - 1.0 + hand.normal(0.0, 0.012), 0.2, 1.0))
    onset_s = _at(plan, clock_s, position) + event.late_s + float(np.clip(hand.normal(0.0, 0.005), -0.012, 0.012))
    if event.instrument in VOICES:
        onset_s -= CONSONANT_S  # singers put the vowel on the beat
    held_s = _at(plan, clock_s, position + event.length) - _at(plan, clock_s, position)
    return Note(max(onset_s, 0.0), max(held_s, 0.05), event.midi, velocity, event.instrument, event.syllable)


def _at(plan: _Plan, clock_s: np.ndarray, position: float) -> float:
    """Instant of a position in beats, swung; past the last beat the tempo stays as it was."""
    pair, within = np.divmod(position, plan.style.swung)
    share = within / plan.style.swung
    middle = 0.5 + plan.swing
    swung = share * 2.0 * middle if share < 0.5 else middle + (share - 0.5) * 2.0 * (1.0 - middle)
    swung_position = (pair + swung) * plan.style.swung
    beyond = max(0.0, swung_position - (len(clock_s) - 1)) * (clock_s[-1] - clock_s[-2])
    return float(np.interp(swung_position, np.arange(len(clock_s)), clock_s) + beyond)


def _pick(rng: np.random.Generator, options: Sequence[T]) -> T:
    return options[int(rng.integers(len(options)))]
