"""Modulation noise of the virtual deck, against its law worked by hand and against what the running deck returns."""

import numpy as np
import pytest
from scipy.signal import welch

from modeling.deck.convolution import BlockPlan
from modeling.deck.deck import VirtualDeck
from modeling.deck.noise import a_weighting
from modeling.deck.parameters import load_parameters
from modeling.deck.truth import truth
from modeling.deck.unevenness import Unevenness
from signals.cues import Channel, Cue, CueSheet
from tests.modeling.still_deck import MOTIONLESS, SILENT

RATE = 48_000
PEAK = 10.0 ** (-18.0 / 20.0)
SECONDS = 12
FRESH = load_parameters("fresh")
STILL = FRESH.changed({**MOTIONLESS, **SILENT, "tape.modulation_db": -40.0})


def lorentzian(offset_hz, rms, corner_hz):
    """One-sided density of an exponentially correlated process (Uhlenbeck and Ornstein 1930)."""
    return 2.0 / np.pi * rms**2 * corner_hz / (corner_hz**2 + offset_hz**2)


def returned(parameters, wave, number=1, deck=None):
    """What comes back on tracks 1 to 4 of a wave in units of 0 VU, sent to tracks 1 and 3."""
    own = deck or VirtualDeck(parameters, RATE, -18.0, 3)
    own.arm([1, 3])
    sent = np.zeros((wave.size, 4))
    sent[:, [0, 2]] = PEAK * wave[:, None]
    own.process(sent)
    own.rewind()
    own.play(number)
    heard = own.process(np.zeros_like(sent)) / PEAK
    if deck is None:
        own.close()
    return heard


def sine(frequency_hz, seconds=SECONDS):
    return np.sin(2.0 * np.pi * frequency_hz * np.arange(seconds * RATE) / RATE)


