"""Record and play with dbx against record and play without: gain errors, noise, and how the noise moves with the tone."""

from collections.abc import Mapping, Sequence

import numpy as np

from analysis.compander.channel import GAIN_SD_DB, Channel
from analysis.compander.readings import Noise, Readings

WORKING_DB = (-50.0, 0.0)  # levels over which the tracking error is stated
PERCENTILE = 95.0


def errors(
    takes: Sequence[Readings], channel: Channel, reference_dbfs: float
) -> dict[float, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Level with dbx less that without, by frequency: levels sent, errors in dB, standard deviations.

    Without dbx means with the gain of a small signal: what a tape compresses is no error of the compander.
    """
    found: dict[float, dict[float, list[tuple[float, float]]]] = {}
    for take in takes:
        for line in take.steps:
            gain = channel.gain_db(line.frequency_hz)
            if gain is not None:
                error = line.returned_db - reference_dbfs - line.level_db - gain
                found.setdefault(line.frequency_hz, {}).setdefault(line.level_db, []).append((error, line.sd_db))
    return {f: _means(levels) for f, levels in sorted(found.items())}


def _means(levels: Mapping[float, Sequence[tuple[float, float]]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    sent = np.array(sorted(levels))
    error = np.array([np.mean([e for e, _ in levels[level]]) for level in sent])
    sd = np.array([np.sqrt(np.mean([s**2 for _, s in levels[level]]) / len(levels[level])) for level in sent])
    return sent, error, np.hypot(sd, GAIN_SD_DB)


def worst(errors_db: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> tuple[float, float] | None:
    """Magnitude that 95 % of the errors at working levels stay within, and its standard deviation."""
    kept = [(e[k], s[k]) for level, e, s in errors_db if (k := (level >= WORKING_DB[0]) & (level <= WORKING_DB[1])).any()]
    if not kept:
        return None
    error, sd = np.abs(np.concatenate([e for e, _ in kept])), np.concatenate([s for _, s in kept])
    value = float(np.percentile(error, PERCENTILE))
    # That of the readings which decide: the two next to the percentile.
    near = np.argsort(np.abs(error - value))[:2]
    return value, float(np.sqrt(np.mean(sd[near] ** 2)))


def mean_noise(found: Sequence[Noise]) -> Noise | None:
    """Several readings of one noise as one."""
    if not found:
        return None
    power = np.array([n.power for n in found])
    spread = float(np.sqrt(np.mean([n.spread**2 for n in found]) / power.size))
    if power.size > 1:
        spread = max(spread, float(np.std(power, ddof=1) / np.mean(power) / np.sqrt(power.size)))
    return Noise(float(np.mean(power)), spread)


def modulation(takes: Sequence[Readings]) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Noise beside a low tone re the returned reference tone: levels sent, noise in dB, 95 % uncertainty."""
    found: dict[float, list[Noise]] = {}
    for take in takes:
        for level, noise in take.beside.items():
            if take.reference_db is not None:
                found.setdefault(level, []).append(
                    Noise(2.0 * noise.power / 10.0 ** (take.reference_db / 10.0), noise.spread)
                )
    if not found:
        return None
    means = {at: mean for at in sorted(found) if (mean := mean_noise(found[at]))}
    noise_db = np.array([10.0 * np.log10(n.power + 1e-20) for n in means.values()])
    return np.array(list(means)), noise_db, np.array([1.96 * 4.343 * n.spread + 0.05 for n in means.values()])
