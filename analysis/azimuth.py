"""The delay between two tracks that carry the same programme.

Both recordings run past one head and share their flutter, so they are compared as they are, without dewarping. In frames of
some 85 ms and third octaves b the angle of the cross-spectrum is

    phi_b(m) = psi_b - 2 pi f_b(m) tau(m)

with tau(m) the delay of the frame, psi_b the difference between the phase responses of the tracks, and f_b(m) the centre of gravity
of what sounds in the band. Frames of wide spectrum tell psi; every frame that sounds, be it one tone, then tells tau. psi and tau
are told apart by the rule of the time base: psi has no linear phase between 400 Hz and 6.3 kHz.

References
----------
C. H. Knapp, G. C. Carter, "The generalized correlation method for estimation of time delay", IEEE Trans. ASSP 24(4), 1976.
W. G. Cochran, Sampling Techniques, 3rd ed., Wiley 1977, 2.6: variance of the mean of a part of a finite population.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.fft import rfft

from analysis.pipeline import pipelined
from signals.audio import AudioReader

FRAME_S = 0.085
THIRDS = np.arange(-4, 10)
BANDS_HZ = 1000.0 * 10.0 ** (THIRDS / 10.0)  # IEC 61260-1 mid-bands, 400 Hz to 8 kHz
EDGE = 10.0**0.05
RULED = THIRDS <= 8  # 400 Hz to 6.3 kHz
WIDE_BANDS = 6
WIDE_FRAMES = 40
ABOVE_NOISE = 30.0  # power of a band over its noise from which a frame of it counts
SEARCH_S = 4e-4
LEAST_SD_RAD = 1e-3
LEAST_POWER = 1e-30
BLOCK_S = 10.0
ROUNDS = 30
NEIGHBOURS = 4  # frames of which no more than one in so many is taken, are not worth reading what lies between
READ_SAMPLES = 1 << 18  # at once; frames far apart are read one by one
LEAST_ALIKE = 0.5  # tracks with the same programme reach 0.9, noise of their own 0.3


@dataclass(frozen=True)
class Frames:
    """Third-octave powers and cross-spectra of recordings, frame by frame.

    Attributes
    ----------
    time_s : ndarray, shape (frames,)
        Middle of each frame, on the clock of the recording.
    power : ndarray, shape (channels, frames, bands)
    cross : ndarray, complex, shape (channels, frames, bands)
        Each channel by the first.
    frequency_hz : ndarray, shape (channels, frames, bands)
        Centre of gravity of the cross-spectrum.
    bins : ndarray, shape (bands,)
        Bins in each band.
    """

    time_s: np.ndarray
    power: np.ndarray
    cross: np.ndarray
    frequency_hz: np.ndarray
    bins: np.ndarray


@dataclass(frozen=True)
class Delay:
    """Delay of one track behind another, over time.

    Attributes
    ----------
    time_s, delay_s, sd_s : ndarray, shape (frames,)
        Frames that tell something.
    mean_s, uncertainty_s : float
        Mean over the stretch, and its 95 % uncertainty.
    inverted : bool
        Whether one track has the other polarity.
    response_rad : ndarray, shape (bands,)
        psi at :data:`BANDS_HZ`, nan where nothing told it.
    """

    time_s: np.ndarray
    delay_s: np.ndarray
    sd_s: np.ndarray
    mean_s: float
    uncertainty_s: float
    inverted: bool
    response_rad: np.ndarray


def frames(
    audio: AudioReader, channels: Sequence[int], span_s: tuple[float, float], late_s: Sequence[float], every: int = 1
) -> Frames:
    """Frames of some channels of a recording.

    Parameters
    ----------
    channels : sequence of int
        The first is what the others are compared with.
    span_s : tuple of float
        Stretch of the recording.
    late_s : sequence of float
        Delay of each channel that is known already: it is read so much later, in whole samples.
    every : int
        Take only one frame of so many.
    """
    rate = audio.sample_rate
    length = 1 << round(np.log2(FRAME_S * rate))
    hop = every * length // 2
    frequency = np.arange(length // 2 + 1) * rate / length
    edges = np.searchsorted(frequency, [*(BANDS_HZ / EDGE), BANDS_HZ[-1] * EDGE])
    inside = slice(edges[0], edges[-1])
    of_band = np.zeros((edges[-1] - edges[0], BANDS_HZ.size), dtype=np.float32)
    for band, (low, high) in enumerate(pairwise(edges - edges[0])):
        of_band[low:high, band] = 1.0
    window = np.hanning(length + 1)[:-1].astype(np.float32)
    shifts = [round(seconds * rate) for seconds in late_s]
    first = round(span_s[0] * rate)
    count = max(0, (round(span_s[1] * rate) - first - length) // hop + 1)
    together = max(1, READ_SAMPLES // hop) if every <= NEIGHBOURS else 1

    def read(begin: int) -> list[np.ndarray]:
        start = first + begin * hop
        stop = start + (min(together, count - begin) - 1) * hop + length
        block = audio.read(start + min(shifts), stop + max(shifts))
        late = [shift - min(shifts) for shift in shifts]
        return [block[at : at + stop - start, channel] for channel, at in zip(channels, late, strict=True)]

    def work(parts: list[np.ndarray]) -> tuple[np.ndarray, ...]:
        framed = [sliding_window_view(part.astype(np.float32), length)[::hop] * window for part in parts]
        spectra = np.array([rfft(windowed, axis=1)[:, inside] for windowed in framed])
        # What is read later by a whole number of samples is still late by the rest.
        across = spectra * np.conj(spectra[0])
        weight = np.abs(across)
        gravity = (weight * frequency[inside].astype(np.float32)) @ of_band / np.maximum(weight @ of_band, LEAST_POWER)
        power = (spectra.real**2 + spectra.imag**2) @ of_band
        cross = across.real @ of_band + 1j * (across.imag @ of_band)
        return tuple(array.astype(np.result_type(array, np.float64)) for array in (power, cross, gravity))

    none = (np.zeros((len(channels), 0, BANDS_HZ.size)),) * 3
    done = [none, *pipelined(range(0, count, together), read, work)]
    power, cross, gravity = (np.concatenate(arrays, axis=1) for arrays in zip(*done, strict=True))
    time_s = (first + hop * np.arange(count) + 0.5 * length) / rate
    return Frames(time_s, power, cross, gravity, np.diff(edges))


def coarse(found: Frames, channel: int) -> float:
    """Delay of a channel behind the first within a few microseconds, whatever its polarity."""
    across = found.cross[channel]
    total = np.sum(across / np.maximum(np.abs(across), 1e-300) * np.sqrt(np.abs(across)), axis=0)
    weight = BANDS_HZ * RULED
    tau = np.arange(-SEARCH_S, SEARCH_S, 1e-6)
    turned = np.exp(2j * np.pi * np.outer(tau, BANDS_HZ))
    return float(tau[np.argmax(np.abs(turned @ (weight * total / np.maximum(np.abs(total), 1e-300))))])


def delay(
    found: Frames, low: int, high: int, noise: np.ndarray, sounding: np.ndarray, excess_rad: np.ndarray
) -> Delay | None:
    """Delay of one channel behind another.

    Parameters
    ----------
    low, high : int
        Of two channels of `found`, that which is compared with and that which is compared.
    noise : ndarray, shape (channels, bands)
        Power of the bands in silence.
    sounding : ndarray of bool, shape (frames,)
        Where both carry the same.
    excess_rad : ndarray, shape (bands,)
        Phase by which crosstalk turns the high channel against the low one.

    Returns
    -------
    Delay or None
        None where too little sounds that is wide enough in spectrum.
    """
    across = found.cross[high] * np.conj(found.cross[low]) if low else found.cross[high]
    gravity = found.frequency_hz[high]
    strength = np.minimum(found.power[low] / noise[low], found.power[high] / noise[high])
    # Noise per bin on both sides, through a Hann window, half of it in quadrature.
    doubt = 0.75 * sum(noise[c] / found.bins / np.maximum(found.power[c], 1e-300) for c in (low, high)) + LEAST_SD_RAD**2
    carried = sounding & (_alike(found, low) > LEAST_ALIKE) & (_alike(found, high) > LEAST_ALIKE)
    weight = np.where((strength > ABOVE_NOISE) & carried[:, None], 1.0 / doubt, 0.0)
    wide = np.count_nonzero(weight, axis=1) >= WIDE_BANDS
    if np.count_nonzero(wide) < WIDE_FRAMES:
        return None
    turned = across * np.exp(-1j * excess_rad)
    unit = turned[wide] / np.maximum(np.abs(turned[wide]), 1e-300)
    inverted = bool(np.real(np.sum((weight[wide] > 0.0) * RULED * unit)) < 0.0)
    phase = np.angle(-turned if inverted else turned)
    omega = 2.0 * np.pi * gravity
    response = _response(phase[wide], omega[wide], weight[wide])
    told = np.isfinite(response)
    weight = weight * told
    response = np.where(told, response, 0.0)
    information = np.sum(weight * omega**2, axis=1)
    used = information > 0.0
    tau = np.sum(weight * omega * (response - phase), axis=1)[used] / information[used]
    # Modulation noise and dropouts come on top of the noise in silence: the bands of a wide frame tell by what they disagree.
    apart = phase[wide] + omega[wide] * _spread(tau, used)[wide, None] - response
    excess = float(np.median((apart**2 * weight[wide])[weight[wide] > 0.0])) / 0.455  # median of chi-square of one degree
    sd = np.sqrt(max(1.0, excess) / information[used])
    time = found.time_s[used]
    mean, uncertainty = _mean(time, tau, sd, (found.time_s[0], found.time_s[-1]))
    return Delay(time, tau, sd, mean, uncertainty, inverted, np.where(told, response, np.nan))


def _alike(found: Frames, channel: int) -> np.ndarray:
    """How much of a frame a channel has in common with the first, 0 to 1, shape (frames,): noise of their own is no programme."""
    across = np.sum(np.abs(found.cross[channel]), axis=1)
    return np.asarray(across / np.maximum(np.sum(np.sqrt(found.power[0] * found.power[channel]), axis=1), 1e-300))


def shifted(told: Delay, seconds: float) -> Delay:
    """The same with a constant added to the delay."""
    return replace(told, delay_s=told.delay_s + seconds, mean_s=told.mean_s + seconds)


def _response(phase: np.ndarray, omega: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Phase of the response, psi, of every band: from frames of wide spectrum, by turns with their delays."""
    response = np.zeros(phase.shape[1])
    total = np.sum(weight, axis=0)
    told = total > 0.0
    centre = np.sum(weight * omega, axis=0)[told] / total[told]
    width = np.where(RULED[told], BANDS_HZ[told], 0.0)
    for _ in range(ROUNDS):
        tau = np.sum(weight * omega * (response - phase), axis=1) / np.sum(weight * omega**2, axis=1)
        response[told] = np.sum(weight * (phase + omega * tau[:, None]), axis=0)[told] / total[told]
        if np.count_nonzero(width) > 1:
            slope = np.polyfit(centre, response[told], 1, w=np.sqrt(width))[0]
            response[told] -= slope * centre
    return np.where(told, response, np.nan)


