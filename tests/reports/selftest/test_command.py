"""``tape selftest`` around measurements that are made up, so that only the command is on trial."""

import json
import re

import numpy as np
import pytest

from reports.selftest import workers
from reports.selftest.cases import ALONE, DBX, LOOP, PILOT, QUIET, Case, cases
from reports.selftest.joining import Joined, Pair, Unmet
from reports.selftest.running import Outcome
from signals.errors import SignalError


def figure(quantity, unit, true, error, doubt):
    numbers = (np.array([v]) for v in (np.nan, true, true + error, doubt))
    return Pair(quantity, unit, {"track": 1}, *numbers)


def curve(error):
    x = np.geomspace(20.0, 20_000.0, 200)
    drawn = np.random.default_rng(3).standard_normal(200)
    return Pair("frequency_response", "dB", {"track": 1}, x, 0.0 * x, error * drawn, np.full(200, 1.96 * error))


@pytest.fixture
def made_up(monkeypatch):
    """Have every case return what a function of it says, in place of a deck."""

    def use(pairs_of, unmet=()):
        def measure(case, folder, tell=lambda _: None):
            assert list(folder.iterdir()) == []
            tell(0.5)
            return Outcome(case, Joined(tuple(pairs_of(case)), tuple(unmet), frozenset({"hum"})), 1.0)

        monkeypatch.setattr(workers, "measure_case", measure)

    return use


RUN = ("selftest", "--no-dbx", "--processes", 1)


def test_decks_follow_from_the_seed_and_are_captured_alike_in_every_run():
    drawn = cases(1, 5)
    assert [(case.kind, case.seed) for case in drawn] == [
        (DBX, 1), (DBX, 5), (QUIET, 1), (QUIET, 5),
        (PILOT, 1), (ALONE, 2), (PILOT, 3), (ALONE, 4), (PILOT, 5), (LOOP, 1),
    ]  # fmt: skip
    assert cases(4, 1)[2] == drawn[7]
    assert DBX not in {case.kind for case in cases(1, 5, dbx=False)}


def test_all_is_well_and_the_table_is_written(made_up, command, tmp_path):
    made_up(lambda case: [figure("thd", "%", 1.0, 0.01, 0.02), curve(0.01)])
    page = tmp_path / "table.md"
    done = command(*RUN, "--decks", 2, "--seed", 4, "--write", page)
    assert done.status == 0, done
    assert re.search(r"^no pilot +thd +from 0.1 of 0 dB +% +1 +1 +1 +1 +1 +3 % of value +100 % of 1", done.out, re.MULTILINE)
    assert "again: tape selftest --decks 2 --seed 4 --no-dbx" in done.out
    text = page.read_text()
    assert "tape selftest --decks 2 --seed 4 --no-dbx --write" in text
    assert "| pilot | frequency_response | 30 to 16000 Hz | dB | 18" in text
    assert "\nNothing.\n" in text
    assert "not held against a truth: hum." in text


def test_a_bias_beyond_the_goal_fails(made_up, command):
    made_up(lambda case: [figure("thd", "%", 1.0, 0.04, 0.1)])
    done = command(*RUN, "--decks", 1)
    assert done.status == 1
    assert (
        "not right: thd (pilot): 95 % of the errors stay below 4 %, the goal is 3 % of value; the worst, 4 %, on deck 1"
        " (track 1)" in done.out
    )
    assert command(*RUN, "--decks", 1, "--only", "frequency_response").status == 2


def test_a_shrunk_uncertainty_fails_though_the_goal_is_reached(made_up, command):
    made_up(lambda case: [figure("noise_a", "dB", -50.0, (-1) ** case.seed * 0.05, 0.01) for _ in range(3)])
    done = command(*RUN, "--decks", 8)
    assert done.status == 1
    assert re.search(r"noise_a \(pilot\): the stated uncertainty is too small, the truth lies within it in 0 %", done.out)
    assert "the goal is" not in done.out


def test_a_quantity_that_is_never_had_fails(made_up, command):
    made_up(lambda case: [figure("speed_error", "%", 0.0, 0.0, 0.1)], [Unmet("latency", "invalid", 1.0)] * 2)
    done = command(*RUN, "--decks", 1)
    assert done.status == 1
    assert "not right: latency (pilot): none of 2 figures that have a truth was had" in done.out


def test_json_holds_every_row_and_reading(made_up, command):
    made_up(lambda case: [figure("thd", "%", 1.0, 0.01, 0.02), curve(0.01)], [Unmet("thd", "invalid", 0.01)])
    done = command(*RUN, "--decks", 1, "--json")
    assert done.status == 0, done
    document = json.loads(done.out)
    assert document["complete"]
    assert [(c["kind"], c["seed"]) for c in document["cases"]] == [(QUIET, 1), (PILOT, 1), (LOOP, 1)]
    rows = {(r["case"], r["quantity"], r["outside"]): r for r in document["rows"]}
    assert rows[PILOT, "thd", False]["bias"] == pytest.approx(1.0)
    assert rows[PILOT, "thd", True]["unmet"] == {"invalid": 1}
    assert [r["found"] for r in document["readings"] if r["quantity"] == "thd"] == [1.01] * 3


def test_what_was_done_is_kept_when_it_is_interrupted(made_up, command, tmp_path):
    def pairs_of(case):
        if case.seed == 2:
            raise KeyboardInterrupt
        return [figure("thd", "%", 1.0, 0.01, 0.02)]

    made_up(pairs_of)
    page = tmp_path / "table.md"
    done = command(*RUN, "--decks", 3, "--write", page)
    assert done.status == 1
    assert re.search(r"^pilot +thd .* 3 % of value", done.out, re.MULTILINE)
    assert "interrupted" in done.err.splitlines()[-1]
    assert not page.exists()


def test_a_deck_that_cannot_be_measured_is_named_and_the_others_go_on(made_up, command):
    def pairs_of(case):
        if case.seed == 2:
            raise SignalError("there is no start marker")
        return [figure("thd", "%", 1.0, 0.01, 0.02)]

    made_up(pairs_of)
    done = command(*RUN, "--decks", 3)
    assert done.status == 1
    assert "not right: deck 2 (no pilot) could not be measured: there is no start marker" in done.out
    assert re.search(r"^pilot +thd +from 0.1 of 0 dB +% +2 ", done.out, re.MULTILINE)


def test_a_worker_that_fails_is_told_of():
    """In a process of its own, a deck that cannot be drawn: a seed below zero."""
    told = []
    broken = (Case(PILOT, -1), Case(ALONE, -2))
    workers.run(broken, 2, told.append, lambda case, why: told.append((case.seed, why)), lambda *_: None)
    assert sorted(seed for seed, _ in told) == [-2, -1]
    assert all("defect" in why for _, why in told)


def test_a_folder_that_is_not_there_is_noticed_before_any_work(made_up, command, tmp_path):
    made_up(lambda case: pytest.fail("a deck was measured"))
    done = command(*RUN, "--write", tmp_path / "none" / "table.md")
    assert done.status == 2
    assert "there is no folder" in done.refusal
