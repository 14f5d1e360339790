"""Training: from a data set to a model on disk, with the linear filter solved and told first, always."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from analysis.timebase import Timebase
from modeling.card import Card, Seconds
from modeling.compander import CompandedCore, Companding
from modeling.config import CONFIG, Config
from modeling.cores.core import Core, Material, Progress, Run, Stationary
from modeling.cores.linear import LinearCore
from modeling.dataset import Dataset
from modeling.doubts import doubts_of
from modeling.evaluation import Evaluation, evaluate
from modeling.floor import Floor
from modeling.generators.noise import NoiseGenerator
from modeling.generators.trial import Trial, noise_of, transport_of
from modeling.journal import LINES
from modeling.model import Model, digest, save, weights_of
from modeling.pairs import Pair, select
from modeling.processes import rank
from modeling.provenance import limits_of
from modeling.underway import CHECKPOINT, planned, underway
from sessions.manifest import now, tool_version

BETTER = 0.95
"""Part of the linear filter's error below which a model counts as trained."""

LINEAR = "the linear filter is the model; it makes no harmonics"
SETTLING_S = 0.5
"""After this a detector that began in silence reads the hiss of the tape: ten times the longest time constant that is usual."""


@dataclass(frozen=True)
class Outcome:
    """What became of a training run.

    Attributes
    ----------
    model : Model
    folder : Path
        Where it was written.
    evaluation : Evaluation
        On held-out material, with the linear filter and the floor beside it.
    lines : list of str
        The same in words, to be printed.
    """

    model: Model
    folder: Path
    evaluation: Evaluation
    lines: list[str]


def train(
    dataset: Dataset,
    models: Path,
    core: str,
    *,
    name: str | None = None,
    resume: bool = False,
    motions: Sequence[Timebase] = (),
    sessions: Sequence[Path] = (),
    progress: Callable[[Progress], None] = lambda progress: None,
    say: Callable[[str], None] = lambda line: None,
    warn: Callable[[str], None] = lambda line: None,
    **choices: Any,
) -> Outcome:
    """Train a model and write it to ``models/<name>``.

    While it runs, its log, its choices and the state of a fit that takes long are in ``models/.<name>.training``; from there it
    goes on with `resume`.

    Parameters
    ----------
    dataset : Dataset
    models : Path
        Folder of the models of a session.
    core : str
        Name of the core; see :mod:`modeling.cores`.
    name : str, optional
        Of the model; by default that of the core, with a number if it is taken.
    motions : sequence of Timebase
        Of all passes like the one that the data set is cut from; by default that of the data set alone.
    sessions : sequence of Path
        Where the data set is from, to be written down.
    say : callable
        Told each line of the result as soon as it is known.
    warn : callable
        Told each doubt about the material before the fit begins.
    choices
        Fields of :class:`modeling.config.Config`.

    Raises
    ------
    ModelError
        Unknown core, a name that is taken, material that cannot be learnt from, or nothing to resume.
    """
    config = Config().with_({**choices, "core": core})
    kind, folder, running = planned(models, config, name, resume)
    for doubt in doubts_of(dataset):
        warn(doubt)
    with underway(running, config.seen_from(running, sessions), resume) as journal:
        lines: list[str] = []

        def tell(line: str) -> None:
            lines.append(line)
            say(line)

        began = time.monotonic()

        def report(made: Progress) -> None:
            elapsed = time.monotonic() - began
            if made.remaining_s is None and made.fraction > 0.1:
                made = replace(made, remaining_s=elapsed * (1.0 / made.fraction - 1.0))
            progress(made)

        material = Material(
            select(dataset.pairs, "train"),
            select(dataset.pairs, "validation"),
            dataset.reference_dbfs,
            select(dataset.pairs, "tone"),
            select(dataset.pairs, "ladder"),
        )
        run = Run(progress=report, log=journal.tell, checkpoint=running / CHECKPOINT, **config.of_run())
        baseline = LinearCore.fit(material, run)
        first = evaluate(baseline, dataset.pairs, dataset.floor)
        tell(f"linear filter (least squares): ESR {_esr(first.esr)} on held-out material")
        tell(_floor_line(dataset.floor))
        started = time.monotonic()
        fitted, still = _fit(kind, baseline, material, dataset.companding, run)
        fit_s = time.monotonic() - started
        evaluation = evaluate(still, dataset.pairs, dataset.floor, baseline)
        trained = still.bends and evaluation.esr < BETTER * first.esr
        for line in [LINEAR] if still is baseline else _result_lines(config.core, evaluation, trained, fit_s):
            tell(line)

        log = journal.contents[LINES]
        settings: dict[str, str | int | float] = {"seed": config.seed, "minutes": config.minutes, "fit_s": fit_s}
        model = _assemble(dataset, fitted, evaluation, folder.name, trained, settings, log, motions, config, progress)
        for line in map(_trial_line, model.card.generators):
            tell(line)
        if rank() == 0:
            resolved = config.resolved(journal.records).seen_from(folder, sessions)
            save(model, folder, {**journal.contents, CONFIG: resolved.to_json()})
        return Outcome(model, folder, evaluation, lines)


def _fit(
    kind: type[Core], baseline: Core, material: Material, companding: Companding | None, run: Run
) -> tuple[Core, Stationary]:
    """A core for what lies between the halves of the compander, and both as one."""
    if companding is None:
        core = baseline if kind is LinearCore else kind.fit(material, run)
        return core, core
    train, validation, tones, ladder = (
        [companding.taken_off(pair, material.reference_dbfs) for pair in part]
        for part in (material.train, material.validation, material.tones, material.ladder)
    )
    core = kind.fit(Material(train, validation, material.reference_dbfs, tones, ladder), run)
    return core, CompandedCore(core, companding)


