"""Training: from a data set to a model on disk, with the linear filter solved and told first, always."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from modeling.assembly import assemble, joined
from modeling.compander import CompandedCore
from modeling.compander_around import around
from modeling.config import CONFIG, Config
from modeling.cores import NETWORKS
from modeling.cores.core import Core, Material, Progress, Run
from modeling.cores.linear import LinearCore
from modeling.dataset import Dataset
from modeling.doubts import doubts_of
from modeling.evaluation import Evaluation, evaluate, pooled
from modeling.floor import Floor
from modeling.generators.trial import Trial
from modeling.journal import LINES
from modeling.model import Family, Model, save
from modeling.pairs import Pair, select
from modeling.processes import rank
from modeling.settings import in_words
from modeling.underway import CHECKPOINT, planned, underway

BETTER = 0.95
"""Part of the linear filter's error below which a model counts as trained."""

LINEAR = "the linear filter is the model; it makes no harmonics"


@dataclass(frozen=True)
class Outcome:
    """What became of a training run.

    Attributes
    ----------
    model : Model
        At its first setting.
    folder : Path
        Where it was written.
    evaluation : Evaluation
        On held-out material, with the linear filter and the floor beside it; over all settings.
    lines : list of str
        The same in words, to be printed.
    family : Family
        At all settings.
    doubts : list of str
        What spoke against the material.
    """

    model: Model
    folder: Path
    evaluation: Evaluation
    lines: list[str]
    family: Family
    doubts: list[str]


def train(
    dataset: Dataset | Sequence[Dataset],
    models: Path,
    core: str,
    *,
    name: str | None = None,
    resume: bool = False,
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
    dataset : Dataset or sequence of Dataset
        Several for several settings, one each; see :mod:`modeling.pooling`.
    models : Path
        Folder of the models of a session.
    core : str
        Name of the core; see :mod:`modeling.cores`.
    name : str, optional
        Of the model; by default that of the core, with a number if it is taken.
    sessions : sequence of Path
        Where the data sets are from, to be written down.
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
    lots = [dataset] if isinstance(dataset, Dataset) else list(dataset)
    said = [f"{in_words(lot.setting)}: " if len(lots) > 1 else "" for lot in lots]
    doubts = [at + doubt for lot, at in zip(lots, said, strict=True) for doubt in doubts_of(lot)]
    for doubt in doubts:
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

        run = Run(progress=report, log=journal.tell, checkpoint=running / CHECKPOINT, **config.of_run())
        runs = [_at(run, lots, number) for number in range(len(lots))]
        baselines: list[Core] = []
        first: list[Evaluation] = []
        for lot, at_one, at in zip(lots, runs, said, strict=True):
            baselines.append(LinearCore.fit(_material(lot, lot.pairs), at_one))
            first.append(evaluate(baselines[-1], lot.pairs, lot.floor))
            tell(f"{at}linear filter (least squares): ESR {_esr(first[-1].esr)} on held-out material")
            tell(at + _floor_line(lot.floor))
        started = time.monotonic()
        solved = kind is LinearCore and all(lot.companding is None for lot in lots)
        cores = baselines if solved else _fit(kind, lots, run, runs)
        lots = [_around(lot, own) for lot, own in zip(lots, cores, strict=True)]
        fit_s = time.monotonic() - started
        resolved = config.resolved(journal.records).seen_from(folder, sessions)
        settings: dict[str, str | int | float] = {"seed": config.seed, "minutes": config.minutes, "fit_s": fit_s}
        members = []
        found: dict[str, Evaluation] = {}
        for lot, own, baseline, plain, at in zip(lots, cores, baselines, first, said, strict=True):
            still = own if lot.companding is None else CompandedCore(own, lot.companding)
            evaluation = evaluate(still, lot.pairs, lot.floor, baseline)
            found[in_words(lot.setting)] = evaluation
            trained = still.bends and evaluation.esr < BETTER * plain.esr
            for line in [LINEAR] if still is baseline else _result_lines(config.core, evaluation, trained, fit_s):
                tell(at + line)
            log = journal.contents[LINES]
            members.append(assemble(lot, own, evaluation, folder.name, trained, settings, log, resolved, progress))
        whole = evaluation if len(lots) == 1 else pooled(found, [select(lot.pairs, "test") for lot in lots])
        family = joined(members, [lot.setting for lot in lots], whole)
        for at, member in zip(said, members, strict=True):
            for line in map(_trial_line, member.card.generators):
                tell(at + line)
        if rank() == 0:
            save(family, folder, {**journal.contents, CONFIG: resolved.to_json()})
        return Outcome(family.members[0], folder, whole, lines, family, doubts)


def _material(dataset: Dataset, pairs: Sequence[Pair]) -> Material:
    train, validation, tone, ladder = (select(pairs, split) for split in ("train", "validation", "tone", "ladder"))
    return Material(train, validation, dataset.reference_dbfs, tone, ladder)


def _at(run: Run, lots: Sequence[Dataset], number: int) -> Run:
    """The run for one of several settings, each with its share of the time, a state of its own and its name in the log."""
    count = len(lots)
    if count == 1:
        return run
    words = in_words(lots[number].setting)
    path = run.checkpoint if number == 0 or run.checkpoint is None else run.checkpoint.with_name(f"{CHECKPOINT}-{number}")
    return replace(
        run,
        minutes=run.minutes / count,
        checkpoint=path,
        progress=lambda made: run.progress(Progress((number + made.fraction) / count, None, f"{words}: {made.note}")),
        log=lambda record: run.log({"setting": words, **record}),
    )


def _fit(kind: type[Core], lots: Sequence[Dataset], run: Run, runs: Sequence[Run]) -> list[Core]:
    """A core for each setting, of what lies between the halves of the compander; of networks one that is told the setting."""
    materials = [_material(lot, _between_halves(lot)) for lot in lots]
    if len(lots) > 1 and kind.name in NETWORKS:
        from modeling.cores.conditioned import fit

        return fit(kind, materials, [lot.setting for lot in lots], run)
    return [kind.fit(material, own) for material, own in zip(materials, runs, strict=True)]


def _between_halves(dataset: Dataset) -> list[Pair]:
    if dataset.between or dataset.companding is None:
        return dataset.taught
    return [dataset.companding.taken_off(pair, dataset.reference_dbfs) for pair in dataset.pairs if pair.split != "test"]


def _around(dataset: Dataset, core: Core) -> Dataset:
    """With the halves fitted around a core that has not heard them."""
    if not dataset.between or dataset.companding is None or not core.bends:
        return dataset
    return replace(dataset, companding=around(core, dataset.companding, dataset.pairs))


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
    if trial.test is None and trial.kind != "parametric" and not trial.used:
        return f"{what}, {trial.kind}: too little was recorded for a net to learn from; the model's is parametric"
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
