"""Scrape flutter: a narrow band of motion, against its closed form, and its sidebands as the running deck returns them."""

import numpy as np
import pytest

from modeling.deck.deck import VirtualDeck
from modeling.deck.grid import GridTrajectory
from modeling.deck.motion import PassPair
from modeling.deck.parameters import load_parameters
from modeling.deck.transport import play_trajectory, record_trajectory
from modeling.deck.true.scrape import sidebands
from modeling.deck.true.session import TrueSession
from modeling.deck.truth import truth
from signals.cues import Channel, Cue, CueSheet
from signals.stimulus import StimulusAudio
from tests.modeling.still_deck import MOTIONLESS, SILENT

RATE = 48000
PEAK = 10.0 ** (-18.0 / 20.0)
FRESH = load_parameters("fresh")
SCRAPING = FRESH.changed({"transport.scrape_percent": 0.1, "transport.scrape_span_mm": 170.0})  # 5 kHz
STILL = {**MOTIONLESS, **SILENT, "electronics.asymmetry": 0.0}


def sheet(*cues):
    return CueSheet(
        stimulus="main",
        session="test",
        code=1,
        sample_rate=RATE,
        samples=12 * RATE,
        reference_dbfs=-18.0,
        channels=(Channel(role="programme", track=1),),
        cues=(
            Cue(name="start", kind="marker_start", channel=0, start_samples=RATE, length_samples=4800, level_db=-3.0),
            *cues,
            Cue(name="end", kind="marker_end", channel=0, start_samples=11 * RATE, length_samples=4800, level_db=-3.0),
        ),
    )


def tone(frequency_hz, purpose, level_db=0.0, **more):
    return Cue(
        name=purpose,
        kind="tone",
        channel=0,
        start_samples=2 * RATE,
        length_samples=6 * RATE,
        level_db=level_db,
        parameters={"frequency_hz": frequency_hz, "purpose": purpose, **more},
    )


@pytest.mark.parametrize("percent", [pytest.param(0.02, marks=pytest.mark.slow), 1.0])
def test_grid_joins_the_closed_form_and_both_turn_round(percent):
    scraping = SCRAPING.changed({"transport.scrape_percent": percent, "transport.scrape_width_hz": 200.0})
    for trajectory in (record_trajectory(scraping, 5, 1), play_trajectory(scraping, 5, 2)):
        time_s = 700.0 + np.arange(RATE) / RATE
        amplitude_s = percent / 100.0 * np.sqrt(2.0) / (2.0 * np.pi * 5000.0)
        grid = GridTrajectory(trajectory)
        stray_s = grid.advance(time_s, 1) - trajectory.advance(time_s, 1)
        assert np.std(stray_s) < 1e-11 + 5e-3 * amplitude_s  # lines 200 Hz off, on a grid of 1 kHz
        for motion in (grid, trajectory):
            position_s = time_s + motion.advance(time_s, 1)
            assert np.abs(motion.time_at(position_s, 1) - time_s).max() < 1e-12


def test_without_it_nothing_changes():
    plain = FRESH.changed({"transport.scrape_span_mm": 100.0, "transport.scrape_width_hz": 50.0})
    time_s = np.arange(RATE) / RATE
    for one, two in ((plain, FRESH), (SCRAPING, FRESH)):
        motion, other = play_trajectory(one, 5, 2).smooth, play_trajectory(two, 5, 2)
        assert np.array_equal(GridTrajectory(motion).advance(time_s, 0), GridTrajectory(other).advance(time_s, 0))


@pytest.mark.parametrize("speed", [9.5, 4.8])
def test_it_lies_at_c_over_2l_whatever_the_tape_speed(speed):
    """1700 m/s over twice 0.17 m is 5 kHz; the speed deviation is read by differences, its band by a transform."""
    deck = SCRAPING.changed({**STILL, "speed_cm_s": speed, "transport.scrape_percent": 0.1})
    motion = record_trajectory(deck, 3, 1)
    step_s = 1.0 / 192_000.0
    time_s = np.arange(0.0, 20.0, step_s)
    deviation = np.gradient(GridTrajectory(motion).advance(time_s, 0), step_s)
    # A central difference of a sine falls short by sin(x) / x.
    short = np.sinc(2.0 * 5000.0 * step_s)
    assert 100.0 * np.std(deviation) / short == pytest.approx(0.1, rel=0.01)
    power = np.abs(np.fft.rfft(deviation * np.hanning(deviation.size))) ** 2
    f = np.fft.rfftfreq(deviation.size, step_s)
    assert np.average(f, weights=power) == pytest.approx(5000.0, abs=10.0)
    assert power[np.abs(f - 5000.0) < 101.0].sum() > 0.9999 * power.sum()
    inner = power[np.abs(f - 5000.0) < 50.0].sum() / power.sum()
    assert inner == pytest.approx(0.5 + 1.0 / np.pi, abs=0.05)  # integral of cos^2 between its half-power points
    assert np.mean(deviation**4) / np.mean(deviation**2) ** 2 == pytest.approx(3.0, abs=0.4)  # as a random wave has it


def test_passes_scrape_by_themselves():
    time_s = np.arange(10 * RATE) / RATE
    record, one, two = (
        motion.scrape.comb.at(time_s)
        for motion in (record_trajectory(SCRAPING, 1, 1), play_trajectory(SCRAPING, 1, 1), play_trajectory(SCRAPING, 1, 2))
    )
    for first, second in ((record, one), (one, two)):
        assert abs(np.corrcoef(first, second)[0, 1]) < 0.2


