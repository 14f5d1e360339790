"""How far a core is from the deck, on material it has not learnt from."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict

from modeling import losses
from modeling.cores.core import Stationary
from modeling.fidelity import LOWEST_HARMONIC_DB, Process, Tone, ToneLevels, harmonic_difference_db
from modeling.floor import Floor
from modeling.pairs import Pair, select
from signals.errors import ModelError

LEAST_HEARD_DB = -20.0
"""A tone whose noise is no further below it says little of level: a decoder puts the softest of a ladder under the hum."""


class PieceError(BaseModel):
    """Error on one held-out piece."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    seconds: float
    esr: float
    baseline_esr: float | None


class ToneError(BaseModel):
    """A test tone, as the deck returned it and as the model does. Harmonics in dB re the fundamental of their own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    frequency_hz: float
    level_db: float
    fundamental_error_db: float
    deck_harmonics_db: tuple[float, float]
    model_harmonics_db: tuple[float, float]
    floor_db: float


class Evaluation(BaseModel):
    """Errors of a model on material it has not learnt from.

    Attributes
    ----------
    esr, emphasised_esr : float
        Error-to-signal ratio, plain and after pre-emphasis.
    baseline_esr, baseline_emphasised_esr : float or None
        The same of the linear least-squares filter.
    floor_esr, noise_floor_esr, modulation_floor_esr, timing_floor_esr, replicate_floor_esr : float or None
        What noise, modulation noise and residual timing alone leave; the first is what the error is held against.
    excess_esr : float or None
        Error above the floor.
    level_error_db, harmonic_error_db : float or None
        RMS over the test tones: level of the fundamental, where noise is far below; second and third harmonic, down to noise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: float
    esr: float
    emphasised_esr: float
    baseline_esr: float | None = None
    baseline_emphasised_esr: float | None = None
    floor_esr: float | None = None
    noise_floor_esr: float | None = None
    modulation_floor_esr: float | None = None
    timing_floor_esr: float | None = None
    replicate_floor_esr: float | None = None
    excess_esr: float | None = None
    level_error_db: float | None = None
    harmonic_error_db: float | None = None
    pieces: list[PieceError] = []
    tones: list[ToneError] = []

    @property
    def gain(self) -> float | None:
        """How many times the error lies below that of the linear filter."""
        return None if self.baseline_esr is None else self.baseline_esr / max(self.esr, losses.EPSILON)


def evaluate(
    core: Stationary, pairs: Sequence[Pair], floor: Floor | None = None, baseline: Stationary | None = None
) -> Evaluation:
    """Hold a core against the deck on the test pairs and test tones among `pairs`.

    Parameters
    ----------
    core : Stationary
        At the sample rate of the pairs.
    pairs : sequence of Pair
        Only those of the splits ``test`` and ``tone`` are used.
    floor : Floor, optional
        What noise and timing leave of the test pairs.
    baseline : Stationary, optional
        The linear filter.

    Raises
    ------
    ModelError
        There is nothing held out, or the sample rates differ.
    """
    test, tones = select(pairs, "test"), select(pairs, "tone")
    if not test:
        raise ModelError("there is no held-out material to evaluate on; capture a stimulus with music in it")
    if test[0].sample_rate != core.sample_rate:
        raise ModelError(
            f"the model runs at {core.sample_rate} Hz and the session at {test[0].sample_rate} Hz; "
            "evaluate it on a session of its own rate, or train one on this session"
        )
    errors = [_errors(core.process, pair) for pair in test]
    reference = [_errors(baseline.process, pair) for pair in test] if baseline else [None] * len(test)
    pieces = [
        PieceError(
            name=pair.name,
            seconds=pair.seconds,
            esr=own.esr,
            baseline_esr=None if linear is None else linear.esr,
        )
        for pair, own, linear in zip(test, errors, reference, strict=True)
    ]
    total = _Sums.of(errors)
    linear_total = _Sums.of([linear for linear in reference if linear is not None]) if baseline else None
    heard = [Tone(tone) for tone in tones]
    recorded, made = [tone.recorded for tone in heard], [tone.made(core.process) for tone in heard]
    compared = [_compared(*each) for each in zip(tones, recorded, made, strict=True)]
    return Evaluation(
        seconds=sum(pair.seconds for pair in test),
        esr=total.esr,
        emphasised_esr=total.emphasised_esr,
        baseline_esr=linear_total.esr if linear_total else None,
        baseline_emphasised_esr=linear_total.emphasised_esr if linear_total else None,
        floor_esr=floor.esr if floor else None,
        noise_floor_esr=floor.noise if floor else None,
        modulation_floor_esr=floor.modulation if floor else None,
        timing_floor_esr=floor.timing if floor else None,
        replicate_floor_esr=floor.replicate if floor else None,
        excess_esr=None if floor is None else max(total.esr - floor.esr, 0.0),
        level_error_db=_rms([tone.fundamental_error_db for tone in compared if tone.floor_db < LEAST_HEARD_DB]),
        harmonic_error_db=harmonic_difference_db(made, recorded),
        pieces=pieces,
        tones=compared,
    )


