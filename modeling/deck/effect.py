"""The virtual deck as an effect on any sound: rates that the deck has not, amounts of motion and noise, drive and mix."""

import math

import numpy as np
import soxr

from modeling.deck.deck import SAMPLE_RATES, transfer
from modeling.deck.parameters import DeckParameters

MOTION = (
    "transport.drift_percent_per_min",
    "transport.capstan_percent",
    "transport.pinch_percent",
    "transport.supply_percent",
    "transport.takeup_percent",
    "transport.belt_percent",
    "transport.residue_percent",
    "transport.scrape_percent",
)
LEAST_TAPE_DB = -120.0
LEAST_NOISE_DBA = -140.0


def apply(
    parameters: DeckParameters,
    audio: np.ndarray,
    sample_rate: int,
    reference_dbfs: float,
    *,
    wow: float = 1.0,
    hiss: float = 1.0,
    drive_db: float = 0.0,
    mix: float = 1.0,
    seed: int = 0,
) -> np.ndarray:
    """Record a sound on the virtual deck and play it back, starting in step.

    Parameters
    ----------
    audio : ndarray, shape (samples, channels)
        One to four channels, on tracks 1 to 4.
    wow, hiss : float
        Amount of wow and flutter, and of noise, re that of the deck.
    drive_db : float
        Level into the deck; what comes out is lowered as much.
    mix : float
        Share of what comes out; the rest is the dry sound.

    Returns
    -------
    ndarray, shape (samples, channels), float64

    Raises
    ------
    ModelError
        More than four channels, or an amount that takes a parameter of the deck out of its limits.
    """
    deck = parameters.changed(_motion(parameters, wow), f"--wow {wow:g}").changed(
        _noise(parameters, hiss), f"--hiss {hiss:g}"
    )
    rate = sample_rate if sample_rate in SAMPLE_RATES else SAMPLE_RATES[0]
    gain = 10.0 ** (drive_db / 20.0)
    sent = audio if rate == sample_rate else soxr.resample(audio, sample_rate, rate, "VHQ")
    heard = transfer(deck, sent * gain, rate, reference_dbfs, seed) / gain
    if rate != sample_rate:
        heard = soxr.resample(heard, rate, sample_rate, "VHQ")
    fitted = np.zeros_like(audio)
    kept = min(heard.shape[0], audio.shape[0])
    fitted[:kept] = heard[:kept]
    return mix * fitted + (1.0 - mix) * audio


def _motion(parameters: DeckParameters, wow: float) -> dict[str, float]:
    own = parameters.model_dump()["transport"]
    return {key: wow * own[key.split(".")[1]] for key in MOTION}


def _noise(parameters: DeckParameters, hiss: float) -> dict[str, float]:
    shift = 20.0 * math.log10(hiss) if hiss > 0.0 else -math.inf
    return {
        "tape.hiss_dba": max(LEAST_TAPE_DB, parameters.tape.hiss_dba + shift),
        "tape.modulation_db": max(LEAST_TAPE_DB, parameters.tape.modulation_db + shift),
        "electronics.noise_dba": max(LEAST_NOISE_DBA, parameters.electronics.noise_dba + shift),
    }
