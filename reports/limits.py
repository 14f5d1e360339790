"""Where the interface, and not the deck, decides a figure: as a remark under the page that the figure stands on."""

from collections.abc import Iterable

from analysis.interface import ALONE, NEAR_DB
from reports.readings import Reading
from reports.wording import capital, describe, describe_all, plain_number, quantity_name, sentence

FEW = 4


def interface_remark(readings: Iterable[Reading]) -> str:
    """What the notes of figures say of the interface: each while they are few, which figures when they are many."""
    near = [(r, note) for r in readings if r.values for note in r.remarks if ALONE in note]
    if not near:
        return ""
    if len(near) <= FEW:
        return " ".join(sentence(f"{_name(reading)}: {note}") for reading, note in near)
    names = "; ".join(dict.fromkeys(quantity_name(reading.quantity) for reading, _ in near))
    places = describe_all([reading.conditions for reading, _ in near])
    return capital(
        f"the interface alone comes within {plain_number(NEAR_DB)}\u202fdB of {len(near)} figures: {names} ({places})."
        " Their notes in measurements.json give its share."
    )


def _name(reading: Reading) -> str:
    where = describe(reading.conditions, ("speed_cm_s", "dbx"))
    return quantity_name(reading.quantity) + (f" ({where})" if where else "")
