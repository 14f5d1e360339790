"""The floor under every error: what noise and residual timing alone leave of a target, however good the model.

A model cannot predict hiss or modulation noise, nor follow flutter closer than the time base does. An error is read against this
floor, and the part above it (*excess*) is what the model itself makes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.dewarp import dewarp
from analysis.timebase import Timebase
from modeling.compander import Companding
from modeling.generators.shaped import Shaped
from modeling.pairs import Pair, Span
from signals.audio import AudioReader


@dataclass(frozen=True)
class Floor:
    """Parts of the floor, as error-to-signal ratios.

    Attributes
    ----------
    noise : float or None
        Power of the tape's noise over that of the target; None where no silence was recorded.
    timing : float
        Error that the uncertainty of the time base makes.
    modulation : float or None
        Power of modulation noise over that of the target; None where it is not known, or goes through a decoder with the noise
        and counts there.
    replicate : float or None
        Half the error between two play passes of one recording, each on its own time base; None with one pass.
    """

    noise: float | None
    timing: float
    replicate: float | None = None
    modulation: float | None = None

    @property
    def esr(self) -> float:
        """Floor to hold an error against: noise and timing as estimated, or what replication shows if that is more.

        Two passes of one tape have its modulation noise, and most of its hiss, in common: replication alone shows too little.
        """
        return max((self.noise or 0.0) + (self.modulation or 0.0) + self.timing, self.replicate or 0.0)


def floor_of(
    pairs: Sequence[Pair],
    silence: np.ndarray | None,
    replicate: float | None = None,
    companding: Companding | None = None,
    reference_dbfs: float = 0.0,
    unevenness: np.ndarray | None = None,
) -> Floor:
    """Floor under the error on pairs.

    Parameters
    ----------
    pairs : sequence of Pair
        As :func:`modeling.pairs.cut` makes them, with the deviation of the time base in their conditions.
    silence : ndarray, shape (samples,), optional
        Recording of silent tape, no decoder in the way.
    replicate : float, optional
        From :func:`replicate_esr`.
    companding : Companding, optional
        Halves of a compander that the pairs were made with.
    reference_dbfs : float
        Level of a sine at 0 VU, which they need.
    unevenness : ndarray, shape (bins,), optional
        One-sided power density of what multiplies the sound on tape, from 0 to half the sample rate.
    """
    power = slope = 0.0
    samples = 0
    for pair in pairs:
        y = pair.wet.astype(np.float64)
        d = np.gradient(y)[pair.mask] * pair.sample_rate
        # An error tau of timing is an error tau * dy/dt of the signal: (2 pi f tau)^2 of its power at frequency f.
        slope += float(d @ d) * float(pair.conditions.get("timing_sd_s", 0.0)) ** 2
        y = y[pair.mask]
        power += float(y @ y)
        samples += y.size
    uneven = None if unevenness is None else Shaped.of_density(unevenness, pairs[0].sample_rate)
    if companding is not None and companding.decode is not None:
        noise = None if silence is None else _decoded(pairs, silence, uneven, companding, reference_dbfs) / power
        return Floor(noise, slope / power, replicate)
    noise = None if silence is None else float(np.var(silence)) * samples / power
    return Floor(noise, slope / power, replicate, None if uneven is None else uneven.variance)


def pooled_floor(floors: Sequence[Floor], power: Sequence[float]) -> Floor:
    """Floor under the error on several lots of pairs together.

    Parameters
    ----------
    floors : sequence of Floor
        Under the error on each.
    power : sequence of float
        Of the targets of each.
    """

    def part(name: str) -> float | None:
        known = [
            (getattr(floor, name), p) for floor, p in zip(floors, power, strict=True) if getattr(floor, name) is not None
        ]
        # What is not known of one lot is nothing there; of replication only those speak that have it.
        total = sum(p for _, p in known) if name == "replicate" else sum(power)
        return sum(value * p for value, p in known) / total if known else None

    return Floor(part("noise"), part("timing") or 0.0, part("replicate"), part("modulation"))


def _decoded(
    pairs: Sequence[Pair], silence: np.ndarray, uneven: Shaped | None, companding: Companding, reference_dbfs: float
) -> float:
    """Energy of the noise of a tape behind a decoder, which lets it rise and fall with the programme."""
    total = 0.0
    for number, pair in enumerate(pairs):
        recorded = companding.taken_off(pair, reference_dbfs).wet
        hissing = recorded + np.resize(silence - silence.mean(), pair.samples)
        if uneven is not None:
            hissing += recorded * uneven.read(0, pair.samples, (number,))
        heard = companding.decoder(1, pair.sample_rate, reference_dbfs).process(hissing[None])[0]
        total += float(np.sum((heard - pair.wet)[pair.mask] ** 2))
    return total


def replicate_esr(
    first: AudioReader,
    second: AudioReader,
    channels: tuple[int, int],
    timebases: Sequence[tuple[Timebase, Timebase]],
    spans: Sequence[Span],
) -> float:
    """Half the error between two play passes of one recording, over stretches of it.

    Each pass is brought onto the time of the stimulus by its own time base. Half, since each of the two holds its own noise.

    Parameters
    ----------
    first, second : AudioReader
        The passes.
    channels : tuple of int
        Channel of each.
    timebases : sequence of (Timebase, Timebase)
        For each stretch, those of the two passes.
    """
    error = power = 0.0
    for (one, two), span in zip(timebases, spans, strict=True):
        a = dewarp(first, channels[0], one, span.start_samples, span.stop_samples)
        b = dewarp(second, channels[1], two, span.start_samples, span.stop_samples)
        error += float(np.sum((a - b) ** 2))
        power += float(np.sum(a**2) + np.sum(b**2)) / 2.0
    return error / power / 2.0
