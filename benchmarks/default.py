"""The default model of the deck `typical`, from the tape to the bench: time to fit, error above the floor, and every goal.

Run it as ``PYTHONPATH=. python benchmarks/default.py [--cases usual,long,dbx]``: with the usual stimulus (three minutes of music
and the ladder), with two minutes of music to learn from alone, and with dbx on, whose constants the bench measures first. Each is
captured, trained and evaluated as the commands do it, and takes some minutes. It prints, and asserts nothing.
"""

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import soundfile

from capture.planning import Wish, plan_session, recordings
from capture.recordings import Plan
from capture.virtual.session import capture_virtual
from modeling.cores import DEFAULT
from modeling.dataset import from_session
from modeling.training import train
from reports.evaluation.running import evaluate_model
from reports.evaluation.summary import goal_row, speed
from reports.measuring import measure_session, write_all
from sessions.store import Session
from signals.music import compose

RATE = 48_000
PASSES = 2
LONG_S = 90.0
"""Of each of two pieces. A third of a piece is 30 s, and of six thirds four are learnt from."""
DBX = ("off", "on", "encode", "decode")
CASES = {"usual": ("off",), "long": ("off",), "dbx": DBX}


def captured(folder: Path, case: str) -> Session:
    """A session on the virtual deck, measured."""
    music = []
    for number, style in enumerate(("band", "chamber") if case == "long" else ()):
        music.append(folder / f"{style}.wav")
        soundfile.write(music[-1], compose(number + 1, LONG_S, RATE, style), RATE, "FLOAT")
    session = plan_session(folder / "session", Wish(pilot_track=4, music=music, dbx=CASES[case]))
    capture_virtual(session, "virtual:typical", Plan(recordings(CASES[case], PASSES)))
    write_all(session, measure_session(session))
    return session


def told(case: str) -> None:
    """Capture, train and evaluate, and print what came of it."""
    said_s: list[float] = []

    def say(line: str) -> None:
        said_s.append(time.process_time())

    with TemporaryDirectory() as folder:
        session = captured(Path(folder), case)
        dataset = from_session(session, dbx="on" if case == "dbx" else "off")
        outcome = train(dataset, session.path / "models", DEFAULT, sessions=[session.path], say=say)
        print(f"--- {case}: {outcome.model.card.seconds.train:.0f} s to learn from")
        # The second line it says is the floor, the third the result.
        print(f"fitted and judged in {said_s[2] - said_s[1]:.0f} s of the processor")
        error = outcome.evaluation
        print(f"ESR {error.esr:.2e}, excess {error.excess_esr or 0.0:.2e}, linear filter {error.baseline_esr:.2e}")
        found = evaluate_model(outcome.folder, session).found
        for row in (goal_row(goal) for goal in found.goals if goal.asked):
            print(f"{row['subject']:27s} {row['asked']:32s} {row['found']:16s} {row['verdict']:10s} {row['where']}")
        print(speed(found.held_out), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", default=",".join(CASES))
    for case in parser.parse_args().cases.split(","):
        told(case)


if __name__ == "__main__":
    main()
