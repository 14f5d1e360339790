"""The card of a model as a page: what it learnt from, how close it comes, what it does not know, and the digests of all of it."""

from collections.abc import Sequence

from modeling.card import Card, SettingCard
from modeling.generators.trial import Trial
from reports.evaluation.document import ModelEvaluation
from reports.evaluation.summary import goal_row, held_out_table, lead, speed
from reports.numbers import NARROW_SPACE, Number, bare
from reports.pages import Cell, Page, Table
from reports.wording import describe, long_date, plain, shortened

_NAMES = {"seed": "seed", "minutes": "minutes allowed", "fit_s": "seconds taken"}


def card_page(card: Card, evaluation: ModelEvaluation | None = None) -> Page:
    """One model, with its evaluation on the bench where that was made."""
    goals = evaluation.goals if evaluation else ()
    blocks = [_material(card)]
    if evaluation is not None:
        blocks.append(held_out_table(evaluation.held_out))
    elif card.evaluation is not None:
        blocks.append(_errors(card))
    if card.settings:
        blocks.append(_settings(card))
    trials = [("", card.generators), *((_words(setting), setting.generators) for setting in card.settings)]
    if any(generators for _, generators in trials):
        blocks.append(_generators(trials))
    if goals:
        rows = [goal_row(goal) for goal in goals if goal.asked]
        cells: list[list[Cell]] = [[r["subject"], r["asked"], r["found"], r["verdict"]] for r in rows]
        caption = (
            f"On the bench beside the deck, {long_date(evaluation.created) if evaluation else ''}; evaluation.pdf has all"
        )
        blocks.append(Table(caption, ["Goal", "Asked", "Largest difference", ""], cells))
    return Page(
        title=f"Model {card.name}",
        lead=lead(goals) if goals else "",
        conditions=f"Core {card.core} at {plain(card.sample_rate)}{NARROW_SPACE}Hz, made {long_date(card.created)}",
        blocks=blocks,
        missing=[*_limits(card), *_state(card)],
        missing_head="What it does not know, and what exactly it is",
        remark=speed(evaluation.held_out) if evaluation else "",
    )


def _material(card: Card) -> Table:
    rows: list[list[Cell]] = [
        [source.take, "–" if source.track is None else plain(source.track), describe(source.conditions)]
        for source in card.sources
    ]
    heads = ["Take", "Track", "Conditions"]
    if len({source.session for source in card.sources}) > 1:
        heads.insert(0, "Session")
        rows = [[source.session, *row] for source, row in zip(card.sources, rows, strict=True)]
    seconds = card.seconds
    caption = (
        f"What it learnt from: {seconds.train:.0f}{NARROW_SPACE}s, with {seconds.validation:.0f}{NARROW_SPACE}s to choose by and"
        f" {seconds.test:.0f}{NARROW_SPACE}s held out, {card.split}"
    )
    return Table(caption, heads, rows)


def _errors(card: Card) -> Table:
    error = card.evaluation
    found = (None, None, None) if error is None else (error.esr, error.baseline_esr, error.floor_esr)
    row: list[Cell] = ["Error to signal (ESR)", *(None if v is None else Number(f"{v:.2g}", "") for v in found)]
    caption = "On held-out material; 'tape evaluate' puts the model on the bench beside the deck"
    return Table(caption, ["", "Model", "Plain filter", "Floor"], [row], frozenset({1, 2, 3}))


def _settings(card: Card) -> Table:
    """What the model comes to at each of its settings, and what it adds there."""
    rows: list[list[Cell]] = []
    for setting in card.settings:
        error = setting.evaluation
        found = (None, None, None) if error is None else (error.esr, error.baseline_esr, error.floor_esr)
        wow, hiss = setting.transport_rms_percent, setting.noise_dbfs
        rows.append(
            [
                _words(setting),
                *(None if value is None else Number(f"{value:.2g}", "") for value in found),
                None if wow is None else Number(f"{wow:.3f}", ""),
                None if hiss is None else bare(hiss, 0.1),
            ]
        )
    caption = (
        "At each setting: ESR on held-out material, wow and flutter (RMS, unweighted) and noise in silence that it adds"
    )
    heads = ["Setting", "Model", "Plain filter", "Floor", "Wow and flutter (%)", "Noise (dBFS)"]
    return Table(caption, heads, rows, frozenset({1, 2, 3, 4, 5}))


def _words(setting: SettingCard) -> str:
    return describe(setting.values)


def _generators(trials: Sequence[tuple[str, Sequence[Trial]]]) -> Table:
    """How what the model adds, at each setting, fared against what was measured and not learnt from."""
    rows: list[list[Cell]] = []
    for where, trial in ((where, trial) for where, generators in trials for trial in generators):
        test = trial.test
        found = [None, None] if test is None else [Number(f"{test.statistic:.2f}", ""), Number(f"{test.p_value:.2g}", "")]
        said = (
            "too little was held out" if test is None else "told from the deck" if test.rejects else "not told from the deck"
        )
        marks = [word for word, so in (("used", trial.used), ("recommended", trial.recommended)) if so]
        what = "Wow and flutter" if trial.of == "transport" else "Noise"
        rows.append([", ".join(filter(None, (what, trial.kind, where))), *found, said, ", ".join(marks)])
    caption = "What it adds, against held-out motion and noise: told from the deck where p is 0.05 or less"
    return Table(caption, ["Generator", "Energy distance", "p", "", ""], rows, frozenset({1, 2}))


def _limits(card: Card) -> list[tuple[str, str]]:
    said = []
    of: list[tuple[str, Card | SettingCard]] = [
        ("", card),
        *((f" at {_words(setting)}", setting) for setting in card.settings),
    ]
    for at, told in of:
        said.append((f"Limits{at}", " ".join(told.limits)))
        said.append((f"Doubts about the material{at}", "; ".join(told.doubts)))
    return [(head, text) for head, text in said if text]


def _state(card: Card) -> list[tuple[str, str]]:
    """Seeds and digests."""
    known = {name: card.training[key] for key, name in _NAMES.items() if key in card.training}
    settings = [f"{name} {plain(value) if isinstance(value, str) else f'{value:.3g}'}" for name, value in known.items()]
    digests = [f"model.safetensors {card.weights_sha256}"]
    digests += [f"training.jsonl {card.log_sha256}"] if card.log_sha256 else []
    digests += [f"config.json {card.config_sha256}"] if card.config_sha256 else []
    digests += [f"{shortened(name, 40)} {sha}" for source in card.sources for name, sha in source.files.items()]
    trained = [("Training", ", ".join(settings) + ".")] if settings else []
    return [*trained, ("SHA-256", "; ".join(digests) + ".")]
