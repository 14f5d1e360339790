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

LEAST_MATCH = 0.3  # hiss and hum stay below 0.1
LEAST_GAIN_DB = -40.0  # less is crosstalk from another cable, however well it matches
MOST_SPREAD_S = 20e-6  # what a mixer's tone controls make of markers and sweeps, which fill different bands
BLOCK_SAMPLES = 1 << 20
OF_TAPE = {
    "speed_error", "speed_drift", "mol_315", "sol_10k", "delay_trajectory", "speed_deviation", "dropouts_per_minute", "dropouts",
    "dropout_lengths",
}  # fmt: skip


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
        What was sent stops coming back, or the delay changes within the pass.
    """
    rate = sheet.sample_rate
    stop = sheet.of_kind("marker_start")[0].stop_samples
    beginning = _channel(returned, to, stop + round(REACH_S * rate))
    if arrivals(_channel(sent, channel, stop), beginning, sheet).match < LEAST_MATCH:
        return None
    found = arrivals(_channel(sent, channel, sent.samples), _channel(returned, to, returned.samples), sheet)
    if found.match < LEAST_MATCH:
        raise SignalError(
            f"what was sent stopped coming back on channel {to + 1} before the recording ended; leave its cable in place and "
            "record again, or do without"
        )
    if found.spread_s > MOST_SPREAD_S:
        raise SignalError(
            f"what channel {to + 1} returned during the recording came between {1e3 * found.delay_s.min():.3f} and "
            f"{1e3 * found.delay_s.max():.3f} ms late, where electronics alone keep to {1e3 * MOST_SPREAD_S:g} ms: either the "
            "track returned the tape, or samples were lost; record again if it matters"
        )
    # A sweep fills the whole band by which latency is defined, the markers about it only a part.
    delay = float(np.median(found.delay_s[1:-1] if found.delay_s.size > 2 else found.delay_s))
    steady = Timebase(0.0, sheet.samples / rate, np.full(2, delay), np.full(2, found.spread_s / 2.0))
    markers = FoundTake(to, float(found.start_s[0]) + delay, 1.0, sheet.code, float(found.start_s[-1]) + delay)
    # The tone for wow and flutter has nothing to say here.
    without = tuple(cue for cue in sheet.cues if cue.parameters.get("purpose") != "wow_flutter")
    take = Take(
        returned,
        sheet.model_copy(update={"cues": without}),
        Alignment(channel, to, markers, steady, "one clock, constant delay"),
        {**conditions, PATH: ELECTRONICS},
    )
    reference = take.reference.heard
    least = 10.0 ** (LEAST_GAIN_DB / 20.0) * sheet.amplitude(0.0)
    return None if reference is not None and reference < least else take


def measure(take: Take, progress: Callable[[str], None] = lambda _: None) -> Measured:
    """Latency, response, distortion and noise of the electronics alone; what only a tape has is left out."""
    results, curves = measure_take(take, progress)
    own = [r for r in results if r.quantity not in OF_TAPE and r.conditions.get("re") != "mol_315"]
    return own, [c for c in curves if c.quantity not in OF_TAPE]


def _channel(audio: AudioReader, channel: int, stop: int) -> np.ndarray:
    """One channel up to `stop`, read in blocks so that the others are never held as well, shape (samples,)."""
    blocks = (audio.read(start, min(start + BLOCK_SAMPLES, stop))[:, channel] for start in range(0, stop, BLOCK_SAMPLES))
    return np.concatenate(list(blocks))
