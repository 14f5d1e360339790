"""An ear on a play pass: it ends when the tape has, and not when a fixed time is over.

Nobody starts a tape to the second, and a deck may run some percent slow. So a play pass may last much longer than its stimulus,
and ends soon after the end marker was heard, or when nothing has been heard for longer than the stimulus is ever silent. A deck
that starts by itself is given the time that it needs at about its own speed, and what is heard then says whether it needs more.
"""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from analysis.locate import SPEED_RANGE, end_marker, start_marker
from signals.audio import ArrayAudio
from signals.cues import CueSheet
from signals.markers import END_S

LISTEN_EVERY_S = 2.0
MEMORY_S = 6.0
LINGER_S = 2.0
QUIET_DB = -40.0
WAIT_S = 90.0
PATIENCE_S = 12.0
SOUND = 1e-4
"""Peak above which something is heard at all: -80 dBFS."""
AUDIBLE_DB = -28.0
"""What is sent at so much below the loudest, or less, may count as quiet: the peak of the loudest lies some dB higher."""


class Listener:
    """Follows what comes back in a play pass.

    Parameters
    ----------
    sheet : CueSheet
        What is on the tape.
    inputs : mapping of int to int
        Track that each channel of the recording comes from.
    least_samples : int
        What a deck that starts by itself is given at least, and at most where no start marker is heard in it; 0 for another.
    """

    def __init__(self, sheet: CueSheet, inputs: Mapping[int, int], least_samples: int = 0) -> None:
        rate = sheet.sample_rate
        programme = {sheet.channels[c].track for c in sheet.channels_of("programme")}
        self._channel = next(channel for channel, track in sorted(inputs.items()) if track in programme)
        self._rate = rate
        self._recent: list[np.ndarray] = []
        self._heard_samples = self._since = 0
        self._loudest = 0.0
        self._last_sound_s = 0.0
        start, end = (sheet.of_kind(kind)[0].start_samples / rate for kind in ("marker_start", "marker_end"))
        self._length_s = end - start
        self.least_samples = least_samples
        self._wait_s = least_samples / rate if least_samples else WAIT_S
        self._patience_s = _longest_quiet_s(sheet) / SPEED_RANGE[0] + PATIENCE_S
        self._started_s: float | None = None
        self._over_s: float | None = None

    @property
    def heard(self) -> str:
        """What was heard so far, in a few words."""
        if self._over_s is not None:
            return "end marker heard"
        if self._started_s is not None:
            return "start marker heard"
        return "waiting for the start marker"

    @property
    def likely_samples(self) -> int:
        """Where the pass will likely end; 0 until the start marker was heard."""
        if self._started_s is None:
            return 0
        return round((self._started_s + self._length_s + 1.3 * END_S + LINGER_S) * self._rate)

    def hear(self, block: np.ndarray) -> None:
        """Take in a block of what returns, shape ``(samples, channels)``."""
        wave = block[:, self._channel]
        self._heard_samples += wave.size
        self._since += wave.size
        self._recent.append(wave.copy())
        peak = float(np.max(np.abs(wave), initial=0.0))
        self._loudest = max(self._loudest, peak)
        if peak > max(SOUND, self._loudest * 10.0 ** (QUIET_DB / 20.0)):
            self._last_sound_s = self._now_s
        if self._since >= LISTEN_EVERY_S * self._rate:
            self._since = 0
            self._look()

    def over(self) -> bool:
        """Whether the pass may end."""
        if self._heard_samples < self.least_samples:
            return False
        if self._over_s is not None:
            return self._now_s > self._over_s + LINGER_S
        if self._started_s is None:
            return self._now_s >= self._wait_s
        return self._now_s > self._last_sound_s + self._patience_s

    @property
    def _now_s(self) -> float:
        return self._heard_samples / self._rate

    def _look(self) -> None:
        memory = np.concatenate(self._recent)[-round(MEMORY_S * self._rate) :]
        self._recent = [memory]
        audio = ArrayAudio(memory[:, None], self._rate)
        began_s = self._now_s - memory.size / self._rate
        if self._started_s is None:
            found = start_marker(audio)
            self._started_s = None if found is None else began_s + found
        elif self._now_s > self._started_s + 0.7 * self._length_s:
            found = end_marker(audio)
            if found is not None and began_s + found > self._started_s + 0.7 * self._length_s:
                self._over_s = began_s + found + 1.3 * END_S


def _longest_quiet_s(sheet: CueSheet) -> float:
    """The longest stretch of a stimulus in which nothing is near its loudest."""
    (channel, *_) = sheet.channels_of("programme")
    heard = [cue for cue in sheet.cues if cue.channel == channel and cue.level_db is not None and cue.kind != "silence"]
    loudest_db = max(cue.level_db for cue in heard if cue.level_db is not None)
    loud = sorted(
        (cue.start_samples, cue.stop_samples)
        for cue in heard
        if cue.level_db is not None and cue.level_db > loudest_db + AUDIBLE_DB
    )
    gaps = [after[0] - before[1] for before, after in pairwise(loud)]
    return max([0, *gaps]) / sheet.sample_rate
