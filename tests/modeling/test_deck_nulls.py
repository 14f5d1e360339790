"""Nothing else is heard of the deck than what it states: music less its closed form leaves what is stated, and no more.

The closed form is P(m(R(x))): record side R and replay side P as responses in the frequency domain over the whole length, m the
motion of both passes by cubic splines of the eightfold oversampled signal. It shares no block, table or interpolator with the deck.
"""

import numpy as np
import pytest
from scipy.interpolate import CubicSpline
from scipy.signal import welch
from scipy.stats import kurtosis

from modeling.deck.deck import transfer
from modeling.deck.electronics import COUPLING_HZ
from modeling.deck.losses import coupling
from modeling.deck.magnetics import particle_classes
from modeling.deck.parameters import load_parameters
from modeling.deck.record import record_field
from modeling.deck.tracks import replay_matrix
from modeling.deck.transport import play_trajectory, record_trajectory
from modeling.deck.true.noise import output_density
from signals.music import compose
from tests.modeling.still_deck import MOTIONLESS, SILENT

RATE = 48_000
SEED = 5
REFERENCE_DBFS = -18.0
ZERO_VU = 10.0 ** (REFERENCE_DBFS / 20.0)
SECONDS = 10.0
MOTION_HZ = 4000.0
"""Rate at which the motion is worked out before it is joined: twenty times its highest line."""

TYPICAL = load_parameters("typical").changed(
    {"faults.dropouts_per_minute": 0.0, "electronics.asymmetry": 0.0, "transport.scrape_percent": 0.0}
)


def music(level_db):
    """Music whose RMS is at a level re 0 VU, with silence before and after."""
    piece = compose(3, SECONDS, RATE, "band")
    piece = piece * ZERO_VU / np.sqrt(2.0) * 10.0 ** (level_db / 20.0) / np.sqrt(np.mean(piece**2))
    return np.pad(piece, RATE // 2)


def filtered(signal, response, rate=RATE):
    size = 2 * signal.size
    return np.fft.irfft(np.fft.rfft(signal, size) * response(np.fft.rfftfreq(size, 1.0 / rate)), size)[: signal.size]


def closed_form(deck, sent):
    """What a linear deck without noise returns on track 1."""
    classes = particle_classes(deck.tape, deck.record_head)
    coarse = np.linspace(0.0, RATE / 2.0, 4097)
    magnetised = CubicSpline(coarse, classes.propagation(coarse, deck.speed_um_s) @ classes.permeability())

    def record(f):
        return coupling(f, COUPLING_HZ) * record_field(f, deck) * magnetised(f)

    def replay(f):
        return coupling(f, COUPLING_HZ) * np.concatenate([replay_matrix(p, deck)[:, 0, 0] for p in np.array_split(f, 50)])

    flux = filtered(sent, record)
    fine = np.fft.irfft(8.0 * np.fft.rfft(flux), 8 * flux.size)
    moved, written = play_trajectory(deck, SEED, 1, rewound=False), record_trajectory(deck, SEED, 1)
    coarse_s = np.arange(-1.0, flux.size / RATE + 1.0, 1.0 / MOTION_HZ)
    delay = CubicSpline(coarse_s, written.time_at(coarse_s + moved.advance(coarse_s, 0), 0) - coarse_s)
    heard_s = np.arange(flux.size) / RATE
    sent_s = heard_s + delay(heard_s)
    passed = CubicSpline(np.arange(fine.size) / (8.0 * RATE), fine)(np.clip(sent_s, 0.0, (fine.size - 1) / (8.0 * RATE)))
    return filtered(passed, replay)


def left(deck, level_db):
    """What is left of the deck's sound when its closed form is taken off, and that form, in units of 0 VU, edges cut."""
    sent = music(level_db)
    heard = transfer(deck, sent[:, None], RATE, REFERENCE_DBFS, SEED)[:, 0]
    said = closed_form(deck, sent)
    inside = slice(RATE // 2, -RATE // 2)
    return (heard - said)[inside] / ZERO_VU, said[inside] / ZERO_VU


def level_db(signal, reference):
    return 10.0 * np.log10(np.mean(signal**2) / np.mean(reference**2))


@pytest.mark.slow
def test_music_nulls_and_motion_adds_nothing():
    """At -40 dB, where tape is linear; what is left is hiss of -120 dB(A), the least that can be set."""
    still, moving = (level_db(*left(TYPICAL.changed(changes), -40.0)) for changes in ({**SILENT, **MOTIONLESS}, SILENT))
    assert still < -76.0
    assert moving == pytest.approx(still, abs=0.2)


def test_what_is_left_of_soft_music_is_the_stated_noise_and_nothing_else():
    deck = TYPICAL.changed({"electronics.hum_db": None, "tape.modulation_db": -120.0})
    rest, _ = left(deck, -30.0)
    f, found = welch(rest, RATE, nperseg=8192)
    stated = output_density(deck, 0, f[1:], np.zeros(f.size - 1)) / 2.0  # a sine of 0 VU has a mean square of 1/2 here
    for low, high in ((60, 200), (200, 600), (600, 2000), (2000, 6000), (6000, 18000)):
        band = (f[1:] > low) & (f[1:] < high)
        assert 10.0 * np.log10(found[1:][band].sum() / stated[band].sum()) == pytest.approx(0.0, abs=0.4)
    # No click stands out of Gaussian noise: kurtosis and peak of 480 000 samples of it.
    assert kurtosis(np.diff(rest)) == pytest.approx(0.0, abs=0.05)
    assert np.abs(np.diff(rest)).max() < 6.0 * np.diff(rest).std()
