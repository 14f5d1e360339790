"""The truth of dropouts and level, worked again from their places by hand, and by listening to the running deck."""

import numpy as np
import pytest

from modeling.deck.deck import VirtualDeck
from modeling.deck.defects import dropouts
from modeling.deck.parameters import load_parameters
from modeling.deck.truth import truth
from signals.cues import Channel, Cue, CueSheet

RATE = 48_000
SECONDS = 24
PEAK = 10.0 ** (-18.0 / 20.0)
FRESH = load_parameters("fresh")
HOLED = FRESH.changed({"faults.dropouts_per_minute": 60.0, "faults.dropout_db": 16.0, "faults.dropout_ms": 8.0})
QUANTITIES = ("dropouts_per_minute", "level_stability")

SHEET = CueSheet(
    stimulus="main",
    session="test",
    code=1,
    sample_rate=RATE,
    samples=SECONDS * RATE,
    reference_dbfs=-18.0,
    channels=(Channel(role="programme", track=1), Channel(role="pilot", track=4)),
    cues=(
        Cue(name="start", kind="marker_start", channel=0, start_samples=0, length_samples=4800, level_db=-3.0),
        Cue(
            name="pilot",
            kind="pilot",
            channel=1,
            start_samples=0,
            length_samples=SECONDS * RATE,
            parameters={"frequency_hz": 6000.0},
        ),
        Cue(
            name="wow",
            kind="tone",
            channel=0,
            start_samples=RATE,
            length_samples=20 * RATE,
            level_db=0.0,
            parameters={"frequency_hz": 3150.0, "purpose": "wow_flutter"},
        ),
        Cue(name="end", kind="marker_end", channel=0, start_samples=22 * RATE, length_samples=4800, level_db=-3.0),
    ),
)


def stated(parameters, passes=(1,)):
    return truth(parameters, SHEET, 5, passes=list(passes), tool_version="0", created="now")


@pytest.fixture(scope="module")
def holed():
    return stated(HOLED, (1, 2))


def test_a_tape_without_dropouts_is_as_steady_as_its_coating():
    """An exponentially correlated m of the rate a, read over T, keeps 2 (aT - 1 + e^-aT) / (aT)^2 of its power; 1.96 deviations."""
    found = stated(FRESH)
    turns = 2.0 * np.pi * 190.5 * 0.1
    deviation = 10.0 ** (-47.0 / 20.0) * np.sqrt(2.0 * (turns - 1.0)) / turns
    assert [r.value for r in found.find("level_stability")] == pytest.approx([1.96 * 8.686 * deviation], rel=0.15)
    assert {r.value for r in found.find("dropouts_per_minute")} == {0.0}


def test_an_even_tape_without_dropouts_is_steady():
    found = stated(FRESH.changed({"tape.modulation_db": -120.0}))
    assert [r.value for r in found.find("level_stability")] == pytest.approx([0.0], abs=1e-5)


@pytest.mark.parametrize(("depth_db", "length_ms"), [(6.0, 2.0), (12.0, 5.0)])
def test_rate_is_that_of_the_places(holed, depth_db, length_ms):
    """A dropout of depth D and width w is below d for 4 w acos(sqrt(d / D)) / pi."""
    for track, start_s, stop_s in ((1, 1.1, 20.9), (4, 0.1, 23.9)):
        events = dropouts(HOLED, 5, track - 1, start_s, stop_s)
        deep = events.depth_db > depth_db
        length_s = 4.0 / np.pi * events.width_s[deep] * np.arccos(np.sqrt(depth_db / events.depth_db[deep]))
        expected = np.sum(length_s >= length_ms / 1000.0) / (stop_s - start_s) * 60.0
        for number in (1, 2):
            (found,) = holed.find(
                "dropouts_per_minute", track=track, depth_db=depth_db, length_ms=length_ms, **{"pass": number}
            )
            # One may lie across an end, or two in one another.
            assert found.value == pytest.approx(expected, abs=60.0 / (stop_s - start_s) * 1.01)


