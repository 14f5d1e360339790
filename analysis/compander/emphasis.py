"""Emphasis of the signal and weighting of the side chain.

A strong steady tone sets the gain; what happens to the ratio of a weak one beside it is emphasis and channel alone, whatever the
gain. What then shifts the static law at a frequency against that at 1 kHz, beyond the emphasis E, is the weighting S of
the detector: with the law's constant c, S = (c(f) - c(1 kHz) + E)/(r - 1).
"""

from collections.abc import Mapping, Sequence

import numpy as np

from analysis.compander.channel import GAIN_SD_DB, Channel
from analysis.compander.readings import Probe

REFERENCE_HZ = 1000.0
CURVE_SD_DB = 0.03  # what the channel's gain differs by between the takes, at 1 kHz; more above
TREBLE_SD_DB = 0.10


def curve(probes: Sequence[Probe], channel: Channel) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Gain of the signal path re 1 kHz at the probed frequencies.

    Returns
    -------
    tuple of ndarray or None
        Frequency in Hz, gain in dB (that of a decoder falls), 95 % uncertainty. None where the channel is not known.
    """
    found: dict[float, list[Probe]] = {}
    for probe in probes:
        found.setdefault(probe.frequency_hz, []).append(probe)
    rows = [(REFERENCE_HZ, 0.0, 0.0)]
    for frequency_hz, passes in found.items():
        gains = channel.gain_db(frequency_hz), channel.gain_db(passes[0].beside_hz)
        if gains[0] is None or gains[1] is None:
            continue
        change = np.array([p.change_db for p in passes])
        sd = float(np.sqrt(np.mean(np.square([p.sd_db for p in passes])) / change.size))
        if change.size > 1:
            sd = max(sd, float(np.std(change, ddof=1) / np.sqrt(change.size)))
        own = CURVE_SD_DB + TREBLE_SD_DB * min(1.0, (frequency_hz / 10_000.0) ** 2)
        rows.append((frequency_hz, float(np.mean(change)) - gains[0] + gains[1], 1.96 * float(np.hypot(sd, own))))
    if len(rows) < 2:
        return None
    f, gain, doubt = np.array(sorted(rows)).T
    return f, gain, doubt


def weighting(
    constants: Mapping[float, tuple[float, float]],
    ratio: float,
    emphasis: tuple[np.ndarray, np.ndarray, np.ndarray],
    gains: Mapping[float, float],
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Weighting of the side chain re 1 kHz, at the frequencies of the steps.

    Parameters
    ----------
    constants : mapping of float to tuple of float
        Constant of the law by frequency, and its standard deviation.
    emphasis : tuple of ndarray
        Frequency in Hz, emphasis of an encoder in dB, its uncertainty.
    gains : mapping of float to float
        Gain re that at 1 kHz of the channel before the detector, which a decoder hears through; zero for an encoder.
    """
    if REFERENCE_HZ not in constants or len(constants) < 2:
        return None
    f = np.array(sorted(constants))
    known, gain, doubt = emphasis
    beyond = (f < known[0] / 1.1) | (f > known[-1] * 1.1)
    f = f[~beyond]
    e, own = (np.interp(np.log(f), np.log(known), v) for v in (gain, doubt))
    shift = np.array([constants[x][0] - constants[REFERENCE_HZ][0] for x in f])
    own_sd = np.array([np.hypot(constants[x][1], constants[REFERENCE_HZ][1]) for x in f])
    s = (shift + e) / (ratio - 1.0) - np.array([gains.get(float(x), 0.0) for x in f])
    return (
        f,
        s,
        np.where(
            f == REFERENCE_HZ, 0.0, np.hypot(own, 1.96 * np.hypot(own_sd, ratio * np.sqrt(2.0) * GAIN_SD_DB)) / (ratio - 1.0)
        ),
    )
