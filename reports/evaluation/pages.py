"""The evaluation as PDF: goals and errors on the first page, then the bench, deck and model in the same axes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from modeling.card import Card
from modeling.likeness import Likeness
from reports.comparison.differences import compare
from reports.comparison.figures import Member, beside, pages
from reports.comparison.tables import differences_page, not_compared_page
from reports.evaluation.document import ModelEvaluation
from reports.evaluation.goals import ORDERS, Deviation, Goal
from reports.header import ReportHeader
from reports.numbers import NARROW_SPACE, Number, bare, number
from reports.pages import Cell, Page, Table
from reports.readings import Reading, pool
from reports.report import printed_page
from reports.typesetting import EVALUATION, typeset
from reports.wording import describe, long_date, plain, quantity_name, shortened
from sessions.manifest import SessionManifest
from sessions.results import Measurements

DECK, MODEL = "deck", "model"
MEASURES: Mapping[str, str] = {
    "si_snr_db": "Scale-invariant signal to noise (dB), more is better",
    "multi_resolution_stft": "Multi-resolution STFT loss",
    "log_spectral_distance_db": "Log-spectral distance (dB)",
    "mel_cepstral_distortion_db": "Mel-cepstral distortion (dB)",
    "loudness_difference_db": "Loudness, model less deck (LU)",
}
SIDES = ("Deck", "Model", "Difference")
HELD_OUT_HEADS = ["", "Model", "Plain filter", "Floor"]
_NAME_OF_ORDER = {2: "second", 3: "third", 4: "fourth", 5: "fifth"}


def build_evaluation(
    found: ModelEvaluation, card: Card, manifest: SessionManifest, deck: Measurements, model: Measurements
) -> bytes:
    """Set the evaluation.

    Parameters
    ----------
    deck, model : Measurements
        What the bench says of both; empty where the model was not put there.

    Returns
    -------
    bytes
        The PDF; the same for the same input.

    Raises
    ------
    TapeError
        The compiler refuses the document.
    """
    figures: dict[str, bytes] = {}
    header = ReportHeader.of_manifest(manifest)
    key = f"Model {card.name} beside the deck, {shortened(header.deck, 60)}"
    program = f"tape {found.tool_version}".strip()
    document = {
        "title": "Evaluation of a model",
        "deck": card.name,
        "program": program,
        "running": [shortened(key, 80), f"Session {found.session}"],
        "lead": lead(found.goals) if found.goals else f"The model was not put on the bench: {found.no_bench}.",
        "facts": _facts(found, card, header),
        "goals": [goal_row(goal) for goal in found.goals],
        "pages": [
            printed_page(page, "", figures)
            for page in (held_out_page(found), *_bench_pages(deck, model, key, manifest, header), _state_page(found))
        ],
    }
    return typeset(document, figures, EVALUATION)


def lead(goals: Sequence[Goal]) -> str:
    """How many goals are met, in a sentence."""
    asked = [goal for goal in goals if goal.asked]
    met = sum(goal.verdict == "within" for goal in asked)
    text = f"The model meets {met} of {len(asked)} goals"
    missed = [goal.subject[:1].lower() + goal.subject[1:] for goal in asked if goal.verdict == "outside"]
    return text + (f"; outside: {', '.join(missed)}." if missed else ".")


def goal_row(goal: Goal) -> Mapping[str, Any]:
    """A goal as the template and the terminal print it."""
    worst = goal.worst
    return {
        "subject": goal.subject,
        "asked": goal.asked,
        "found": "" if worst is None else f"{_difference(worst)}{NARROW_SPACE}{goal.unit}",
        "beside": "" if worst is None else _beside(goal, worst),
        "where": "" if worst is None else where(worst),
        "count": f"{goal.outside} of {len(goal.deviations)}" if goal.outside else "",
        "verdict": "" if goal.verdict == "no goal" else goal.verdict,
    }


def where(deviation: Deviation) -> str:
    """Where a figure was read."""
    conditions = dict(deviation.conditions)
    order, of = conditions.pop("order", None), conditions.pop("of", None)
    what = [f"{_NAME_OF_ORDER[int(order)]} harmonic"] if order is not None else []
    what += [quantity_name(str(of))] if of is not None else []
    return ", ".join(filter(None, [*what, describe(conditions)]))


def _difference(deviation: Deviation) -> str:
    printed = number(deviation.difference, deviation.doubt) if deviation.doubt else number(deviation.difference, 0.05)
    sign = "+" if deviation.difference > 0 else ""
    return sign + str(printed if deviation.doubt else replace(printed, plus_minus=""))


def _beside(goal: Goal, worst: Deviation) -> str:
    small = 0.0005 if goal.unit == "%" else 0.05
    return f"{bare(worst.deck, small)} → {bare(worst.model, small)}"


def _facts(found: ModelEvaluation, card: Card, header: ReportHeader) -> list[tuple[str, str]]:
    passes = f"{found.passes} of the deck, {found.passes} of the model" if found.passes else ""
    pairs = [
        ("Core", card.core + ("" if card.trained else ", counts as untrained")),
        ("Deck", header.deck),
        ("Session", found.session),
        ("Take, track", f"{found.take}, {plain(found.track) if found.track is not None else '–'}"),
        ("Play passes", passes),
        ("Evaluated", long_date(found.created)),
    ]
    return [(label, text) for label, text in pairs if text]


def held_out_page(found: ModelEvaluation, title: str = "Held-out material") -> Page:
    """Errors and measures of likeness on what the model did not learn from, beside plain filter and floor."""
    held = found.held_out
    error = held.evaluation
    rows: list[list[Cell]] = [
        ["Error to signal (ESR)", _esr(error.esr), _esr(error.baseline_esr), _esr(error.floor_esr)],
        ["of that above the floor", _esr(error.excess_esr), None, None],
        ["ESR after pre-emphasis", _esr(error.emphasised_esr), _esr(error.baseline_emphasised_esr), None],
        *(
            [name, *(_measure(of, key) for of in (held.model, held.plain_filter, held.floor))]
            for key, name in MEASURES.items()
        ),
    ]
    caption = (
        "The plain filter is the least-squares one. The floor of the ESR is what noise and timing leave; that of the other"
        " measures is met by two drawings of one hiss on the same sound"
    )
    speed = f"The core runs {bare(held.pace.whole, 1)} times faster than real time over a whole file, and"
    speed += f" {bare(held.pace.block_256, 0.1)} times in blocks of 256 samples, on one thread."
    table = Table(caption, HELD_OUT_HEADS, rows, frozenset({1, 2, 3}))
    seconds = f"{bare(error.seconds, 1)}{NARROW_SPACE}s that the model did not learn from"
    return Page(title, "", seconds, [table], remark=speed)


def _esr(value: float | None) -> Cell:
    return None if value is None else Number(f"{value:.2g}", "")


def _measure(of: Likeness | None, key: str) -> Cell:
    return None if of is None else bare(getattr(of, key), 0.05)


def _bench_pages(
    deck: Measurements, model: Measurements, key: str, manifest: SessionManifest, header: ReportHeader
) -> list[Page]:
    if not model.results:
        return []
    members = [Member(DECK, manifest.deck, header, deck), Member(MODEL, "model", header, model)]
    compared = compare(deck, model, (DECK, MODEL))
    found = [page for group in beside(members) for page in pages(group, key)]
    lost = not_compared_page(compared, (DECK, MODEL))
    return [harmonics_page(deck, model), *found, differences_page(compared, (DECK, MODEL), key), *([lost] if lost else [])]


def harmonics_page(deck: Measurements, model: Measurements) -> Page:
    """Every harmonic of every tone, as far as either has it."""
    tables = []
    for order in ORDERS:
        theirs = {_place(r.conditions): r for r in pool(model.find(f"harmonic_{order}"))}
        rows = [_harmonic(r, theirs.get(_place(r.conditions))) for r in pool(deck.find(f"harmonic_{order}"))]
        told = [row for row in rows if row[2:4] != [None, None]]
        if told:
            name = quantity_name(f"harmonic_{order}")
            tables.append(Table(f"{name}, dB re fundamental", ["Tone", "Sent at", *SIDES], told, frozenset({2, 3, 4})))
    lead = "" if tables else "Neither has a harmonic above the noise."
    return Page("Harmonics", lead, "– is below the noise", [tables] if tables else [])


def _harmonic(deck: Reading, model: Reading | None) -> list[Cell]:
    tone, level = (plain(deck.conditions.get(key, 0.0)) for key in ("frequency_hz", "level_db"))
    one, other = (None if r is None or not r.values else r.mean for r in (deck, model))
    apart = None if one is None or other is None else other - one
    cells = [None if v is None else bare(v, 0.5) for v in (one, other, apart)]
    return [f"{tone}{NARROW_SPACE}Hz", f"{level}{NARROW_SPACE}dB", *cells]


def _place(conditions: Mapping[str, Any]) -> tuple[Any, Any]:
    return conditions.get("frequency_hz"), conditions.get("level_db")


def _state_page(found: ModelEvaluation) -> Page:
    """What exactly was evaluated."""
    said = [("Weights, SHA-256", found.weights_sha256)]
    if found.seed is not None:
        said.append(("Seed of motion and hiss", plain(found.seed)))
    return Page("What was evaluated", "", "", [], missing=said, missing_head="State of the model")
