"""State-transition networks beside the solver NR8 that they learnt from: error, what to take between the networks, and speed.

Run it as ``PYTHONPATH=. python benchmarks/stn.py``; it takes half a minute on one core. With ``--train`` it first trains the
networks, some ten minutes, and puts their weights in place. Times are of the processor, the best of five; it asserts nothing.
"""

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file

from modeling.deck.closed_loop import closed_loop
from modeling.deck.hysteresis import Hysteresis
from modeling.deck.materials import MATERIALS, JilesAtherton, Solver, chowtape
from modeling.stn.grid import material_at, node, place
from modeling.stn.paths import paths_through, solve
from modeling.stn.running import StateTransition, trained_weights
from modeling.stn.training import Plan, train

MATERIALS_BETWEEN = 300
SAMPLES = 1536
PARTS = 16
SINE_POINTS = 128
CYCLES = 60
BLOCK = 2048
BLOCKS = 200


def between_the_networks() -> None:
    """Free run from the demagnetised state, through materials that none of the networks stands at."""
    rng = np.random.default_rng(1000)
    materials = [material_at(each) for each in rng.uniform(0.0, 1.0, (MATERIALS_BETWEEN, 3))]
    fields = paths_through(rng, materials, SAMPLES).field
    errors: dict[str, list[float]] = {}
    for field, material in zip(fields, materials, strict=True):
        truth = solve(field, material, PARTS)
        at = place(material)
        networks = [node(int(corner)) for corner in at.corners]
        ways: dict[str, Callable[[], np.ndarray]] = {
            "NR8 itself": partial(solve, field, material, 1),
            "RK2": lambda material=material, field=field: Hysteresis(material, 1, "RK2").process(field[None])[0],  # type: ignore[misc]
            "STN, mean of weights": partial(_run, material, field),
            "STN, mean of outputs": lambda networks=networks, at=at, field=field: (  # type: ignore[misc]
                at.shares @ [_run(each, field) for each in networks]
            ),
            "STN, nearest network": partial(_run, networks[int(np.argmax(at.shares))], field),
        }
        for name, way in ways.items():
            errors.setdefault(name, []).append(float(np.mean((way() - truth) ** 2) / truth.var()))
    print(f"ESR against NR8 in steps {PARTS} times shorter, {MATERIALS_BETWEEN} materials between the networks, free run")
    for name, each in errors.items():
        print(f"  {name:22} median {np.median(each):.1e}   90 % below {np.percentile(each, 90):.1e}   worst {max(each):.1e}")


def _run(material: JilesAtherton, field: np.ndarray) -> np.ndarray:
    return StateTransition(material, 1).process(field[None])[0]


def harmonics() -> None:
    """First and third harmonic of sines, against loops that have closed by an independent solver."""
    print(f"sines of {SINE_POINTS} samples: fundamental and third harmonic, dB beside the closed loop")
    sine = np.sin(2.0 * np.pi * np.arange(SINE_POINTS) / SINE_POINTS)
    cases = {**MATERIALS, "plug-in, knobs in the middle": chowtape(0.5, 0.5, 0.5)}
    for name, material in cases.items():
        print(f"  {name:28}", end="")
        for peak in (0.1, 0.5, 2.0, 8.0):
            field = peak * material.shape_ka_m * sine
            true = np.abs(closed_loop(field, material))[[1, 3]]
            for law in (StateTransition(material, 1), Hysteresis(material, 1, "NR8")):
                run = law.process(np.tile(field, CYCLES)[None])[0, -SINE_POINTS:]
                first, third = 20.0 * np.log10(np.abs(np.fft.rfft(run))[[1, 3]] / true)
                print(f"  {first:+6.3f} {third:+6.2f}", end="")
            print("  |", end="")
        print()
    print("  columns: field of 0.1, 0.5, 2 and 8 a; STN, then NR8")


def ns_a_sample(law: Hysteresis | StateTransition, field: np.ndarray) -> float:
    """Processor time, block by block."""
    blocks = np.split(field[None], BLOCKS, axis=1)
    spent = []
    for _ in range(5):
        began = time.process_time()
        for block in blocks:
            law.process(block)
        spent.append(time.process_time() - began)
    return min(spent) / field.size * 1e9


def speed() -> None:
    """Pink noise at four times 48 kHz, as in a record pass."""
    samples = BLOCK * BLOCKS
    bins = np.arange(samples // 2 + 1)
    turns = np.exp(2j * np.pi * np.random.default_rng(0).random(bins.size))
    noise = np.fft.irfft(turns * (bins < samples // 8) / np.sqrt(bins + 1.0), samples)
    noise /= np.abs(noise).max()
    material = MATERIALS["type1"]
    solvers: tuple[Solver, ...] = ("RK2", "NR4", "NR8")
    print(f"speed, one core, pink noise in blocks of {BLOCK}")
    for peak in (60.0, 350.0):
        stn = ns_a_sample(StateTransition(material, 1), peak * noise)
        ratios = {solver: ns_a_sample(Hysteresis(material, 1, solver), peak * noise) for solver in solvers}
        others = ", ".join(f"{solver} {ns:.0f} ns ({ns / stn:.1f} times)" for solver, ns in ratios.items())
        print(f"  peak {peak:.0f} kA/m: STN {stn:.0f} ns a sample, {others}")


def main() -> None:
    torch.set_num_threads(1)
    if "--train" in sys.argv:
        began, used = time.monotonic(), time.process_time()
        weights = train(Plan(), print)
        print(f"trained in {time.monotonic() - began:.0f} s, {time.process_time() - used:.0f} s of processor time")
        save_file({"weights": weights}, Path("modeling/stn/networks.safetensors"))
        trained_weights.cache_clear()
    between_the_networks()
    harmonics()
    speed()


if __name__ == "__main__":
    main()
