"""How fast a core runs: seconds of sound in one second of one core of the processor."""

import time

import numpy as np
from pydantic import BaseModel, ConfigDict
from threadpoolctl import threadpool_limits

from modeling.cores.core import Core

BLOCK = 256
WHOLE_S, IN_BLOCKS_S = 20.0, 4.0


class Pace(BaseModel):
    """Times real time, on one thread: a whole file, and block by block as a plugin runs it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    whole: float
    block_256: float


def pace(core: Core) -> Pace:
    """Time a core on noise at its reference level; the time of the processor counts, whatever else the machine does."""
    rng = np.random.default_rng(0)
    noise = 10.0 ** (core.reference_dbfs / 20.0) / np.sqrt(2.0) * rng.standard_normal(round(WHOLE_S * core.sample_rate))
    with threadpool_limits(limits=1):
        core.process(noise[: core.sample_rate])  # compiles and plans
        began = time.process_time()
        core.process(noise)
        whole_s = time.process_time() - began
        stream = core.stream()
        for start in range(0, core.sample_rate, BLOCK):
            stream.push(noise[start : start + BLOCK])
        began = time.process_time()
        for start in range(core.sample_rate, core.sample_rate + round(IN_BLOCKS_S * core.sample_rate), BLOCK):
            stream.push(noise[start : start + BLOCK])
        blocks_s = time.process_time() - began
    return Pace(whole=WHOLE_S / max(whole_s, 1e-9), block_256=IN_BLOCKS_S / max(blocks_s, 1e-9))