def pooled(evaluations: Mapping[str, Evaluation], tests: Sequence[Sequence[Pair]]) -> Evaluation:
    """What evaluations at several settings come to together: error and floor over the power of all.

    Parameters
    ----------
    evaluations : mapping
        By setting, in words.
    tests : sequence of sequence of Pair
        Test pairs of each.
    """
    plain, emphasised = zip(*(_powers(pairs) for pairs in tests), strict=True)
    found = list(evaluations.values())

    def mean(name: str, weights: Sequence[float]) -> float | None:
        known = [(getattr(each, name), w) for each, w in zip(found, weights, strict=True) if getattr(each, name) is not None]
        return sum(value * w for value, w in known) / max(sum(w for _, w in known), losses.EPSILON) if known else None

    def rms(name: str) -> float | None:
        known = [(getattr(each, name) ** 2, len(each.tones)) for each in found if getattr(each, name) is not None]
        return float(np.sqrt(sum(value * n for value, n in known) / sum(n for _, n in known))) if known else None

    named = (
        "baseline_esr",
        "floor_esr",
        "noise_floor_esr",
        "modulation_floor_esr",
        "timing_floor_esr",
        "replicate_floor_esr",
    )
    esr, floor_esr = mean("esr", plain) or 0.0, mean("floor_esr", plain)
    return Evaluation(
        seconds=sum(each.seconds for each in found),
        esr=esr,
        emphasised_esr=mean("emphasised_esr", emphasised) or 0.0,
        baseline_emphasised_esr=mean("baseline_emphasised_esr", emphasised),
        **{name: mean(name, plain) for name in named},
        excess_esr=None if floor_esr is None else max(esr - floor_esr, 0.0),
        level_error_db=rms("level_error_db"),
        harmonic_error_db=rms("harmonic_error_db"),
        pieces=[
            p.model_copy(update={"name": f"{words}: {p.name}"}) for words, each in evaluations.items() for p in each.pieces
        ],
        tones=[tone for each in found for tone in each.tones],
    )


def _powers(pairs: Sequence[Pair]) -> tuple[float, float]:
    """Power of targets, plain and after pre-emphasis."""
    total = _Sums.of([_errors(np.zeros_like, pair) for pair in pairs])
    return total.power, total.emphasised_power


@dataclass(frozen=True)
class _Sums:
    """Squared error and power, plain and after pre-emphasis."""

    error: float
    power: float
    emphasised_error: float
    emphasised_power: float

    @classmethod
    def of(cls, parts: Sequence["_Sums"]) -> "_Sums":
        return cls(*(sum(values) for values in zip(*(astuple(part) for part in parts), strict=True)))

    @property
    def esr(self) -> float:
        return self.error / (self.power + losses.EPSILON)

    @property
    def emphasised_esr(self) -> float:
        return self.emphasised_error / (self.emphasised_power + losses.EPSILON)


def _errors(process: Process, pair: Pair) -> _Sums:
    y = pair.wet.astype(np.float64)
    e = y - process(pair.dry.astype(np.float64))
    inner = pair.mask[1:] & pair.mask[:-1]
    yp, ep = losses.emphasised(y)[inner], losses.emphasised(e)[inner]
    y, e = y[pair.mask], e[pair.mask]
    return _Sums(float(e @ e), float(y @ y), float(ep @ ep), float(yp @ yp))


def _compared(tone: Pair, deck: ToneLevels, model: ToneLevels) -> ToneError:
    return ToneError(
        frequency_hz=float(tone.conditions["frequency_hz"]),
        level_db=float(tone.conditions.get("level_db", 0.0)),
        fundamental_error_db=model.fundamental_db - deck.fundamental_db,
        deck_harmonics_db=_second_and_third(deck),
        model_harmonics_db=_second_and_third(model),
        floor_db=deck.floor_db,
    )


def _second_and_third(levels: ToneLevels) -> tuple[float, float]:
    """Levels, not below the floor and finite, as JSON wants them."""
    second, third = (float(np.nan_to_num(level, nan=LOWEST_HARMONIC_DB)) for level in levels.harmonic_db[:2])
    return max(second, LOWEST_HARMONIC_DB), max(third, LOWEST_HARMONIC_DB)


def _rms(values: Sequence[float]) -> float | None:
    return float(np.sqrt(np.mean(np.square(values)))) if values else None
