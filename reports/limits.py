"""Where the interface, and not the deck, decides a figure: as a remark under the page that the figure stands on."""

from collections.abc import Iterable

from analysis.interface import ALONE, NEAR_DB
from reports.numbers import MINUS
from reports.readings import Reading
from reports.wording import describe, describe_all, plain_number, quantity_name, sentence

FEW = 4


def interface_remark(readings: Iterable[Reading]) -> str:
    """What the notes of figures say of the interface: each while they are few, which figures when they are many.

    Where passes differ, the note of the first stands for all.
    """
    near = [(r, notes[0]) for r in readings if r.values and (notes := [n for n in r.remarks if ALONE in n])]
    if len(near) <= FEW:
        return " ".join(sentence(f"{_name(reading)}: {note}").replace(" -", f" {MINUS}") for reading, note in near)
    names = "; ".join(dict.fromkeys(quantity_name(reading.quantity) for reading, _ in near))
    places = describe_all([_where(reading) for reading, _ in near])
    return (
        f"The interface alone comes within {plain_number(NEAR_DB)}\u202fdB of {len(near)} figures: {names}"
        + (f" ({places})" if places else "")
        + ". Their notes in measurements.json give its share."
    )


def _where(reading: Reading) -> dict[str, str | int | float]:
    return {key: value for key, value in reading.conditions.items() if key not in ("speed_cm_s", "dbx", "path")}


def _name(reading: Reading) -> str:
    where = describe(_where(reading))
    return quantity_name(reading.quantity) + (f" ({where})" if where else "")