@pytest.mark.parametrize("speed", [9.5, 4.8])
@pytest.mark.parametrize("rate", [48_000, 96_000])
def test_the_coating_varies_by_its_law(speed, rate):
    tape = STILL.changed({"speed_cm_s": speed})
    uneven = Unevenness(tape, BlockPlan.at(rate), (3, 0)).read(-5 * rate, 55 * rate)
    assert 20.0 * np.log10(uneven.std()) == pytest.approx(-40.0, abs=0.2)
    f, density = welch(uneven, rate, nperseg=rate // 4)
    corner = {9.5: 190.5, 4.8: 95.25}[speed]  # 0.5 mm at the speed
    for low, high in ((10.0, 60.0), (150.0, 250.0), (800.0, 1200.0), (9000.0, 11_000.0)):
        band = (f > low) & (f < high)
        level_db = 10.0 * np.log10(np.mean(density[band]) / np.mean(lorentzian(f[band], 0.01, corner)))
        assert level_db == pytest.approx(0.0, abs=0.3)


def test_it_lies_at_places_of_the_tape():
    plan = BlockPlan.at(RATE)
    whole = Unevenness(FRESH, plan, (3, 0)).read(-30_000, 60_000)
    assert np.array_equal(Unevenness(FRESH, plan, (3, 0)).read(-100, 25_000), whole[29_900:55_000])
    parts = Unevenness(FRESH, plan, (3, 0))
    assert np.array_equal(
        np.concatenate([parts.read(s, s + 7000) for s in range(-30_000, 60_000 - 7000, 7000)]), whole[:84_000]
    )
    assert abs(np.corrcoef(whole, Unevenness(FRESH, plan, (3, 1)).read(-30_000, 60_000))[0, 1]) < 0.1


def sidebands_db(heard, carrier_hz, low_hz, high_hz):
    """Power on both sides of a line, `low_hz` to `high_hz` away, re the line."""
    used = heard[RATE // 2 : -RATE // 2]
    f = np.fft.rfftfreq(used.size, 1.0 / RATE)
    power = np.abs(np.fft.rfft(used * np.hanning(used.size))) ** 2
    away = np.abs(f - carrier_hz)
    return 10.0 * np.log10(power[(away > low_hz) & (away < high_hz)].sum() / power[away < 2.0].sum())


def test_a_tone_has_the_sidebands_of_its_tape():
    """Each side holds half the density of m re the line."""
    heard = returned(STILL, sine(3000.0))
    offset = np.linspace(100.0, 400.0, 3001)
    expected = 10.0 * np.log10(np.trapezoid(lorentzian(offset, 0.01, 190.5), offset))
    level_db = 10.0 * np.log10(np.mean([10.0 ** (sidebands_db(heard[:, i], 3000.0, 100.0, 400.0) / 10.0) for i in (0, 2)]))
    assert level_db == pytest.approx(expected, abs=0.3)


def test_every_pass_and_recording_meets_the_same_unevenness():
    """Two recordings of one tone, played twice: the envelopes are the same but for what the filters add."""
    deck = VirtualDeck(STILL, RATE, -18.0, 3)
    heard = [returned(STILL, sine(3000.0, 4), number, deck)[:, 0] for number in (1, 2)]
    deck.close()
    turn = np.exp(-2j * np.pi * 3000.0 * np.arange(4 * RATE) / RATE)
    one, two = (np.abs(np.mean((h * turn)[24_000:-24_000].reshape(-1, 48), axis=1)) for h in heard)
    assert np.std(one) / np.mean(one) > 0.007
    assert np.corrcoef(one, two)[0, 1] > 0.9999


def test_blank_tape_and_the_gaps_of_a_programme_hear_nothing_of_it():
    assert np.max(np.abs(returned(STILL, np.zeros(2 * RATE)))) < 1e-5


def test_a_magnetised_head_leaves_a_steady_flux_that_is_uneven_too():
    """The truth of the noise holds what the running deck returns of it."""
    magnetised = STILL.changed({"faults.magnetism_ka_m": 4.0})
    heard = returned(magnetised, np.zeros(SECONDS * RATE))[RATE:-RATE, 0]
    noise = stated(magnetised).find("noise_a", track=1)[0].value
    zero = (
        np.abs(np.mean(returned(magnetised, sine(1000.0, 3))[RATE:-RATE, 0] * np.exp(-2j * np.pi * np.arange(RATE) / 48.0)))
        * 2
    )
    assert a_weighted_db(heard, 0.0) - 20.0 * np.log10(zero) == pytest.approx(noise, abs=0.4)


def a_weighted_db(signal, tone_hz):
    """A-weighted noise re a sine of peak 1, without a tone and its harmonics; what lies beside each stands for it."""
    f = np.fft.rfftfreq(signal.size, 1.0 / RATE)
    power = 2.0 * np.abs(np.fft.rfft(signal)) ** 2 / signal.size**2
    if tone_hz:
        order = np.maximum(np.round(f / tone_hz), 1.0)
        line = np.abs(f - order * tone_hz) < 4.0
        power[line] = np.interp(f[line], f[~line], np.convolve(power[~line], np.ones(81) / 81, mode="same"))
    used = (f > 20.0) & (f < 20_000.0)
    return 10.0 * np.log10(2.0 * np.sum(power[used] * a_weighting(f[used]) ** 2))


def stated(parameters):
    cues = (
        Cue(name="start", kind="marker_start", channel=0, start_samples=0, length_samples=4800, level_db=-3.0),
        *(
            Cue(
                name=name,
                kind="tone",
                channel=0,
                start_samples=RATE,
                length_samples=RATE,
                level_db=level_db,
                parameters={"frequency_hz": frequency_hz, "purpose": purpose},
            )
            for name, frequency_hz, level_db, purpose in (
                ("soft", 100.0, -10.0, "modulation_noise"),
                ("loud", 100.0, 0.0, "modulation_noise"),
                ("thd", 1000.0, 0.0, "distortion"),
            )
        ),
        Cue(name="end", kind="marker_end", channel=0, start_samples=11 * RATE, length_samples=4800, level_db=-3.0),
    )
    sheet = CueSheet(
        stimulus="main",
        session="test",
        code=1,
        sample_rate=RATE,
        samples=SECONDS * RATE,
        reference_dbfs=-18.0,
        channels=(Channel(role="programme", track=1), Channel(role="programme", track=3)),
        cues=cues,
    )
    return truth(parameters, sheet, 3, passes=[1], tool_version="0", created="now")


@pytest.mark.parametrize("level_db", [pytest.param(-10.0, marks=pytest.mark.slow), 0.0])
def test_noise_beside_a_low_tone_is_what_the_running_deck_returns(level_db):
    heard = returned(STILL, 10.0 ** (level_db / 20.0) * sine(100.0))[RATE:-RATE, 0]
    zero = (
        np.abs(np.mean(returned(STILL, sine(1000.0, 3))[RATE:-RATE, 0] * np.exp(-2j * np.pi * np.arange(RATE) / 48.0))) * 2
    )
    expected = stated(STILL).find("modulation_noise", track=1, level_db=level_db)[0].value
    assert a_weighted_db(heard, 100.0) - 20.0 * np.log10(zero) == pytest.approx(expected, abs=0.3)


def test_thd_n_holds_the_noise_of_modulation():
    """All but a notch of Q = 3, as the replay head (0.2 um away, gap 1.1 um) and 35 us pass it re the tone."""

    def chain(f):
        k = 2.0 * np.pi * f / 95_250.0
        low, high = 2.0 * np.pi * f * 3180e-6, 2.0 * np.pi * f * 35e-6
        return np.exp(-0.2 * k) * np.sinc(0.55 * k / np.pi) * low / np.hypot(1.0, low) * np.hypot(1.0, high)

    f = np.arange(20.0, 20_001.0)
    beside = 0.5 * (lorentzian(f - 1000.0, 0.01, 190.5) + lorentzian(f + 1000.0, 0.01, 190.5))
    outside = np.abs(f - 1000.0) > 1000.0 / 6.0
    expected = 100.0 * np.sqrt(np.sum((beside * (chain(f) / chain(1000.0)) ** 2)[outside]))
    told = stated(STILL)
    thd, thd_n = (told.find(quantity, track=1)[0].value for quantity in ("thd", "thd_n"))
    assert np.sqrt(thd_n**2 - thd**2) == pytest.approx(expected, rel=0.02)
