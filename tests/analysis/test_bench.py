"""The bench on the virtual deck, against what the deck knows of itself."""

from dataclasses import dataclass

import numpy as np
import pytest

from analysis.alignment import Alignment, align_take
from analysis.bench import measure_take
from analysis.take import Take
from modeling.deck.deck import VirtualDeck
from modeling.deck.parameters import load_parameters
from modeling.deck.truth import truth
from sessions.results import Curve, Measurements, Result
from signals.audio import ArrayAudio
from signals.cues import CueSheet
from signals.errors import SignalError
from signals.stimulus import Piece, Scope, StimulusAudio, plan

RATE = 48_000
SCOPE = Scope(
    wow_flutter_s=15.0,
    ladder_hz=(315.0, 1000.0),
    levels_db=(-20.0, -10.0, 0.0, 2.5, 5.0, 7.5),
    step_s=0.8,
    sweep_levels_db=(-20.0,),
    sweep_s=6.0,
    silence_s=5.0,
    impulses_s=0.5,
    pieces=(Piece("chamber", 8.0, 0.0, "train"),),
)


@dataclass(frozen=True)
class Run:
    """A stimulus sent over the virtual deck."""

    sheet: CueSheet
    sent: np.ndarray
    returned: np.ndarray
    truth: Measurements

    def align(self, pilot: bool, returned: np.ndarray | None = None) -> Alignment:
        inputs = {0: 0, 1: 3} if pilot else {0: 0}
        heard = self.returned if returned is None else returned
        return align_take(ArrayAudio(self.sent, RATE), ArrayAudio(heard, RATE), self.sheet, inputs)[0]

    def measure(self, alignment: Alignment) -> tuple[list[Result], list[Curve]]:
        conditions = {"track": 1, "pass": 1, "speed_cm_s": 9.5, "dbx": "off"}
        return measure_take(Take(ArrayAudio(self.returned, RATE), self.sheet, alignment, conditions))


def run_deck(preset: str) -> Run:
    sheet = plan(session="bench", sample_rate=RATE, tracks=[1], pilot_track=4, scope=SCOPE)
    sent = StimulusAudio(sheet).read(0, sheet.samples)
    parameters = load_parameters(preset)
    deck = VirtualDeck(parameters, RATE, sheet.reference_dbfs, 3)
    try:
        deck.arm([1, 4])
        block = np.zeros((sheet.samples, 4))
        block[:, [0, 3]] = sent
        for start in range(0, sheet.samples, 10 * RATE):
            deck.process(block[start : start + 10 * RATE])
        deck.rewind()
        deck.play(1)
        returned = deck.process(np.zeros((sheet.samples + 4 * RATE, 4)))
    finally:
        deck.close()
    return Run(sheet, sent, returned, truth(parameters, sheet, 3, passes=[1], tool_version="test", created="now"))


@pytest.fixture(scope="module")
def fresh() -> Run:
    return run_deck("fresh")


def only(results: list[Result], quantity: str, **conditions: float) -> Result:
    found = [r for r in results if r.quantity == quantity and conditions.items() <= r.conditions.items()]
    assert len(found) == 1, (quantity, conditions, len(found))
    return found[0]


def value(results: list[Result], quantity: str, **conditions: float) -> float:
    got = only(results, quantity, **conditions).value
    assert got is not None
    return got


