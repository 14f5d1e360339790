"""The evaluation as PDF: goals and errors on the first page, then the bench, deck and model in the same axes."""

from collections.abc import Mapping
from typing import Any

from modeling.card import Card
from reports.comparison.differences import compare
from reports.comparison.figures import Member, beside, pages
from reports.comparison.tables import differences_page, not_compared_page
from reports.evaluation.document import ModelEvaluation
from reports.evaluation.goals import ORDERS
from reports.evaluation.summary import goal_row, held_out_page, lead
from reports.header import ReportHeader
from reports.numbers import NARROW_SPACE, bare
from reports.pages import Cell, Page, Table
from reports.readings import Reading, pool
from reports.report import printed_page
from reports.typesetting import EVALUATION, typeset
from reports.wording import describe, long_date, plain, quantity_name, shortened
from sessions.manifest import SessionManifest
from sessions.results import Measurements

DECK, MODEL = "deck", "model"
SIDES = ("Deck", "Model", "Difference")


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


def _facts(found: ModelEvaluation, card: Card, header: ReportHeader) -> list[tuple[str, str]]:
    passes = f"{found.passes} of the deck, {found.passes} of the model" if found.passes else ""
    pairs = [
        ("Core", card.core + ("" if card.trained else ", counts as untrained")),
        ("Deck", header.deck),
        ("Session", found.session),
        ("Take, track", f"{found.take}, {plain(found.track) if found.track is not None else '–'}"),
        ("Setting", describe(found.setting)),
        ("Play passes", passes),
        ("Evaluated", long_date(found.created)),
    ]
    return [(label, text) for label, text in pairs if text]


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
