"""The electronics alone: what an armed track returns while the tape is recorded.

A deck with one head cannot be heard while it records. Its armed track's output carries the input instead, so what comes back has
been through the mixer and the interface but not through the tape. Nothing moves between the two converters: one constant delay
joins sent and returned, and no wow and flutter is looked for. Figures of this path carry the condition ``path: electronics``.
"""

from collections.abc import Callable

import numpy as np

from analysis.alignment import Alignment
from analysis.bench import measure_take
from analysis.findings import Measured
from analysis.locate import FoundTake
from analysis.loopback import REACH_S, arrivals
from analysis.take import Take
from analysis.timebase import Timebase
from sessions.results import ELECTRONICS, PATH, Conditions
from signals.audio import AudioReader
from signals.cues import CueSheet
from signals.errors import SignalError

LEAST_MATCH = 0.3  # hiss, hum and another track's crosstalk stay below 0.1
MOST_SPREAD_SAMPLES = 0.5
OF_TAPE = {"speed_error", "speed_drift", "mol_315", "sol_10k", "delay_trajectory", "speed_deviation"}


def find(
    sent: AudioReader, returned: AudioReader, sheet: CueSheet, channel: int, to: int, conditions: Conditions
) -> Take | None:
    """Join one programme channel of a record pass to what was sent.

    Parameters
    ----------
    sent, returned : AudioReader
        The stimulus, and what came back while it was recorded.
    channel, to : int
        Channel of the stimulus and of the recording.
    conditions : mapping
        Track, speed and dbx position.

    Returns
    -------
    Take or None
        None where the start marker did not come back: the track's output is not wired to this input, or carries no input.

    Raises
    ------
    SignalError
        The delay changes within the pass, or what was sent stops coming back.
    """
    rate = sheet.sample_rate
    stop = sheet.of_kind("marker_start")[0].stop_samples
    heard = returned.read(0, stop + round(REACH_S * rate))[:, to]
    if arrivals(sent.read(0, stop)[:, channel], heard, sheet).match < LEAST_MATCH:
        return None
    found = arrivals(sent.read(0, sent.samples)[:, channel], returned.read(0, returned.samples)[:, to], sheet)
    if found.match < LEAST_MATCH or found.spread_s * rate > MOST_SPREAD_SAMPLES:
        raise SignalError(
            f"what channel {to + 1} returned during the recording does not stay at one delay "
            f"({found.delay_s.min() * rate:.1f} to {found.delay_s.max() * rate:.1f} samples, {MOST_SPREAD_SAMPLES:g} apart are "
            "allowed); samples were lost or the input was switched, so record again"
        )
    steady = Timebase(0.0, sheet.samples / rate, np.full(2, found.delay), np.full(2, found.spread_s / 2.0))
    take = FoundTake(to, float(found.start_s[0] + found.delay), 1.0, sheet.code, float(found.start_s[-1] + found.delay))
    # The tone for wow and flutter has nothing to say here.
    without = tuple(cue for cue in sheet.cues if cue.parameters.get("purpose") != "wow_flutter")
    return Take(
        returned,
        sheet.model_copy(update={"cues": without}),
        Alignment(channel, to, take, steady, "one clock, constant delay"),
        {**conditions, PATH: ELECTRONICS},
    )


def measure(take: Take, progress: Callable[[str], None] = lambda _: None) -> Measured:
    """Latency, response, distortion and noise of the electronics alone; what only a tape has is left out."""
    results, curves = measure_take(take, progress)
    return [r for r in results if r.quantity not in OF_TAPE], [c for c in curves if c.quantity not in OF_TAPE]
