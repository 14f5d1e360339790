"""Drums and bass: grooves as rows of steps, fills at the ends of sections, bass lines that lead to the next chord."""

from dataclasses import dataclass

import numpy as np

from signals.music.bar import Bar, Event
from signals.music.harmony import pitches

# Four steps a beat. X accent, x stroke, o stroke on most occasions, - ghost note on some, . seldom anything.
_STEPS = {"X": (1.0, 1.0), "x": (1.0, 0.86), "o": (0.6, 0.84), "-": (0.45, 0.62), ".": (0.0, 0.0)}

Groove = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Kit:
    """Grooves by number of beats, each a tuple of ``(drum, steps)``, and what marks beginnings and fills breaks."""

    grooves: dict[int, tuple[Groove, ...]]
    downbeat: tuple[str, ...]
    fill: tuple[tuple[str, float], ...]
    sizes: dict[str, float]


@dataclass(frozen=True)
class BassManner:
    """Who plays the bass, where, and in which rhythms (onsets in beats; repeated as the bar needs)."""

    instrument: str
    lowest: int
    highest: int
    rhythms: tuple[tuple[float, ...], ...]
    length: float


def drums(bar: Bar, kit: Kit, rng: np.random.Generator, pattern: int) -> list[Event]:
    """One bar of drums; the last bar of a section ends in a fill."""
    grooves = kit.grooves[bar.beats]
    groove = grooves[pattern % len(grooves)]
    filled = float(rng.choice([1.0, 1.5, 2.0])) if bar.last and kit.fill else 0.0
    until = bar.beats - filled
    events = []
    for drum, steps in groove:
        for index, step in enumerate(steps):
            chance, accent = _STEPS[step]
            beat = index / 4.0
            # Now and then a stroke where none was written keeps any two bars apart.
            stray = chance == 0.0 and drum not in kit.downbeat and rng.random() < 0.02
            if beat < until and (rng.random() < chance or stray):
                strength = (accent or 0.6) + rng.normal(0.0, 0.03)
                events.append(Event(beat, 0.45, kit.sizes.get(drum, 60.0), strength, drum))
    if bar.first and bar.section > 0:
        events += [Event(0.0, 2.0, kit.sizes.get(drum, 60.0), 1.0, drum) for drum in kit.downbeat]
    return events + _fill(kit, until, filled, bar.stop, rng)


def _fill(kit: Kit, start: float, beats: float, stop: bool, rng: np.random.Generator) -> list[Event]:
    """Sixteenths that run down the drums and grow; before a stop they end with one stroke and leave the rest empty."""
    events = []
    steps = round(4 * beats)
    sounding = max(1, steps // 2) if stop else steps
    for index in range(sounding):
        if index > 0 and rng.random() < 0.22:
            continue
        along = index / max(1, steps - 1)
        drum, size = kit.fill[min(int(along * len(kit.fill)), len(kit.fill) - 1)]
        strength = 0.75 + 0.25 * along + rng.normal(0.0, 0.04)
        events.append(Event(start + index / 4.0, 0.5, size + rng.normal(0.0, 0.15), strength, drum))
        if rng.random() < 0.15:
            events.append(Event(start + index / 4.0 + 0.125, 0.3, size, strength - 0.2, drum))
    return events


def bass(bar: Bar, manner: BassManner, rng: np.random.Generator, pattern: int) -> list[Event]:
    """One bar of bass: root on one, fifth and octave between, and a step that leads to the next root."""
    rhythm = manner.rhythms[(pattern + int(rng.random() < 0.25)) % len(manner.rhythms)]
    onsets = sorted({beat for beat in rhythm if beat < bar.beats})
    root = _lowest(bar.harmony.root, manner.lowest)
    target = _lowest(bar.following.root, manner.lowest)
    choices = [pitch for pitch in (root + 7, root + 12, root, root + 10) if pitch <= manner.highest]
    tones = [pitch for pitch in choices if pitch % 12 in bar.scale]
    events = []
    for index, beat in enumerate(onsets):
        last = index == len(onsets) - 1
        stop = bar.beats if last else onsets[index + 1]
        if index == 0:
            pitch = root
        elif last and len(onsets) > 2 and rng.random() < 0.7:
            near = pitches(bar.scale, manner.lowest, manner.highest)
            steps = [p for p in near if 0 < abs(p - target) <= 2] or [target + 1]
            pitch = int(steps[rng.integers(len(steps))])
        else:
            weights = np.array([0.3, 0.2, 0.4, 0.1])[: len(tones)]
            pitch = int(rng.choice(tones, p=weights / weights.sum())) if tones else root
        accent = 1.0 if index == 0 else 0.9 + rng.normal(0.0, 0.03)
        length = (stop - beat) * manner.length * rng.uniform(0.85, 1.0)
        events.append(Event(beat, length, pitch, accent, manner.instrument))
    return events


def _lowest(pitch_class: int, lowest: int) -> int:
    return lowest + (pitch_class - lowest) % 12
