"""Methods and sources: what every figure of the report is, by which standard or paper, and which function computes it."""

from reports.pages import Cell, Page, Table
from reports.sources import rows
from reports.wording import quantity_name
from sessions.results import Curve, Measurements, Result


def page(measurements: Measurements) -> Page:
    """One row a source, for the quantities that the session holds."""
    methods: dict[str, dict[str, None]] = {}
    items: list[Result | Curve] = [*measurements.results, *measurements.curves]
    for item in items:
        methods.setdefault(item.quantity, {})[item.method] = None
    body: list[list[Cell]] = [
        ["; ".join(map(quantity_name, quantities)), definition, basis, _short(functions)]
        for quantities, definition, basis, functions in rows(methods)
    ]
    heads = ["Figure", "What it is", "Standard, clause, paper", "Computed by analysis."]
    caption = (
        "How each was found in this session stands on its page; docs/methods.md, part of the program, gives the formulae"
    )
    return Page("Methods and sources", "", "", [Table(caption, heads, body, long=True)])


def _short(functions: str) -> str:
    """Names of functions without that of their room, which the head of the column says, and with breaks allowed inside."""
    return functions.replace("analysis.", "").replace("_", "_\u200b")
