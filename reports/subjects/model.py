"""The card of a model as a page: what it learnt from, how close it comes, what it does not know, and the digests of all of it."""

from modeling.card import Card
from reports.evaluation.document import ModelEvaluation
from reports.evaluation.summary import goal_row, held_out_table, lead, speed
from reports.numbers import NARROW_SPACE, Number
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
    if card.generators:
        blocks.append(_generators(card))
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
    seconds = card.seconds
    caption = (
        f"What it learnt from: {seconds.train:.0f}{NARROW_SPACE}s, with {seconds.validation:.0f}{NARROW_SPACE}s to choose by and"
        f" {seconds.test:.0f}{NARROW_SPACE}s held out, {card.split}"
    )
    return Table(caption, ["Take", "Track", "Conditions"], rows)


def _errors(card: Card) -> Table:
    error = card.evaluation
    found = (None, None, None) if error is None else (error.esr, error.baseline_esr, error.floor_esr)
    row: list[Cell] = ["Error to signal (ESR)", *(None if v is None else Number(f"{v:.2g}", "") for v in found)]
    caption = "On held-out material; 'tape evaluate' puts the model on the bench beside the deck"
    return Table(caption, ["", "Model", "Plain filter", "Floor"], [row], frozenset({1, 2, 3}))


def _generators(card: Card) -> Table:
    """How what the model adds fared against what was measured and not learnt from."""
    rows: list[list[Cell]] = []
    for trial in card.generators:
        test = trial.test
        found = [None, None] if test is None else [Number(f"{test.statistic:.2f}", ""), Number(f"{test.p_value:.2g}", "")]
        said = (
            "too little was held out" if test is None else "told from the deck" if test.rejects else "not told from the deck"
        )
        marks = [word for word, so in (("used", trial.used), ("recommended", trial.recommended)) if so]
        what = "Wow and flutter" if trial.of == "transport" else "Noise"
        rows.append([f"{what}, {trial.kind}", *found, said, ", ".join(marks)])
    caption = "What it adds, against held-out motion and noise: told from the deck where p is 0.05 or less"
    return Table(caption, ["Generator", "Energy distance", "p", "", ""], rows, frozenset({1, 2}))


def _limits(card: Card) -> list[tuple[str, str]]:
    said = {"Limits": " ".join(card.limits), "Doubts about the material": "; ".join(card.doubts)}
    return [(head, text) for head, text in said.items() if text]


def _state(card: Card) -> list[tuple[str, str]]:
    """Seeds and digests."""
    known = {name: card.training[key] for key, name in _NAMES.items() if key in card.training}
    settings = [f"{name} {plain(value) if isinstance(value, str) else f'{value:.3g}'}" for name, value in known.items()]
    digests = [f"model.safetensors {card.weights_sha256}"]
    digests += [f"training.jsonl {card.log_sha256}"] if card.log_sha256 else []
    digests += [f"{shortened(name, 40)} {sha}" for source in card.sources for name, sha in source.files.items()]
    trained = [("Training", ", ".join(settings) + ".")] if settings else []
    return [*trained, ("SHA-256", "; ".join(digests) + ".")]