@pytest.mark.parametrize("pilot", [True, False])
def test_every_figure_is_the_decks_own(fresh, pilot):
    results, curves = fresh.measure(fresh.align(pilot))
    true = [r for r in fresh.truth.results if r.conditions["track"] == 1]

    assert value(results, "latency") == pytest.approx(value(true, "latency"), abs=20e-6)
    assert value(results, "speed_error") == pytest.approx(value(true, "speed_error"), abs=0.005)
    tone = {"frequency_hz": 3150.0}
    for quantity in ("wow_flutter_weighted_2sigma", "wow_flutter_weighted_rms"):
        assert value(results, quantity, **tone) == pytest.approx(value(true, quantity, **tone), rel=0.02)
    for level_db in (0.0, 5.0):
        step = {"frequency_hz": 315.0, "level_db": level_db}
        assert value(results, "thd", **step) == pytest.approx(value(true, "thd", **step), rel=0.01)
        assert value(results, "harmonic_3", **step) == pytest.approx(value(true, "harmonic_3", **step), abs=0.1)
    assert value(results, "noise_a") == pytest.approx(value(true, "noise_a"), abs=0.1)
    assert value(results, "noise_itu468") == pytest.approx(value(true, "noise_itu468"), abs=0.2)
    assert value(results, "noise_ccir_rms") == pytest.approx(value(true, "noise_ccir_rms"), abs=0.1)
    assert value(results, "hum", frequency_hz=50.0) == pytest.approx(value(true, "hum", frequency_hz=50.0), abs=3.0)
    assert value(results, "speed_drift") == pytest.approx(value(true, "speed_drift"), abs=0.001 if pilot else 0.02)
    capstan = next(r for r in results if r.quantity == "flutter_line" and "capstan" in str(r.note))
    (stated,) = (r for r in true if r.quantity == "flutter_line" and r.note == "capstan")
    assert capstan.conditions["frequency_hz"] == pytest.approx(stated.conditions["frequency_hz"], rel=0.005)
    assert capstan.value == pytest.approx(stated.value, rel=0.1)
    assert value(results, "polarity") == 1.0

    (found,) = [c for c in curves if c.quantity == "frequency_response"]
    (expected,) = [c for c in fresh.truth.curves if c.quantity == "frequency_response" and c.conditions["track"] == 1]
    inside = (found.x.array > 40.0) & (found.x.array < 14_000.0)
    error = found.y.array - np.interp(found.x.array, expected.x.array, expected.y.array)
    assert np.max(np.abs(error[inside])) < 0.3
    assert found.uncertainty is not None
    assert np.mean(np.abs(error[inside]) < np.array(found.uncertainty)[inside]) > 0.8


def test_the_pilot_gives_the_trajectory_to_a_microsecond(fresh):
    base = fresh.align(True).base
    (expected,) = [c for c in fresh.truth.curves if c.quantity == "delay_trajectory" and c.conditions["track"] == 1]
    inside = (expected.x.array > 3.0) & (expected.x.array < fresh.sheet.samples / RATE - 3.0)
    error = base.delay(expected.x.array[inside]) - expected.y.array[inside]
    assert np.std(error) < 1e-6


def test_a_pilot_that_fails_for_a_while_is_bridged(fresh):
    """Fifty milliseconds ten times, and two seconds once: no cycle is slipped, what was not heard is not claimed."""
    returned = fresh.returned.copy()
    start = fresh.sheet.of_kind("music")[0].start_samples
    for k in range(10):
        returned[start - k * RATE : start - k * RATE + 2400, 3] *= 0.01
    whole, dropped = fresh.align(True), fresh.align(True, returned)
    time = np.arange(5.0, fresh.sheet.samples / RATE - 5.0, 0.01)
    difference = dropped.base.delay(time) - whole.base.delay(time)
    assert abs(np.median(difference)) < 1e-6
    assert np.max(np.abs(difference)) < 15e-6

    returned[start + 3 * RATE : start + 5 * RATE, 3] = 0.0
    broken = fresh.align(True, returned)
    difference = broken.base.delay(time) - whole.base.delay(time)
    assert abs(np.median(difference)) < 10e-6
    difference = np.abs(difference - np.median(difference))
    assert np.percentile(difference, 90) < 2e-6
    assert np.max(difference) < 100e-6
    assert difference[-1] < 2e-6