def _spread(values: np.ndarray, used: np.ndarray) -> np.ndarray:
    out = np.zeros(used.size)
    out[used] = values
    return out


def _mean(time: np.ndarray, tau: np.ndarray, sd: np.ndarray, span_s: tuple[float, float]) -> tuple[float, float]:
    """Mean over a span of which parts are known, and its 95 % uncertainty.

    Blocks that are known stand for those that are not, as a sample without replacement does for its population.
    """
    blocks = max(1, round((span_s[1] - span_s[0]) / BLOCK_S))
    number = np.minimum(((time - span_s[0]) / (span_s[1] - span_s[0]) * blocks).astype(int), blocks - 1)
    weight = sd**-2.0
    count = np.bincount(number, minlength=blocks)
    share = np.minimum(count / np.quantile(count[count > 0], 0.9), 1.0)
    known = share > 0.0
    sums, covered = np.bincount(number, weight, blocks)[known], share[known]
    means = np.bincount(number, weight * tau, blocks)[known] / sums
    total = float(np.sum(covered))
    mean = float(np.sum(covered * means)) / total
    variance = float(np.sum(covered**2 / sums)) / total**2
    if covered.size > 1:
        scatter = float(np.sum(covered * (means - mean) ** 2)) / total * covered.size / (covered.size - 1)
        variance += scatter / total * max(0.0, 1.0 - total / blocks)
    return mean, 1.96 * float(np.sqrt(variance))