def test_it_is_no_wow_and_flutter_and_no_motion_in_the_truth():
    cues = sheet(tone(3150.0, "wow_flutter"))
    told, plain = (truth(deck, cues, 4, passes=[1], tool_version="0", created="now") for deck in (SCRAPING, FRESH))
    assert told.results == plain.results
    assert told.curves == plain.curves
    pairs = [PassPair(record_trajectory(d, 4, 1), play_trajectory(d, 4, 1), 0) for d in (SCRAPING, FRESH)]
    assert pairs[0].flutter(2.0, 8.0) == pytest.approx(pairs[1].flutter(2.0, 8.0), rel=1e-6)


@pytest.mark.parametrize(
    ("tone_hz", "span_mm"),
    [*(pytest.param(tone_hz, 170.0, marks=pytest.mark.slow) for tone_hz in (3000.0, 6300.0)), (9000.0, 100.0)],
)
def test_sidebands_are_those_of_the_running_deck(tone_hz, span_mm):
    """Power in a band about each sideband, by a transform of 16 s of a steady tone."""
    scraping = FRESH.changed({**STILL, "transport.scrape_percent": 0.2, "transport.scrape_span_mm": span_mm})
    deck = VirtualDeck(scraping, RATE, -18.0, 6)
    turns = tone_hz * np.arange(17 * RATE) / RATE
    sent = np.zeros((turns.size, 4))
    sent[:, 0] = PEAK * 10.0 ** (-10.0 / 20.0) * np.sin(2.0 * np.pi * turns)
    deck.arm([1])
    deck.process(sent)
    deck.play(1)
    heard = deck.process(0.0 * sent)[RATE // 2 : RATE // 2 + 16 * RATE, 0] / PEAK
    deck.close()
    window = np.hanning(heard.size)
    # Re the mean square of a sine of peak 1.
    power = 4.0 * np.abs(np.fft.rfft(heard * window)) ** 2 / heard.size / np.sum(window**2)
    f = np.fft.rfftfreq(heard.size, 1.0 / RATE)
    lines_hz, lines = sidebands(TrueSession(scraping, sheet(), frozenset({0}), StimulusAudio(sheet())), 0, tone_hz, -10.0)
    scrape_hz = 1700.0 / (2.0 * span_mm / 1000.0)
    for side_hz in (abs(tone_hz - scrape_hz), tone_hz + scrape_hz):
        expected = lines[np.abs(lines_hz - side_hz) <= 101.0].sum()
        read = power[np.abs(f - side_hz) <= 120.0].sum()
        # The two passes beat: over 16 s of a band of 100 Hz by a few per cent of their power.
        assert 10.0 * np.log10(read / expected) == pytest.approx(0.0, abs=0.5)


def replayed(f):
    """Replay by its laws: 35 us, 0.2 um of spacing, a gap of 1.1 um, at 95.25 mm/s; depth costs the lines alike."""
    k = 2.0 * np.pi * f / 95250.0
    return np.exp(-0.2 * k) * np.sinc(1.1 * k / (2.0 * np.pi)) * np.hypot(1.0, 2.0 * np.pi * f * 35e-6)


def test_noise_beside_a_tone_and_thd_n_count_them():
    """3 kHz with 5 kHz of scrape: sidebands at 2 and 8 kHz. A-weighting there is +1.2 and -1.1 dB (IEC 61672-1)."""
    quiet = FRESH.changed({**STILL, "transport.scrape_percent": 0.2, "transport.scrape_span_mm": 170.0})
    cues = sheet(tone(3000.0, "modulation_noise"), tone(3000.0, "ladder"))
    told = truth(quiet, cues, 4, passes=[1], tool_version="0", created="now")
    delay_s = 0.002 / (2.0 * np.pi * 5000.0)
    of_both_passes = 2.0 * 0.5 * (2.0 * np.pi * 3000.0 * delay_s) ** 2
    low, high = of_both_passes * (replayed(np.array([2000.0, 8000.0])) / replayed(3000.0)) ** 2
    (beside,) = told.find("modulation_noise")
    weighted = 10.0 * np.log10(low * 10.0**0.12 + high * 10.0**-0.11)
    assert beside.value == pytest.approx(
        weighted, abs=0.5
    )  # 3 kHz comes back as loud as 1 kHz, within what the deck is flat
    (thd,), (thd_n,) = told.find("thd"), told.find("thd_n")
    noise_percent = np.sqrt(thd_n.value**2 - thd.value**2)
    assert 20.0 * np.log10(noise_percent / 100.0) == pytest.approx(10.0 * np.log10(low + high), abs=0.3)


def test_block_size_does_not_change_a_bit():
    sent = PEAK * np.random.default_rng(0).standard_normal((RATE, 4))
    heard = []
    for block in (RATE, 257):
        deck = VirtualDeck(SCRAPING, RATE, -18.0, 11)
        deck.arm([1, 2, 3, 4])
        for start in range(0, RATE, block):
            deck.process(sent[start : start + block])
        deck.play(1)
        heard.append(np.concatenate([deck.process(0.0 * sent[i : i + block]) for i in range(0, RATE, block)]))
        deck.close()
    assert np.array_equal(*heard)
