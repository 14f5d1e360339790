"""Level meters of what comes back: peak, held peak, clipped samples, and where the level ought to be."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.table import Table
from rich.text import Text

HOLD_S = 2.0
FALL_DB_S = 24.0  # between the 20 dB in 1.7 s of a DIN meter and the faster ones of most programs
CLIPPED = 0.9999
LOWEST_DBFS = -60.0
WIDEST, NARROWEST = 48, 12


@dataclass(frozen=True)
class Zone:
    """Where the peak of a channel ought to lie, in dBFS."""

    low_dbfs: float
    high_dbfs: float

    def holds(self, level_dbfs: float) -> bool:
        """Whether a level lies inside."""
        return self.low_dbfs <= level_dbfs <= self.high_dbfs


@dataclass(frozen=True)
class Reading:
    """One channel's meter: falling peak, peak held for two seconds, clipped samples so far, and whether any came of late."""

    peak_dbfs: float
    held_dbfs: float
    clipped: int
    clips: bool


class Meter:
    """Peak meters of some channels, fed with what comes back.

    Parameters
    ----------
    sample_rate : int
        Sample rate in Hz.
    channels : int
        Number of channels.
    """

    def __init__(self, sample_rate: int, channels: int) -> None:
        self._rate = sample_rate
        self._peak = np.zeros(channels)
        self._held = np.zeros(channels)
        self._age_s = np.zeros(channels)
        self._clipped = np.zeros(channels, dtype=int)
        self._since_clip_s = np.full(channels, np.inf)

    def hear(self, block: np.ndarray) -> None:
        """Take in a block, shape ``(samples, channels)``."""
        if block.shape[0] == 0:
            return
        length_s = block.shape[0] / self._rate
        magnitude = np.abs(block)
        loudest = magnitude.max(axis=0)
        self._peak = np.maximum(loudest, self._peak * 10.0 ** (-FALL_DB_S * length_s / 20.0))
        self._age_s += length_s
        renewed = (loudest >= self._held) | (self._age_s > HOLD_S)
        self._held = np.where(renewed, loudest, self._held)
        self._age_s = np.where(renewed, 0.0, self._age_s)
        clipped = (magnitude >= CLIPPED).sum(axis=0)
        self._clipped += clipped
        self._since_clip_s = np.where(clipped > 0, 0.0, self._since_clip_s + length_s)

    def readings(self) -> list[Reading]:
        """The meters now."""
        peak, held = (20.0 * np.log10(np.maximum(v, 1e-10)) for v in (self._peak, self._held))
        each = zip(peak, held, self._clipped, self._since_clip_s <= HOLD_S, strict=True)
        return [Reading(float(p), float(h), int(c), bool(of_late)) for p, h, c, of_late in each]


def drawn(readings: Sequence[Reading], labels: Sequence[str], zone: Zone, width: int = WIDEST) -> Table:
    """Meters as bars with the zone marked, a line for each channel; the bars as wide as there is room."""
    width = max(NARROWEST, min(WIDEST, width))
    table = Table.grid(padding=(0, 2))
    table.add_row("", Text(scale(width), style="dim", no_wrap=True), Text("held", style="dim"), "")
    for reading, label in zip(readings, labels, strict=True):
        said, style = verdict(reading, zone)
        table.add_row(label, _bar(reading, zone, width), f"{reading.held_dbfs:6.1f} dBFS", Text(said, style=style))
    return table


def verdict(reading: Reading, zone: Zone) -> tuple[str, str]:
    """What to do about a level, and in which colour to say so."""
    if reading.clips:
        return f"CLIPPED, {reading.clipped} samples: turn down", "bold red"
    if reading.held_dbfs < LOWEST_DBFS:
        return "nothing comes back", "yellow"
    if reading.held_dbfs < zone.low_dbfs:
        return f"turn up by {zone.low_dbfs - reading.held_dbfs:.0f} dB or more", "yellow"
    if reading.held_dbfs > zone.high_dbfs:
        return f"turn down by {reading.held_dbfs - zone.high_dbfs:.0f} dB or more", "red"
    return f"good{f' (clipped before: {reading.clipped} samples)' if reading.clipped else ''}", "green"


def scale(width: int = WIDEST) -> str:
    """The scale above the bars: a figure every 12 dB, or 30 dB where there is little room."""
    line = [" "] * (width + 1)
    for level in range(int(LOWEST_DBFS), 1, 12 if width > WIDEST // 2 else 30):
        text, at = f"{level}", _cell(level, width)
        line[at : at + len(text)] = text
    return "".join(line).rstrip()


def _cell(level_dbfs: float, width: int) -> int:
    return int(np.clip(round((level_dbfs - LOWEST_DBFS) / -LOWEST_DBFS * width), 0, width))


def _bar(reading: Reading, zone: Zone, width: int) -> Text:
    filled, held, low, high = (
        _cell(level, width) for level in (reading.peak_dbfs, reading.held_dbfs, zone.low_dbfs, zone.high_dbfs)
    )
    bar = Text(no_wrap=True)
    for cell in range(width):
        inside = low <= cell < high
        colour = "green" if inside else "red" if cell >= high else "yellow"
        if cell == held - 1 and held > filled:
            bar.append("|", style=colour)
        elif cell < filled:
            bar.append("█", style=colour)
        else:
            bar.append("░" if inside else "·", style="green" if inside else "dim")
    return bar
