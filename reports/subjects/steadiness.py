"""How steadily the tape returns a level: dropouts and level stability."""

from reports.pages import Page, by_track, conditions_line, methods, missing, over_tracks, passes_phrase
from reports.readings import Setup
from reports.wording import capital

QUANTITIES = ("level_stability", "dropouts_per_minute")


def page(setup: Setup) -> Page | None:
    """Both figures by track."""
    readings = setup.readings(*QUANTITIES)
    if not readings:
        return None
    table = by_track(readings, passes_phrase(readings))
    return Page(
        title="Level and dropouts",
        lead=lead(setup),
        conditions=conditions_line(setup, QUANTITIES),
        blocks=[table] if table else [],
        missing=missing(readings),
        methods=methods(setup, QUANTITIES),
    )


def lead(setup: Setup) -> str:
    """Level stability and rate of dropouts, in a sentence."""
    parts = []
    for quantity, words in (("level_stability", "the level of a steady tone holds to {}"), ("dropouts_per_minute", "{}")):
        found = [r for r in setup.readings(quantity) if r.values]
        if not found:
            continue
        if quantity == "dropouts_per_minute":
            most = max(r.mean for r in found)
            parts.append("no dropouts were met" if most == 0.0 else f"up to {most:.2g} dropouts a minute")
        else:
            parts.append(words.format(over_tracks(found)))
    return capital("; ".join(parts)) + "." if parts else ""
