"""Echoes of the neighbouring layers, against the field of a magnetised layer worked by hand."""

import numpy as np
import pytest
from scipy.integrate import quad

from modeling.deck.deck import VirtualDeck
from modeling.deck.noise import a_weighting
from modeling.deck.parameters import load_parameters
from modeling.deck.print_through import printed
from modeling.deck.true import quasi_peak
from modeling.deck.truth import truth
from signals.cues import Channel, Cue, CueSheet
from signals.stimulus import StimulusAudio
from tests.modeling.still_deck import MOTIONLESS, SILENT

RATE = 48_000
PEAK = 10.0 ** (-18.0 / 20.0)
FRESH = load_parameters("fresh")
STILL = FRESH.changed({**MOTIONLESS, **SILENT, "tape.print_db": -50.0})


def db(ratio):
    return 20.0 * np.log10(np.abs(ratio))


def returned(parameters, sent, block=8192):
    """Track 1 as it comes back of a wave in units of 0 VU."""
    deck = VirtualDeck(parameters, RATE, -18.0, 2)
    deck.arm([1])
    wave = np.zeros((sent.size, 4))
    wave[:, 0] = PEAK * sent
    for start in range(0, sent.size, block):
        deck.process(wave[start : start + block])
    deck.rewind()
    deck.play(1)
    heard = np.concatenate([deck.process(0.0 * wave[start : start + block]) for start in range(0, sent.size, block)])
    deck.close()
    return heard[:, 0] / PEAK


def burst(frequency_hz, start_s, stop_s, seconds=5.0):
    time = np.arange(round(seconds * RATE)) / RATE
    return np.where((time >= start_s) & (time < stop_s), np.sin(2.0 * np.pi * frequency_hz * time), 0.0)


def line(wave, frequency_hz, start_s, stop_s):
    time = np.arange(round(start_s * RATE), round(stop_s * RATE)) / RATE
    return 2.0 * np.mean(wave[round(start_s * RATE) :][: time.size] * np.exp(-2j * np.pi * frequency_hz * time))


def by_hand(frequency_hz, speed_um_s):
    """Mean field in a coating of 5 um, 13 um above one that is magnetised along it, by integrating the charges' field over both."""
    k = 2.0 * np.pi * frequency_hz / speed_um_s
    # A sheet of magnetisation cos(kx), dy thick, has the field -(k / 2) e^{-kz} cos(kx) dy at a distance z.
    return -quad(lambda y: quad(lambda z: k / 2.0 * np.exp(-k * (z - y)), 18.0, 23.0)[0], 0.0, 5.0)[0] / 5.0


@pytest.mark.parametrize("speed", [9.5, 4.8])
def test_the_law_is_that_of_the_field_of_a_layer(speed):
    deck = STILL.changed({"speed_cm_s": speed})
    f = np.array([50.0, 200.0, 1000.0, 4000.0])
    stated = printed(f, deck)
    field = np.array([by_hand(x, deck.speed_um_s) for x in f])
    assert stated / stated[2] == pytest.approx(field / field[2], rel=1e-9)
    every = printed(np.geomspace(20.0, 20_000.0, 4001), deck)
    assert db(np.min(every)) == pytest.approx(-50.0, abs=0.01)
    strongest_hz = np.geomspace(20.0, 20_000.0, 4001)[np.argmin(every)]
    assert deck.speed_um_s / strongest_hz == pytest.approx(2.0 * np.pi * 18.0, rel=0.05)


@pytest.mark.parametrize("frequency_hz", [300.0, 1000.0, 5000.0])
def test_a_burst_is_heard_a_turn_before_and_a_turn_after(frequency_hz):
    """2 pi 20 mm at 95.25 mm/s are 1.3193 s."""
    turn_s = 2.0 * np.pi * 20.0 / 95.25
    heard = returned(STILL, burst(frequency_hz, 2.0, 2.5))
    main = line(heard, frequency_hz, 2.1, 2.4)
    for side in (-1.0, 1.0):
        echo = line(heard, frequency_hz, 2.1 + side * turn_s, 2.4 + side * turn_s)
        assert db(echo / main) == pytest.approx(db(printed(np.array([frequency_hz]), STILL)[0]), abs=0.1)
    quiet = heard[round(2.95 * RATE) : round(3.25 * RATE)]  # the bass of the replay amplifier has died away
    assert db(np.max(np.abs(quiet))) < -90.0


def test_no_block_size_changes_it_and_without_it_nothing_is_heard():
    wave = burst(1000.0, 1.5, 2.0, 4.0)
    assert np.max(np.abs(returned(STILL, wave, 1000) - returned(STILL, wave, 48_000))) < 1e-9
    none = returned(STILL.changed({"tape.print_db": None}), wave)
    assert db(np.max(np.abs(none[round(2.9 * RATE) : round(3.2 * RATE)]))) < -90.0


TONES = {"loud": (0.2, 1000.0, 0.0), "soft": (1.4, 315.0, -20.0), "late": (7.3, 2000.0, 0.0)}  # start in s, Hz, dB; 1 s each
SILENCE_S = 2.5, 7.2