def test_level_and_dropouts_are_those_of_the_running_deck(holed):
    """The envelope of 3150 Hz as it comes back, read by a Gaussian of 0.5 ms."""
    time_s = np.arange(SECONDS * RATE) / RATE
    sent = np.zeros((time_s.size, 4))
    sent[:, 0] = PEAK * np.sin(2.0 * np.pi * 3150.0 * time_s)
    deck = VirtualDeck(HOLED.changed({"transport.rewind_min_s": 0.0, "transport.rewind_max_s": 0.0}), RATE, -18.0, 5)
    deck.arm([1])
    for part in np.array_split(sent, 40):
        deck.process(part)
    deck.stop()
    deck.play(1)
    heard = np.concatenate([deck.process(0.0 * part) for part in np.array_split(sent, 40)])[:, 0]
    deck.close()
    kernel = np.exp(-0.5 * (np.arange(-96, 97) / (0.5e-3 * RATE)) ** 2)
    amplitude = np.abs(np.convolve(heard * np.exp(-2j * np.pi * 3150.0 * time_s), kernel / kernel.sum(), mode="same"))
    inside = amplitude[round(1.1 * RATE) : round(20.9 * RATE)] / np.median(amplitude)
    power = np.mean(inside[: inside.size // 4800 * 4800].reshape(-1, 4800) ** 2, axis=1)
    low, high = np.quantile(10.0 * np.log10(power), [0.025, 0.975])
    (stability,) = holed.find("level_stability", **{"pass": 1})
    assert 0.5 * (high - low) == pytest.approx(stability.value, rel=0.2)
    edges = np.flatnonzero(np.diff((inside < 10.0 ** (-6.0 / 20.0)).astype(int)))
    found = np.sum(edges[1::2] - edges[::2] >= 0.002 * RATE) / 19.8 * 60.0
    (rate,) = holed.find("dropouts_per_minute", track=1, depth_db=6.0, **{"pass": 1})
    assert found == pytest.approx(rate.value, abs=60.0 / 19.8 * 1.5)


def test_a_dead_track_and_a_stretched_tone_have_no_figures():
    dead = stated(FRESH.changed({"faults.dead_track": 1}))
    assert all(r.conditions.get("track") != 1 and r.conditions.get("track_to") != 1 for r in dead.results)
    assert all(np.isfinite(r.value) for r in dead.results)
    stretched = stated(FRESH.changed({"faults.stretch_percent": 1.0, "faults.stretch_at_s": 9.0}))
    assert not stretched.find("wow_flutter_weighted_rms")
    assert not stretched.find("level_stability")
    assert stretched.find("speed_error")


def test_noise_beside_a_tone_is_not_stated_where_a_dropout_hits_it():
    ones = [
        Cue(
            name=f"one {i}",
            kind="tone",
            channel=0,
            start_samples=i * RATE,
            length_samples=RATE,
            level_db=-float(i),
            parameters={"frequency_hz": 3000.0, "purpose": "modulation_noise"},
        )
        for i in range(1, 21)
    ]
    sheet = SHEET.model_copy(update={"cues": (*(c for c in SHEET.cues if c.name in ("start", "end")), *ones)})
    holed = HOLED.changed({"faults.dropouts_per_minute": 30.0})
    told = truth(holed, sheet, 5, passes=[1], tool_version="0", created="now")
    found = {-r.conditions["level_db"] for r in told.find("modulation_noise")}
    events = dropouts(holed, 5, 0, 1.0, 21.0)
    for i in range(1, 21):
        reach_s = events.width_s + 0.03  # the tape is a thousandth faster than its time
        if np.any((events.place_s > i + 0.13) & (events.place_s < i + 0.87)):
            assert i not in found
        elif not np.any((events.place_s + reach_s > i + 0.1) & (events.place_s - reach_s < i + 0.9)):
            assert i in found
    assert 0 < len(found) < 20


@pytest.mark.slow
def test_broken_up_steady_flux_has_no_density():
    assert stated(FRESH).find_curves("noise_spectrum")
    assert stated(FRESH.changed({"faults.magnetism_ka_m": 1.0})).find_curves("noise_spectrum")
    assert not stated(HOLED.changed({"faults.magnetism_ka_m": 1.0})).find_curves("noise_spectrum")


def test_a_slow_start_is_no_part_of_the_mean_speed():
    start = SHEET.cues[0].model_copy(update={"start_samples": 3 * RATE})
    sheet = SHEET.model_copy(update={"cues": (start, SHEET.cues[-1])})
    late, usual = (
        truth(deck, sheet, 5, passes=[1], tool_version="0", created="now").find_curves("speed_deviation", track=1)[0].y.array
        for deck in (FRESH.changed({"transport.start_percent": 80.0, "transport.start_ms": 200.0}), FRESH)
    )
    assert late[500:] == pytest.approx(usual[500:], abs=0.003)
