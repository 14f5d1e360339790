"""A whole deck through the selftest: that it cannot cheat, and that it notices an estimator that errs."""

import json

import pytest

from capture import planning
from reports import measuring
from reports.selftest import running
from reports.selftest.cases import LOOP, QUIET, Case
from reports.selftest.goals import goal_of
from reports.selftest.running import Outcome, measure_case
from reports.selftest.verdict import judge
from signals.errors import SignalError
from signals.scope import Piece, Scope

pytestmark = pytest.mark.slow
SHORT = Scope(6.0, (315.0,), (-10.0, 0.0, 10.0), 0.8, (-20.0,), 6.0, 3.0, 0.5, (Piece("band", 6.0, 0.0, "train"),))
DECK = Case(QUIET, 3)


@pytest.fixture(scope="module")
def short():
    """A stimulus of three quarters of a minute."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "QUICK", SHORT)
        yield


@pytest.fixture(scope="module")
def measured(short, tmp_path_factory):
    """One deck: what was measured, its truth, and what lay on disk while it was measured."""
    kept = {}
    with pytest.MonkeyPatch.context() as patch:

        def spy_measure(session, progress):
            files = [f for f in session.path.rglob("*") if f.is_file()]
            kept["files"] = {f.relative_to(session.path).as_posix() for f in files}
            kept["texts"] = " ".join(f.read_text() for f in files if f.suffix in (".json", ".csv", ".toml"))
            kept["measured"] = measuring.measure_session(session, progress)
            return kept["measured"]

        def spy_join(found, true):
            kept["true"] = true
            return join(found, true)

        join = running.join
        patch.setattr(running, "measuring", type("", (), {"measure_session": staticmethod(spy_measure)}))
        patch.setattr(running, "join", spy_join)
        kept["outcome"] = measure_case(DECK, tmp_path_factory.mktemp("deck"))
    return kept


def failures(measured, quantity, change):
    """What the selftest says of a quantity when its figures are changed on the way from the estimator."""
    results = [r if r.quantity != quantity or r.value is None else change(r) for r in measured["measured"].results]
    document = measured["measured"].model_copy(update={"results": results})
    outcome = Outcome(DECK, running.join(document, measured["true"]), 1.0)
    return [text for text in judge([outcome]).failures if text.startswith(f"{quantity} (") and "the goal" in text]


def test_while_it_is_measured_a_session_holds_neither_truth_nor_seed_nor_parameters(measured):
    assert measured["files"] == {
        "session.json", "stimuli/main.wav", "stimuli/main.json",
        *(f"takes/{take}/{name}" for take in ("record", "play-1") for name in ("returned.wav", "take.json")),
    }  # fmt: skip
    parameters = DECK.deck().model_dump()
    told = [v for section in parameters.values() if isinstance(section, dict) for v in section.values()]
    drawn = {repr(v) for v in told if isinstance(v, float) and len(repr(v)) > 10}
    assert len(drawn) > 15
    assert not [text for text in drawn if text[:8] in measured["texts"]]
    assert '"seed": 3' not in json.dumps(json.loads(json.dumps(measured["texts"]))).replace("\\", "").split('"cues"')[0]
    assert "truth" not in measured["texts"]


def test_the_figures_are_near_their_truth(measured):
    rows = {(line.quantity, line.outside): line.row for line in judge([measured["outcome"]]).lines}
    for quantity in ("speed_error", "frequency_response", "thd", "noise_a", "wow_flutter_weighted_2sigma"):
        assert rows[quantity, False].reached, rows[quantity, False]


@pytest.mark.parametrize(
    ("quantity", "bias"),
    [("thd", lambda v: 1.05 * v), ("noise_a", lambda v: v + 0.15), ("speed_error", lambda v: v + 0.0015)],
)
def test_an_estimator_that_errs_by_more_than_its_goal_is_found_out(measured, quantity, bias):
    assert failures(measured, quantity, lambda r: r) == []
    (text,) = failures(measured, quantity, lambda r: r.model_copy(update={"value": bias(r.value)}))
    assert "the goal is" in text


def test_an_estimator_biased_in_its_own_code_is_found_out(short, monkeypatch, tmp_path):
    from analysis import noise

    honest = noise.weighted_power
    monkeypatch.setattr(noise, "weighted_power", lambda *given: (1.05 * honest(*given)[0], honest(*given)[1]))
    verdict = judge([measure_case(DECK, tmp_path)], only="noise_a")
    assert [text.split(":")[0] for text in verdict.failures if "the goal" in text] == ["noise_a (quiet)"]


def test_shrunk_uncertainties_are_found_out(measured):
    def shrunk(curve):
        return (
            curve.model_copy(update={"uncertainty": [u / 1000.0 for u in curve.uncertainty]}) if curve.uncertainty else curve
        )

    def said(document):
        outcome = Outcome(DECK, running.join(document, measured["true"]), 1.0)
        return [t for t in judge([outcome], only="frequency_response").failures if "uncertainty is too small" in t]

    curves = [shrunk(c) for c in measured["measured"].curves]
    assert said(measured["measured"].model_copy(update={"curves": curves}))


def test_clean_tones_through_a_wire_have_no_wow_and_flutter(short, tmp_path):
    outcome = measure_case(Case(LOOP, 1), tmp_path)
    verdict = judge([outcome])
    assert verdict.failures == []
    rows = {line.quantity: line.row for line in verdict.lines if not line.outside}
    assert rows["wow_flutter_weighted_2sigma"].worst < 0.0003
    assert goal_of("wow_flutter_weighted_2sigma", LOOP).limit == 0.0003
    assert rows["speed_error"].worst < 1e-6
    assert rows["latency"].worst < 0.1e-6


def test_a_deck_that_cannot_be_read_is_an_error_of_one_line(short, monkeypatch, tmp_path):
    def lost(session, progress):
        raise SignalError("there is no start marker")

    monkeypatch.setattr(running.measuring, "measure_session", lost)
    with pytest.raises(SignalError, match="start marker"):
        measure_case(Case(LOOP, 1), tmp_path)
