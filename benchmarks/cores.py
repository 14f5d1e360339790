"""Every core on the same material in the same run: error, harmonics, time to fit and speed, on four decks.

The default core shares the law of the first deck alone. Run it as ``PYTHONPATH=. python benchmarks/cores.py [--cores NAME,...]
[--minutes 1,4] [--decks NAME,...]``; all of it takes some hours on two cores. Minutes are processor time, so that a busy
machine gives networks no fewer steps. ``typical`` and ``hysteresis`` are captured from the virtual deck, with motion, noise and
alignment in the way; ``preisach`` and ``slewing`` are closed forms with hiss 70 dB below 0 VU.
It prints, and asserts nothing.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from foreign import preisach, slewing

from capture.planning import Wish, plan_session
from capture.recordings import Plan
from capture.virtual.session import capture_virtual
from modeling.cores import core_class, names
from modeling.cores.core import Core, Material, Run
from modeling.dataset import from_session
from modeling.evaluation import evaluate
from modeling.floor import Floor, floor_of
from modeling.material import spans_of_sheet
from modeling.pairs import AFTER_S, BEFORE_S, Pair, select
from signals.stimulus import StimulusAudio, plan

RATE = 48_000
REFERENCE_DBFS = -18.0
HISS_DB = -70.0
BLOCK = 256
CLOSED_FORMS = {"preisach": preisach, "slewing": slewing}
DECKS = ("typical", "hysteresis", *CLOSED_FORMS)
IN_CLOSED_FORM = ("linear", "hammerstein")
WITHOUT_STEPS = (*IN_CLOSED_FORM, "ja")
PROBES = (8, 40)
LEARNING = 0.9
"""Part of the time that goes into steps; the rest is for judging."""
AS_LONG = 0.2
"""How far a fit may be from the time that it was to take; what a step costs changes on a busy machine."""


def captured(preset: str) -> tuple[list[Pair], Floor]:
    """Pairs and floor of a session on the virtual deck."""
    with TemporaryDirectory() as folder:
        session = plan_session(Path(folder) / "session", Wish(pilot_track=4))
        capture_virtual(session, f"virtual:{preset}", Plan.of(1))
        dataset = from_session(session)
    return dataset.pairs, dataset.floor


def made(name: str) -> tuple[list[Pair], Floor]:
    """Pairs and floor of the same stimulus through a closed form."""
    sheet = plan(session="bench", sample_rate=RATE, tracks=[1], reference_dbfs=REFERENCE_DBFS)
    sent = StimulusAudio(sheet)
    rng = np.random.default_rng(1)
    pairs = []
    before, after = round(BEFORE_S * RATE), round(AFTER_S * RATE)
    reference = 10.0 ** (REFERENCE_DBFS / 20.0)
    hiss = reference / np.sqrt(2.0) * 10.0 ** (HISS_DB / 20.0)
    for span in spans_of_sheet(sheet, 0):
        dry = sent.read(span.start_samples - before, span.stop_samples + after)[:, 0]
        wet = CLOSED_FORMS[name](dry, RATE, reference) + hiss * rng.standard_normal(dry.size)
        mask = np.zeros(dry.size, dtype=bool)
        mask[before : dry.size - after] = True
        pairs.append(
            Pair(dry.astype(np.float32), wet.astype(np.float32), mask, RATE, span.split, span.name, span.conditions)
        )
    return pairs, floor_of(select(pairs, "test"), hiss * rng.standard_normal(RATE))


def times_real_time(core: Core) -> float:
    """Speed in blocks of 256, by CPU time of one thread."""
    x = 0.05 * np.random.default_rng(0).standard_normal(4 * RATE)
    stream = core.stream()
    stream.push(x[:BLOCK])
    began = time.thread_time()
    for start in range(0, x.size - BLOCK, BLOCK):
        stream.push(x[start : start + BLOCK])
    return x.size / RATE / (time.thread_time() - began)


def cost(name: str, material: Material, seed: int) -> tuple[float, float]:
    """Processor time of a step of a network and of what comes once, by two short fits; one before them compiles."""
    spent_s = []
    for steps in (PROBES[0], *PROBES):
        began = time.process_time()
        core_class(name).fit(material, Run(steps=steps, judge_every=steps, seed=seed))
        spent_s.append(time.process_time() - began)
    _, few_s, more_s = spent_s
    step_s = (more_s - few_s) / (PROBES[1] - PROBES[0])
    return step_s, few_s - PROBES[0] * step_s


def fitted(name: str, material: Material, seconds: float, seed: int, steps: int | None) -> tuple[Core, float, int | None]:
    """A core, the processor time of its fit, and its steps; once more with as many as fit, where they did not."""
    for last in (False, True):
        began = time.process_time()
        core = core_class(name).fit(material, Run(minutes=seconds / 60.0, steps=steps, seed=seed))
        spent_s = time.process_time() - began
        if last or steps is None or abs(spent_s / seconds - 1.0) < AS_LONG:
            break
        steps = round(steps * seconds / spent_s)
    return core, spent_s, steps


def rows(pairs: list[Pair], floor: Floor, cores: list[str], minutes: list[float], seed: int) -> Iterator[str]:
    """One line of the table after the other."""
    train, validation, tones, ladder = (select(pairs, split) for split in ("train", "validation", "tone", "ladder"))
    material = Material(train, validation, REFERENCE_DBFS, tones, ladder)
    for name in cores:
        step_s, once_s = (None, 0.0) if name in WITHOUT_STEPS else cost(name, material, seed)
        for budget in minutes[:1] if name in IN_CLOSED_FORM else minutes:
            steps = None if step_s is None else max(1, round(LEARNING * (60.0 * budget - once_s) / step_s))
            core, spent_s, steps = fitted(name, material, 60.0 * budget, seed, steps)
            found = evaluate(core, pairs, floor)
            yield (
                f"{name:12s} {'' if name in IN_CLOSED_FORM else f'{budget:g} min':7s} {spent_s:7.0f} s {steps or 0:6d}"
                f" {found.esr:10.2e} {found.excess_esr or 0.0:10.2e} {found.harmonic_error_db or 0.0:6.1f} dB"
                f" {times_real_time(core):7.0f} x"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cores", default=",".join(names()))
    parser.add_argument("--minutes", default="1,4")
    parser.add_argument("--decks", default=",".join(DECKS))
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    for deck in asked.decks.split(","):
        pairs, floor = made(deck) if deck in CLOSED_FORMS else captured(deck)
        seconds = sum(pair.seconds for pair in select(pairs, "train"))
        print(f"--- {deck}: {seconds:.0f} s to learn from, floor ESR {floor.esr:.1e}")
        print("core         budget  processor  steps        ESR     excess  harmonics   speed at block 256", flush=True)
        for line in rows(pairs, floor, asked.cores.split(","), [float(m) for m in asked.minutes.split(",")], asked.seed):
            print(line, flush=True)


if __name__ == "__main__":
    main()
