"""The last rung of the Hammerstein core, on request: a small network, zero at first, for what the solved core leaves.

``y = h * (sum_k g_k * u_k + r(x))``: r is the state-transition network, trained on the difference between recording and solved
core, its filter h as it was solved. The rung is kept where it takes more than a tenth off the error on validation and the
harmonics of the test tones do not get worse.
"""

from dataclasses import replace

import numpy as np
import torch

from modeling.cores.core import Material, Progress, Run, input_scale
from modeling.cores.descent import Network, descend
from modeling.cores.hammerstein import HammersteinCore
from modeling.cores.ladder import HARMONICS_DB
from modeling.cores.residual import GAIN, JUDGED_S, Leftover, excerpt
from modeling.cores.stn import StnResidual
from modeling.fidelity import Tone, esr_of, harmonic_error_db
from modeling.pairs import Pair

SHARE = 0.9
"""Part to which the rung has to bring the error down."""


def with_residual(core: HammersteinCore, material: Material, run: Run) -> HammersteinCore:
    """Descend for `run.minutes`; the same core again where that does not pay.

    Raises
    ------
    ModelError
        See :func:`modeling.cores.descent.descend`.
    """
    torch.manual_seed(run.seed)
    run.progress(Progress(0.0, None, "what the solved core leaves"))
    left = [_left(core, pair) for pair in material.train]
    judged = excerpt(material.validation, JUDGED_S)
    scale = input_scale(material.reference_dbfs)  # which the curves of the core are on
    size = scale * float(np.sqrt(esr_of(core.process, judged)))
    network = Leftover(StnResidual(), core.h, core.aheads[0], GAIN * scale, size)

    def judge(network: Network) -> float:
        return esr_of(_joined(core, network).process, judged)

    descend(network, replace(material, train=left), run, judge)
    joined = _joined(core, network)
    errors = [esr_of(each.process, material.validation) for each in (core, joined)]
    tones = [Tone(tone) for tone in material.tones]
    harmonics = [harmonic_error_db(each.process, tones) or 0.0 for each in (core, joined)]
    kept = errors[1] < SHARE * errors[0] and harmonics[1] <= harmonics[0] + HARMONICS_DB
    run.log({"rung": "residual", "kept": kept, "validation_esr": errors[1], "harmonic_error_db": harmonics[1]})
    return joined if kept else core


def _left(core: HammersteinCore, pair: Pair) -> Pair:
    """What the core leaves of a recording."""
    left = pair.wet - core.process(pair.dry.astype(np.float64))
    return replace(pair, wet=left.astype(np.float32), bridges=())


def _joined(core: HammersteinCore, network: Network) -> HammersteinCore:
    """The core with what a network has become, copied to the CPU."""
    assert isinstance(network, Leftover)
    residual = StnResidual()
    residual.load_state_dict(network.network())
    return core.with_(residual.eval())
