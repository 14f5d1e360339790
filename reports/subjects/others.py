"""Everything measured that no page of its own speaks of, so that nothing is left out."""

from collections.abc import Sequence

from reports.pages import Page, Table, by_track, conditions_line, methods, missing, passes_phrase
from reports.readings import Setup
from reports.subjects import dbx, distortion, noise, over_frequency, response, steadiness, timebase, tracks, wow_flutter
from reports.wording import quantity_name

_WITH_PAGES = (dbx, timebase, wow_flutter, response, distortion, over_frequency, noise, steadiness, tracks)
_SPOKEN_OF = {q for subject in _WITH_PAGES for q in subject.QUANTITIES}


def page(setup: Setup) -> Page | None:
    """Further figures by track, and the curves that are kept as CSV only; None where there are but such curves."""
    quantities = [q for q in setup.quantities if q not in _SPOKEN_OF]
    readings = setup.readings(*quantities)
    if not readings:
        return None
    blocks: list[Table | Sequence[Table]] = []
    table = by_track(readings, passes_phrase(readings))
    if table:
        blocks.append(table)
    drawn_nowhere = [c for q in quantities for c in setup.curves(q)]
    if drawn_nowhere:
        counts = {q: sum(c.passes for c in drawn_nowhere if c.quantity == q) for q in quantities}
        rows = [[quantity_name(q), str(count)] for q, count in counts.items() if count]
        blocks.append(Table("Curves kept as CSV files with the session and not drawn here", ["Curve", "Files"], rows))
    return Page(
        title="Further figures",
        lead="",
        conditions=conditions_line(setup, quantities),
        blocks=blocks,
        missing=missing(readings),
        methods=methods(setup, quantities),
    )