@pytest.mark.parametrize("heard", ["never", "at the start and at the end"])
def test_without_a_pilot_every_segment_times_itself_and_the_rest_is_not_claimed(fresh, heard):
    """A dead pilot track is as none; twenty seconds of silence on it cost no more than what sounds meanwhile cannot tell."""
    returned = fresh.returned.copy()
    middle = returned.shape[0] // 2
    returned[slice(None) if heard == "never" else slice(middle - 10 * RATE, middle + 10 * RATE), 3] = 0.0
    base = fresh.align(True, returned).base
    (expected,) = [c for c in fresh.truth.curves if c.quantity == "delay_trajectory" and c.conditions["track"] == 1]
    inside = (expected.x.array > 3.0) & (expected.x.array < fresh.sheet.samples / RATE - 3.0)
    time = expected.x.array[inside]
    error = base.delay(time) - expected.y.array[inside]
    error -= np.median(error)
    assert np.mean(np.abs(error) < 2.0 * base.sd(time)) > 0.95
    claimed = base.sd(time) < 10e-6
    assert np.mean(claimed) > (0.6 if heard == "never" else 0.85)
    assert np.max(np.abs(error[claimed])) < 30e-6
    assert np.sqrt(np.mean(error[claimed] ** 2)) < 3e-6


def test_inverted_polarity_is_told(fresh):
    inverted = Run(fresh.sheet, fresh.sent, -fresh.returned, fresh.truth)
    results, _ = inverted.measure(inverted.align(True))
    assert value(results, "polarity") == -1.0


def test_a_channel_without_markers_is_refused(fresh):
    """Track 3 was not recorded and lies beside the pilot alone."""
    with pytest.raises(SignalError, match="no start marker"):
        align_take(ArrayAudio(fresh.sent, RATE), ArrayAudio(fresh.returned, RATE), fresh.sheet, {0: 2})


def test_of_a_recording_that_stops_early_the_rest_is_told_as_lost(fresh):
    cut = fresh.returned[: round(0.8 * fresh.returned.shape[0])]
    alignment = fresh.align(True, cut)
    ((low, high),) = alignment.lost_s
    assert alignment.base.output_time(low) == pytest.approx(cut.shape[0] / RATE, abs=0.2)
    assert high == fresh.sheet.samples / RATE


@pytest.mark.slow
def test_a_worn_deck_is_measured_within_the_same_limits():
    run = run_deck("worn")
    for pilot in (True, False):
        results, _ = run.measure(run.align(pilot))
        true = [r for r in run.truth.results if r.conditions["track"] == 1]
        assert value(results, "latency") == pytest.approx(value(true, "latency"), abs=50e-6)
        assert value(results, "speed_error") == pytest.approx(value(true, "speed_error"), abs=0.005)
        two_sigma = value(true, "wow_flutter_weighted_2sigma")
        assert value(results, "wow_flutter_weighted_2sigma") == pytest.approx(two_sigma, rel=0.05)
        assert value(results, "noise_a") == pytest.approx(value(true, "noise_a"), abs=0.5)


def test_of_a_tape_that_stopped_the_rest_is_measured_and_the_lost_figures_are_there_and_invalid(fresh):
    stop = fresh.sheet.of_kind("silence")[0].start_samples
    returned = fresh.returned.copy()
    returned[stop + RATE :] = 0.0
    broken = Run(fresh.sheet, fresh.sent, returned, fresh.truth)
    results, _ = broken.measure(broken.align(True))
    true = [r for r in fresh.truth.results if r.conditions["track"] == 1]
    tone = {"frequency_hz": 3150.0}
    two_sigma = value(true, "wow_flutter_weighted_2sigma", **tone)
    assert value(results, "wow_flutter_weighted_2sigma", **tone) == pytest.approx(two_sigma, rel=0.02)
    step = {"frequency_hz": 315.0, "level_db": 0.0}
    assert value(results, "thd", **step) == pytest.approx(value(true, "thd", **step), rel=0.01)
    noise = only(results, "noise_a")
    assert not noise.valid
    assert noise.value is None
    assert "the tape was stopped or cut" in str(noise.note)
    assert value(results, "speed_error") == pytest.approx(value(true, "speed_error"), abs=0.01)
