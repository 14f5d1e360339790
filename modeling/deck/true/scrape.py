"""What scrape flutter puts beside a tone: the first sidebands of a small phase modulation, J1(b) = b/2.

A delay of mean square s^2 turns the phase of a tone f by 2 pi f s RMS, and each sideband has (2 pi f s)^2 / 2 of its power. Record
and play pass add in power, each line with the replay of its own frequency; what the depth of the coating costs the tone, it costs
them. Sidebands of harmonics are too small to count.
"""

import numpy as np

from modeling.deck.electronics import COUPLING_HZ
from modeling.deck.losses import coupling
from modeling.deck.scrape import delay_power, resonance_hz
from modeling.deck.steady_state import steady_sine
from modeling.deck.tracks import replay_matrix
from modeling.deck.true.linearity import points_for
from modeling.deck.true.session import TrueSession

POINTS = 65


def sidebands(session: TrueSession, track: int, tone_hz: float, level_db: float) -> tuple[np.ndarray, np.ndarray]:
    """Lines beside a tone: frequency in Hz as the tone was sent, and power re the mean square of 0 VU."""
    parameters = session.parameters
    transport = parameters.transport
    if transport.scrape_percent == 0.0:
        return np.zeros(0), np.zeros(0)
    heard = session.heard_with(track)
    ratio = session.ratio * parameters.pitch_ratio
    tone = steady_sine(parameters, tone_hz, level_db, track, heard, points_for(tone_hz), session.ratio)[1]

    def replay(f: np.ndarray) -> np.ndarray:
        return np.abs(replay_matrix(f, parameters)[:, track, sorted(heard)].sum(axis=-1)) * np.abs(coupling(f, COUPLING_HZ))

    distance = np.linspace(-1.0, 1.0, POINTS) * transport.scrape_width_hz
    scrape_hz, delay = resonance_hz(transport) + distance, delay_power(transport, distance)
    frequency, power = [], []
    for pass_ratio, modulated_hz in ((1.0, ratio * tone_hz), (ratio, tone_hz)):  # played, recorded
        for side in (-1.0, 1.0):
            f = np.abs(ratio * tone_hz + side * pass_ratio * scrape_hz)
            gain = replay(f) / replay(np.array([ratio * tone_hz]))
            frequency.append(f / ratio)
            power.append(0.5 * (2.0 * np.pi * modulated_hz) ** 2 * delay * gain**2 * abs(tone) ** 2)
    return np.concatenate(frequency), np.concatenate(power)