def _assemble(
    dataset: Dataset,
    core: Core,
    evaluation: Evaluation,
    name: str,
    trained: bool,
    training: dict[str, str | int | float],
    log: bytes,
    motions: Sequence[Timebase],
    config: Config,
    progress: Callable[[Progress], None],
) -> Model:
    """Join core, generators and card."""
    began: dict[str, float] = {}

    def learning(what: str, part: float) -> None:
        elapsed = time.monotonic() - began.setdefault(what, time.monotonic())
        progress(Progress(part, elapsed * (1.0 / part - 1.0) if part > 0.1 else None, what))

    transport, trials = transport_of(motions or [dataset.trajectory], config.transport, config.seed, learning)
    noise, heard = noise_of(dataset.silence, core.sample_rate, dataset.unevenness, config.noise, config.seed, learning)
    behind, silent = _behind(dataset, noise, core.sample_rate)
    card = Card(
        name=name,
        created=now(),
        tool_version=tool_version(),
        core=core.name,
        core_settings=core.settings(),
        companding=dataset.companding,
        sample_rate=core.sample_rate,
        reference_dbfs=core.reference_dbfs,
        look_ahead_samples=core.look_ahead_samples,
        sources=[dataset.source],
        seconds=Seconds(
            train=_seconds(select(dataset.pairs, "train")),
            validation=_seconds(select(dataset.pairs, "validation")),
            test=_seconds(select(dataset.pairs, "test")),
        ),
        split=dataset.split,
        evaluation=evaluation,
        trained=trained,
        training=training,
        transport_rms_percent=None if transport is None else transport.rms_percent,
        noise_dbfs=None if silent is None else silent.level_dbfs,
        modulation_db=None if noise is None else noise.modulation_db,
        weights_sha256=digest(weights_of(core, transport, noise, behind)),
        log_sha256=digest(log),
        generators=[*trials, *heard],
        limits=limits_of(
            dataset.source,
            dataset.pairs,
            dataset.reference_dbfs,
            trained=trained,
            moves=transport is not None,
            hisses=silent is not None,
            modulates=noise is not None and noise.unevenness is not None,
        ),
        doubts=doubts_of(dataset),
    )
    return Model(card, core, transport, noise, behind)


def _behind(
    dataset: Dataset, noise: NoiseGenerator | None, sample_rate: int
) -> tuple[NoiseGenerator | None, NoiseGenerator | None]:
    """What comes behind a decoder, and what is heard in silence."""
    if dataset.behind is None:
        return None, noise
    silent = behind = NoiseGenerator.fit(dataset.behind, sample_rate)
    if dataset.silence is not None and dataset.companding is not None and behind is not None:
        decoder = dataset.companding.decoder(1, sample_rate, dataset.reference_dbfs)
        decoded = decoder.process((dataset.silence - dataset.silence.mean())[None])[0]
        quiet = NoiseGenerator.fit(decoded[round(SETTLING_S * sample_rate) :], sample_rate)
        behind = behind if quiet is None else behind.less(quiet)
    return behind, silent


def _result_lines(core: str, evaluation: Evaluation, trained: bool, fit_s: float) -> list[str]:
    if not trained:
        return [
            f"{core}: ESR {_esr(evaluation.esr)} on the same material, no better than the linear filter: it counts as untrained; "
            "give more or louder material, in which the tape bends the sound, or more --minutes"
        ]
    lines = [
        f"{core}: ESR {_esr(evaluation.esr)} on the same material, {evaluation.gain:.1f} times below the linear filter "
        f"(fitted in {fit_s:.0f} s)"
    ]
    if evaluation.harmonic_error_db is not None and evaluation.level_error_db is not None:
        lines.append(
            f"test tones: level within {evaluation.level_error_db:.2f} dB RMS, second and third harmonic within "
            f"{evaluation.harmonic_error_db:.1f} dB RMS"
        )
    return lines


def _trial_line(trial: Trial) -> str:
    what = "wow and flutter" if trial.of == "transport" else "noise"
    if trial.test is None:
        return f"{what}, {trial.kind}: too little was held out to test it"
    told = "told from" if trial.test.rejects else "not told from"
    advice = "; the model card recommends it" if trial.recommended and not trial.used else ""
    return (
        f"{what}, {trial.kind}: {told} {trial.test.windows} held-out windows (energy distance {trial.test.statistic:.2f}, "
        f"p = {trial.test.p_value:.2g}){advice}"
    )


def _floor_line(floor: Floor) -> str:
    parts = [f"timing {_esr(floor.timing)}"]
    if floor.modulation is not None:
        parts.insert(0, f"modulation noise {_esr(floor.modulation)}")
    if floor.noise is not None:
        parts.insert(0, f"noise {_esr(floor.noise)}")
    if floor.replicate is not None:
        parts.append(f"two passes of the tape differ by {_esr(floor.replicate)}")
    return f"floor under the error of any model: about ESR {_esr(floor.esr)} ({', '.join(parts)})"


def _esr(value: float) -> str:
    return f"{value:.2g}"


def _seconds(pairs: Sequence[Pair]) -> float:
    return round(sum(pair.seconds for pair in pairs), 3)