def sheet_of_tones():
    """Three tones and a silence: the second tone and the silence are each met by the echo of a loud tone."""
    at = round(SILENCE_S[0] * RATE), round((SILENCE_S[1] - SILENCE_S[0]) * RATE)
    cues = [
        Cue(
            name=name, kind="tone", channel=0, start_samples=round(start * RATE), length_samples=RATE, level_db=level,
            parameters={"frequency_hz": hertz, "purpose": "ladder"},
        )
        for name, (start, hertz, level) in TONES.items()
    ]  # fmt: skip
    cues.append(Cue(name="silence", kind="silence", channel=0, start_samples=at[0], length_samples=at[1]))
    for name, start in (("marker_start", 0), ("marker_end", 9 * RATE)):
        cues.append(Cue(name=name, kind=name, channel=0, start_samples=start, length_samples=4800, level_db=-3.0))
    cues.sort(key=lambda cue: cue.start_samples)
    programme = (Channel(role="programme", track=1),)
    return CueSheet(
        stimulus="main", session="test", code=1, sample_rate=RATE, samples=round(9.5 * RATE), reference_dbfs=-18.0,
        channels=programme, cues=tuple(cues),
    )  # fmt: skip


@pytest.fixture(scope="module")
def told():
    """The truth of a tape with print-through and of one without, and what returns of a still and silent deck with it."""
    sheet = sheet_of_tones()
    decks = (FRESH.changed({**MOTIONLESS, "tape.print_db": level}) for level in (-40.0, None))
    wave = StimulusAudio(sheet).read(0, sheet.samples)[:, 0] / PEAK
    heard = [returned(STILL.changed({"tape.print_db": level}), wave) for level in (-40.0, None)]
    return [truth(deck, sheet, 0, passes=[1], tool_version="0", created="now") for deck in decks], heard[0] - heard[1]


def power_of(wave, start_s, stop_s, weight=np.ones_like, but=lambda f: f < 0.0):
    """Mean square re that of 0 VU, weighted, from 20 Hz to 20 kHz."""
    part = wave[round(start_s * RATE) : round(stop_s * RATE)]
    f = np.fft.rfftfreq(part.size, 1.0 / RATE)
    counted = (f >= 20.0) & (f <= 20_000.0) & ~but(f)
    return np.sum((np.abs(np.fft.rfft(part)) ** 2 * weight(f) ** 2)[counted]) * 4.0 / part.size**2


def test_true_noise_holds_the_echoes_that_a_deck_makes(told):
    (printed_on, plain), echo = told
    loud, quiet = (10.0 ** (t.find("noise_a")[0].value / 10.0) for t in (printed_on, plain))
    zero = 10.0 ** (db(line(returned(STILL, burst(1000.0, 0.5, 1.5, 2.0)), 1000.0, 0.8, 1.2)) / 10.0)
    made = power_of(echo, SILENCE_S[0] + 0.3, SILENCE_S[1] - 0.3, a_weighting)
    assert made / zero > 0.2 * quiet
    assert 10.0 * np.log10((loud - quiet) / (made / zero)) == pytest.approx(0.0, abs=0.15)
    thirds, without = (t.find_curves("noise_spectrum", bandwidth="1/3 octave")[0] for t in (printed_on, plain))
    rise = dict(zip(thirds.x.values, thirds.y.array - without.y.array, strict=True))
    assert max(rise, key=rise.__getitem__) == pytest.approx(2000.0, rel=0.01)
    assert rise[min(rise, key=lambda f: abs(f - 8000.0))] == pytest.approx(0.0, abs=0.05)
    assert printed_on.find("noise_itu468")[0].value > plain.find("noise_itu468")[0].value


def test_true_thd_n_of_a_soft_tone_holds_the_echo_of_a_loud_one(told):
    (printed_on, plain), echo = told
    with_echo, without = (t.find("thd_n", frequency_hz=315.0)[0].value / 100.0 for t in (printed_on, plain))
    start_s = TONES["soft"][0]
    made = power_of(echo, start_s + 0.05, start_s + 0.95, but=lambda f: np.abs(f - 315.0) <= 52.5)
    tone = abs(line(returned(STILL, burst(315.0, 0.5, 1.5, 2.0) * 0.1), 315.0, 0.8, 1.2)) ** 2
    assert with_echo**2 - without**2 == pytest.approx(made / tone, rel=0.05)


def test_the_meter_reads_a_steady_sound_beside_no_noise_as_it_is():
    """ITU-R BS.468-4: the meter reads the RMS value of a sine of 1 kHz, and 12.2 dB more at 6.3 kHz."""
    nothing = np.zeros(2)
    for hertz, reading in ((1000.0, 0.0), (6300.0, 12.2)):
        sine = np.sqrt(2.0) * np.sin(2.0 * np.pi * hertz * np.arange(RATE) / RATE)
        told_db = quasi_peak.reading_db(np.array([20.0, 20e3]), nothing, np.zeros(0), np.zeros(0), sine, RATE)
        assert told_db == pytest.approx(reading, abs=0.05)
