"""Guards and markers as chirps whose phase is followed from their first milliseconds on.

A matched filter tells one moment of a chirp within some 60 us. Its phase tells the delay all along, freed of the phase that the
response has at the frequency of the moment (:func:`analysis.phase.freed`): the start of a take is so timed where it is, and not
from what sounds after it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from analysis.phase import Law, Readings, freed, track
from analysis.timebase import Timebase
from signals import markers
from signals.audio import AudioReader
from signals.cues import Cue

BANDWIDTH_HZ = 200.0
STEP_S = 2.5e-3
MARGIN_S = 0.012
START_S = 0.003  # of the falling chirp of a marker, whose start is what matters of it, and whose cycles are short there

FADED_DB = -60.0  # they are faded in and out: how sure a reading is, its noise says
SURE_CYCLES = 0.2


@dataclass(frozen=True)
class Placed:
    """A chirp and when it begins, in s of the stimulus."""

    chirp: markers.Chirp
    start_s: float

    def law(self, response: tuple[np.ndarray, np.ndarray] | None = None, speed: float = 1.0) -> tuple[Law, Law]:
        """Phase in radians and frequency in Hz over input time in seconds, as sent or behind a response.

        Parameters
        ----------
        response : (ndarray, ndarray) or None
            Frequencies in Hz as heard, and the response at them.
        speed : float
            Frequency heard over frequency sent.
        """

        def frequency_hz(t: np.ndarray) -> np.ndarray:
            return self.chirp.frequency_hz(t - self.start_s)

        if response is None:
            return (lambda t: self.chirp.phase(t - self.start_s)), frequency_hz
        known_hz, angle = response[0], np.unwrap(np.angle(response[1]))
        return (
            lambda t: self.chirp.phase(t - self.start_s) + np.interp(speed * frequency_hz(t), known_hz, angle)
        ), frequency_hz

    def readings(
        self, returned: AudioReader, channel: int, base: Timebase, response: tuple[np.ndarray, np.ndarray] | None
    ) -> Readings:
        """Delay along the chirp, in the cycle that a time base points to; of infinite variance where that is in doubt.

        Parameters
        ----------
        base : Timebase
            What is known of the delay. The nearer, the better: at its edges a chirp is heard on one side alone, and a speed
            that is wrong there is a wrong delay.
        response : (ndarray, ndarray) or None
            Frequencies in Hz as heard, and the response at them.
        """
        first = START_S if self.chirp is markers.FALLING else MARGIN_S
        span = (self.start_s + first, self.start_s + self.chirp.duration_s - MARGIN_S)
        law = self.law(response, float(base.speed(*span)))
        found = track(returned, channel, law, base, span, BANDWIDTH_HZ, STEP_S, faded_db=FADED_DB)
        return freed(found, law[1], base, None, sure_cycles=SURE_CYCLES)


def placed(cues: Iterable[Cue], sample_rate: int) -> list[Placed]:
    """The chirps of guards and of start and end markers among some segments."""
    found = []
    for cue in cues:
        start_s, stop_s = cue.start_samples / sample_rate, cue.stop_samples / sample_rate
        if cue.kind == "guard":
            found.append(Placed(markers.GUARD, start_s))
        elif cue.kind in ("marker_start", "marker_end"):
            found.append(Placed(markers.FALLING, start_s))
            found.append(Placed(markers.RISING, stop_s - markers.RISING.duration_s))
    return found
