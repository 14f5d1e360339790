"""The report of one session: PDF and figures, from results alone."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from reports import summary
from reports.expected import CONFIDENCE, Expected, expectations
from reports.header import ReportHeader
from reports.numbers import Number
from reports.pages import OWN_HEAD, OWN_TAPE, Cell, Page, Plot, Table
from reports.readings import Setup, by_setup
from reports.style import svg
from reports.subjects import GATHERED, SUBJECTS, appendix, positions, response
from reports.subjects.model import card_page
from reports.subjects.models import ModelSummary, models_page
from reports.subjects.positions import by_speed
from reports.typesetting import typeset
from reports.wording import condition_text, listing, long_date, shortened
from sessions.results import Measurements


@dataclass(frozen=True)
class Report:
    """A report as bytes; the caller writes the files.

    Attributes
    ----------
    pdf : bytes
        ``report.pdf``.
    figures : dict of str to bytes
        SVG by name, without extension.
    """

    pdf: bytes
    figures: dict[str, bytes]


def build_report(
    measurements: Measurements,
    header: ReportHeader,
    models: Sequence[ModelSummary] = (),
    known: Sequence[Expected] | None = None,
) -> Report:
    """Make the report of a session.

    Parameters
    ----------
    measurements : Measurements
        Everything that was measured, invalid figures included.
    header : ReportHeader
        Facts of the session.
    models : sequence of ModelSummary, optional
        Models that were trained from this session.
    known : sequence of Expected, optional
        What is expected of the deck; by default what is known of a deck of the header's name.

    Returns
    -------
    Report
        The same bytes for the same input.

    Raises
    ------
    TapeError
        The compiler refuses the document.
    """
    setups = by_setup(measurements)
    known = expectations(header.deck) if known is None else known
    figures: dict[str, bytes] = {}
    groups = by_speed(setups)
    first = _summary(groups, header, known, figures)
    pages = []
    for subject in SUBJECTS:
        for setup, *_ in groups:
            page = subject(setup)
            if page is not None:
                pages.append(_page(page, setup, figures, header))
    for group in groups:
        for gathered in GATHERED:
            page = gathered(group)
            if page is not None:
                pages.append(_page(page, _of_speed(group, groups), figures, header))
    trained = models_page(models)
    if trained is not None:
        pages.append(_page(trained, Setup("", "", {}, measurements), figures, header))
    pages += [
        printed_page(card_page(model.card, model.evaluation), "", figures) for model in models if model.card is not None
    ]
    if measurements.results:
        pages.append(printed_page(appendix.page(measurements), "", figures))
    document = {
        "title": "Cassette deck measurement report",
        "deck": header.deck,
        "date": shortened(long_date(header.created), 50),
        "program": f"tape {header.tool_version}".strip(),
        "running": [shortened(header.deck, 70), shortened(header.session, 50)],
        "facts": header.facts(),
        "notes": header.notes,
        "faults": [*header.faults, *summary.warnings(measurements)],
        "summary": first,
        "pages": pages,
    }
    return Report(typeset(document, figures), figures)


def _of_speed(group: Sequence[Setup], groups: Sequence[Sequence[Setup]]) -> Setup:
    """What sets the positions of one speed apart from those of another."""
    speed = group[0].conditions.get("speed_cm_s")
    if len(groups) < 2 or speed is None:
        return replace(group[0], label="", slug="")
    return replace(group[0], label=condition_text("speed_cm_s", speed), slug=f"speed_cm_s_{speed}")


def _summary(
    every: Sequence[Sequence[Setup]], header: ReportHeader, known: Sequence[Expected], figures: dict[str, bytes]
) -> Mapping[str, Any]:
    setups = [group[0] for group in every]
    columns = summary.tracks(setups)
    table = summary.rows(setups, known)
    sources = list(dict.fromkeys(_source(row.expected) for row in table if row.expected is not None))
    reasons = list(dict.fromkeys(item for row in table for item in row.missing))
    small = response.thumbnail(setups[0])
    if small is not None:
        figures[small.name] = svg(small.figure)
    groups = [
        {
            "label": setup.label,
            "rows": [
                {
                    "label": row.label,
                    "detail": row.detail,
                    "spread": _cell(row.spread),
                    "unit": row.unit,
                    "cells": [_cell(c) for c in row.cells],
                    "wide": row.deck_wide,
                    "expected": row.expected.text if row.expected else "",
                    "source": sources.index(_source(row.expected)) + 1 if row.expected else 0,
                    "verdict": row.verdict,
                    "reasons": [reasons.index(item) for item in row.missing],
                }
                for row in table
                if row.setup == setup.label
            ],
        }
        for setup in setups
    ]
    absent = summary.absent(setups)
    return {
        "columns": summary.heads(columns),
        "groups": [group for group in groups if group["rows"]],
        "spread": any(row.spread for row in table),
        "judged": any(row.expected is not None for row in table),
        "sources": sources,
        "reasons": [f"{what}: {why}" for what, why in reasons],
        "absent": f"Not part of this session: {listing([a.lower() for a in absent])}." if absent else "",
        "sentences": [
            *summary.sentences(setups, table),
            *(("dbx", text) for group in every if len(group) > 1 and (text := positions.lead(group))),
        ],
        "thumbnail": {"name": small.name, "caption": small.caption} if small else None,
        "hidden": OWN_TAPE if header.own_tape else "",
    }


def _source(expected: Expected) -> str:
    return f"{expected.source} ({CONFIDENCE[expected.confidence]})."


def _page(page: Page, setup: Setup, figures: dict[str, bytes], header: ReportHeader) -> Mapping[str, Any]:
    hidden = page.remark in (OWN_TAPE, OWN_HEAD) and not header.own_tape
    title = page.title + (f", {setup.label}" if setup.label else "")
    return printed_page(replace(page, title=title, remark="" if hidden else page.remark), setup.slug, figures)


def printed_page(page: Page, slug: str, figures: dict[str, bytes]) -> Mapping[str, Any]:
    """A page as the template wants it; its figures go into `figures`, under names that end in `slug`."""
    blocks: list[Mapping[str, Any]] = []
    for block in page.blocks:
        if isinstance(block, Plot):
            name = f"{block.name}_{slug}" if slug else block.name
            figures[name] = svg(block.figure)
            blocks.append({"kind": "plot", "name": name, "caption": block.caption})
        else:
            tables = [block] if isinstance(block, Table) else list(block)
            blocks.append({"kind": "tables", "tables": [_table(table) for table in tables]})
    return {
        "title": page.title,
        "lead": page.lead,
        "conditions": page.conditions,
        "blocks": blocks,
        "missing": page.missing,
        "missing_head": page.missing_head,
        "methods": page.methods,
        "remark": page.remark,
    }


def _table(table: Table) -> Mapping[str, Any]:
    return {
        "caption": table.caption,
        "long": table.long,
        "columns": [{"title": title, "numeric": i in table.numeric} for i, title in enumerate(table.columns)],
        "rows": [[_cell(c) for c in row] for row in table.rows],
    }


def _cell(cell: Cell) -> Mapping[str, str] | None:
    if cell is None:
        return None
    return asdict(cell) if isinstance(cell, Number) else {"text": cell}
