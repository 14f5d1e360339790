"""How fast the solvers of the Jiles-Atherton law are: steps a second, and the record pass of one track against real time.

Run it as ``PYTHONPATH=. python benchmarks/hysteresis.py``; it takes half a minute on one core. Times are of the processor, the best
of three; it prints and asserts nothing.
"""

import time
from collections.abc import Callable
from typing import get_args

import numpy as np

from modeling.deck.convolution import BlockPlan
from modeling.deck.hysteresis import Hysteresis
from modeling.deck.materials import MATERIALS, Solver
from modeling.deck.parameters import load_parameters
from modeling.deck.record import Magnetiser

RATE = 48_000
SECONDS = 2
PEAK_KA_M = 60.0
HARD_KA_M = 1000.0
FACTOR = 4


def cpu_s(work: Callable[[], object]) -> float:
    """Processor time of some work, the best of three."""
    spent = []
    for _ in range(3):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return min(spent)


def pink_noise(seed: int) -> np.ndarray:
    """One channel of peak 1."""
    samples = RATE * SECONDS
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(samples)) / np.sqrt(np.arange(samples // 2 + 1) + 1)
    noise = np.fft.irfft(spectrum, samples)
    return (noise / np.abs(noise).max())[None]


def main() -> None:
    noise = pink_noise(0)
    fine = np.fft.irfft(np.fft.rfft(noise), FACTOR * noise.size) * FACTOR
    plan = BlockPlan.at(RATE)
    signal = np.resize(noise, (1, round(SECONDS * RATE / plan.block) * plan.block))

    def samples_per_s(solver: Solver, peak_ka_m: float) -> float:
        field = peak_ka_m * fine
        return field.size / cpu_s(lambda: Hysteresis(MATERIALS["type1"], 1, solver).process(field))

    def times_real_time(solver: Solver) -> float:
        made = Magnetiser(load_parameters("hysteresis").changed({"magnetics.solver": solver}), plan, 1)
        blocks = np.split(signal, signal.shape[1] // plan.block, axis=1)
        return signal.size / RATE / cpu_s(lambda: [made.process(block) for block in blocks])

    solvers: tuple[Solver, ...] = get_args(Solver)
    Hysteresis(MATERIALS["type1"], 1).process(noise[:, :10])  # compiles
    print(f"pink noise, peak {PEAK_KA_M:.0f} kA/m; in brackets {HARD_KA_M:.0f} kA/m, where steps are split")
    for solver in solvers:
        usual, hard = samples_per_s(solver, PEAK_KA_M), samples_per_s(solver, HARD_KA_M)
        ratio = times_real_time(solver)
        print(
            f"{solver}  {usual / 1e6:5.1f} ({hard / 1e6:.1f}) million samples/s; as a record pass {ratio:5.1f} x real time"
        )


if __name__ == "__main__":
    main()
