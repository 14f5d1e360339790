"""The record pass: from the record amplifier to flux on the tape."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
from scipy import fft

from modeling.deck.cassette import Cassette
from modeling.deck.convolution import BlockPlan, History, SampleQueue
from modeling.deck.law import running_law
from modeling.deck.losses import record_equaliser
from modeling.deck.moving_tape import TapeWriter
from modeling.deck.parameters import DeckParameters, Magnetics, RecordHead, Tape
from modeling.deck.tracks import CALIBRATION_HZ
from modeling.deck.transport import Trajectory

INTERNAL_RATE_HZ = 170000
"""The law runs at no less than this rate: four times 48 kHz, twice 96 kHz."""

THREADS = 2
"""Tracks that are magnetised at once: they know nothing of each other."""


def record_field(frequency_hz: np.ndarray, parameters: DeckParameters) -> np.ndarray:
    """Deep-gap signal field in kA/m for a sine of 0 VU, complex."""
    settings = parameters.alignment.record_eq
    response = record_equaliser(np.asarray(frequency_hz, dtype=np.float64), settings)
    aligned = abs(record_equaliser(np.array([CALIBRATION_HZ]), settings)[0])
    return parameters.alignment.signal_ka_m / aligned * response


@lru_cache(maxsize=4)
def _curve_filters(magnetics: Magnetics, tape: Tape, head: RecordHead, speed_um_s: float, plan: BlockPlan) -> np.ndarray:
    """Filters of the curves, delayed by half the plan's taps; made again only when bias, tape or speed changes."""
    law = running_law(magnetics, tape, head)
    return plan.filter(lambda f: law.propagation(f, speed_um_s), plan.taps // 2).astype(np.complex64)


class Magnetiser:
    """From record amplifier to magnetisation, block by block: field -> law, oversampled -> filters of its curves.

    In single precision: its rounding lies some 140 dB below the signal, and this is where the time goes.

    The output lags by `delay_samples`, which the writer takes out again.
    """

    def __init__(self, parameters: DeckParameters, plan: BlockPlan, channels: int) -> None:
        before, centre = plan.taps // 8, plan.taps // 2
        made = parameters.magnetics, parameters.tape, parameters.record_head
        self.delay_samples = before + centre
        self._plan = plan
        self._factor = 1 << max(0, int(np.ceil(np.log2(INTERNAL_RATE_HZ / plan.sample_rate))))
        self._laws = [running_law(*made) for _ in range(channels)]
        self._steady_ka_m = np.float32(parameters.faults.magnetism_ka_m)
        self._field = plan.filter(lambda f: record_field(f, parameters), before).astype(np.complex64)
        self._filters = _curve_filters(*made, parameters.record_speed_um_s, plan)
        self._input = History(channels, plan.size, plan.block, np.float32)
        size, block = self._factor * plan.size, self._factor * plan.block
        self._magnetisation = [History(law.curves, size, block, np.float32) for law in self._laws]
        self._pool = ThreadPoolExecutor(min(THREADS, channels))

    def process(self, signal: np.ndarray) -> np.ndarray:
        """Magnetisation ``(channels, block)`` for one block of signal."""
        spectrum = self._input.spectrum(signal) * self._field
        out = np.empty_like(signal)

        def magnetise(channel: int) -> None:
            out[channel] = self._one(channel, spectrum[channel])

        list(self._pool.map(magnetise, range(signal.shape[0])))
        return out

    def _one(self, channel: int, spectrum: np.ndarray) -> np.ndarray:
        """Magnetisation of one channel for a block of the spectrum of its field."""
        plan, factor, law = self._plan, self._factor, self._laws[channel]
        # Interpolation by zero padding: the field has no content above half the sample rate.
        field = fft.irfft(factor * spectrum, factor * plan.size, overwrite_x=True)[-factor * plan.block :]
        if self._steady_ka_m:
            field += self._steady_ka_m
        values = np.empty((law.curves, field.size), np.float32)
        law.magnetise(field, values)
        filtered = self._magnetisation[channel].spectrum(values)[:, : self._filters.shape[1]] * self._filters
        return np.asarray(fft.irfft(filtered.sum(axis=0), plan.size)[-plan.block :] / factor)


class Recorder:
    """A record pass: takes amplified input at any block size and writes flux on the tape.

    Parameters
    ----------
    tracks : sequence of int
        Armed tracks, 0-based; only these cost anything.
    """

    def __init__(
        self,
        parameters: DeckParameters,
        plan: BlockPlan,
        cassette: Cassette,
        trajectory: Trajectory,
        tracks: Sequence[int],
    ) -> None:
        self._block = plan.block
        self._rate = plan.sample_rate
        self._stop_s = trajectory.stop_s
        self._magnetiser = Magnetiser(parameters, plan, len(tracks))
        self._writer = TapeWriter(cassette, trajectory, tracks, plan.sample_rate)
        self._waiting = SampleQueue(len(tracks))
        self._received = 0
        self._lag = self._magnetiser.delay_samples

    def process(self, signal: np.ndarray) -> None:
        """Take amplified input ``(armed tracks, samples)``."""
        self._received += signal.shape[1]
        self._waiting.push(signal)
        while len(self._waiting) >= self._block:
            self._magnetise()

    def stop(self) -> int:
        """Let the tape run down from the next sample on; how many samples that takes."""
        if self._stop_s > 0.0:
            self._writer.stop(self._received / self._rate)
        return int(np.ceil(self._stop_s * self._rate))

    def finish(self) -> None:
        """Write what is still on its way; the tape stops where the input ended."""
        channels = self._waiting.channels
        self._waiting.push(np.zeros((channels, -len(self._waiting) % self._block + self._block)))
        while len(self._waiting):
            self._magnetise()

    def _magnetise(self) -> None:
        flux = self._magnetiser.process(self._waiting.pop(self._block))
        late = min(self._lag, self._block)
        self._lag -= late
        self._writer.write(flux[:, late:], self._received)
