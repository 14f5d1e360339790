"""What print-through lets one hear beside a cue: the programme a turn of the reel away, through the small-signal response.

A stretch of what was sent, long enough to hold both neighbours, is taken through H(f) P(f) 2 cos(2 pi f T) at once, H the response
of the deck, P the flux printed re the flux that prints, T the time of a turn. Tones print what saturation leaves of them; loud
music and sweeps are taken to print as if they did not saturate, which states echoes of them a little too high.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from scipy import fft

from modeling.deck.parameters import DeckParameters
from modeling.deck.print_through import printed, turn_samples
from modeling.deck.steady_state import linear_response, steady_sine
from modeling.deck.true.linearity import points_for
from modeling.deck.true.session import TrueSession
from signals.cues import Cue

TONE_EDGE_S = 0.05
"""At either end of a tone, where it swells and fades."""

PAD_S = 1.0
"""What is sent beside a neighbour, so that the bass of the replay amplifier has died away."""

POINTS = 16_385
"""Of the response, which is read between them."""


@dataclass(frozen=True, eq=False)
class Echoes:
    """What is heard of neighbouring layers during some cues.

    Attributes
    ----------
    wave : ndarray, shape (samples,)
        One cue behind the other, re the peak of 0 VU.
    ratio : float
        Frequency heard over frequency sent.
    """

    wave: np.ndarray
    sample_rate: int
    ratio: float

    @cached_property
    def lines(self) -> tuple[np.ndarray, np.ndarray]:
        """Frequencies in Hz as sent, and power re the mean square of 0 VU, both of shape (samples // 2 + 1,)."""
        size = max(1, self.wave.size)
        power = np.abs(fft.rfft(self.wave, size)) ** 2 * 4.0 / size**2
        return fft.rfftfreq(size, 1.0 / self.sample_rate), power

    def power(self, low_hz: float, high_hz: float, weight: Callable[[np.ndarray], np.ndarray] = np.ones_like) -> float:
        """Mean square from one frequency heard to another, re that of 0 VU, weighted."""
        f, power = self.lines
        inside = (self.ratio * f >= low_hz) & (self.ratio * f < high_hz)
        return float(np.sum(power[inside] * weight(self.ratio * f[inside]) ** 2))


NONE = Echoes(np.zeros(0), 1, 1.0)


def echoes(session: TrueSession, track: int, channel: int, cues: Sequence[Cue], edge_s: float) -> Echoes:
    """What is heard on a track (0-based) of the layers beside some cues of its channel, `edge_s` less at either end of each."""
    parameters = session.parameters
    if parameters.tape.print_db is None or not cues:
        return NONE
    wave = np.concatenate([_echo(session, track, channel, cue, edge_s) for cue in cues])
    return Echoes(wave, session.sheet.sample_rate, session.ratio * parameters.pitch_ratio)


def _echo(session: TrueSession, track: int, channel: int, cue: Cue, edge_s: float) -> np.ndarray:
    parameters, sheet = session.parameters, session.sheet
    rate = sheet.sample_rate
    recorded = parameters.record_speed_um_s / parameters.speed_um_s
    turn_s = turn_samples(parameters, rate) / rate / recorded
    edge, beside = round(edge_s * rate), round((turn_s + PAD_S) * rate)
    start, stop = cue.start_samples + edge, cue.stop_samples - edge
    sent = session.sound.read(start - beside, stop + beside)[:, channel] / sheet.amplitude(0.0)
    for tone in sheet.of_kind("tone", channel=channel):
        first, last = (max(0, at - start + beside) for at in (tone.start_samples, tone.stop_samples))
        if first < min(last, sent.size):
            heard_with = session.heard_with(track)
            sent[first:last] *= _compression(
                parameters, tone.number("frequency_hz"), tone.level_db or 0.0, track, heard_with
            )
    size = fft.next_fast_len(sent.size, real=True)
    f = fft.rfftfreq(size, 1.0 / rate)
    grid, response = _response(parameters, track, session.heard_with(track), session.ratio, rate)
    both = 2.0 * np.cos(2.0 * np.pi * f * turn_s) * printed(f / recorded, parameters)
    heard = fft.irfft(fft.rfft(sent, size) * np.interp(f, grid, response) * both, size)
    return np.asarray(heard[beside : beside + max(0, stop - start)])


@lru_cache(maxsize=8)
def _response(
    parameters: DeckParameters, track: int, heard: frozenset[int], ratio: float, sample_rate: int
) -> tuple[np.ndarray, np.ndarray]:
    """Small-signal response of the deck on a grid fine enough to be read between its points."""
    f = np.linspace(0.0, 0.5 * sample_rate, POINTS)
    return f, linear_response(np.maximum(f, 1.0), parameters, track, heard, ratio)


@lru_cache(maxsize=256)
def _compression(parameters: DeckParameters, tone_hz: float, level_db: float, track: int, heard: frozenset[int]) -> float:
    """Level of a tone re what it would be without saturation, as a factor."""
    saturated = steady_sine(parameters, tone_hz, level_db, track, heard, points_for(tone_hz))[1]
    return float(
        abs(saturated / linear_response(np.array([tone_hz]), parameters, track, heard)[0]) * 10.0 ** (-level_db / 20.0)
    )
