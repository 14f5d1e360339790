"""The verdict of a comparison in words: what changed and by how much, what stayed the same, what could not be told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reports.comparison.comparable import LEVEL, RESPONSE
from reports.comparison.differences import IN_NEITHER, OF_THE_START, Comparison, Difference, NotCompared
from reports.numbers import bare, number, unit_scale
from reports.subjects.response import SMALL_SIGNAL_DB
from reports.subjects.steadiness import COUNTED_DB
from reports.wording import capital, condition_text, describe, describe_all, listing, plain, quantity_name
from sessions.results import Condition

OF_THE_TONE: Mapping[str, Sequence[str]] = {
    "mol_315": ("frequency_hz",),
    "sol_10k": ("frequency_hz",),
    "dropouts_per_minute": ("frequency_hz", "level_db"),
    "level_stability": ("frequency_hz", "level_db"),
}
"""Conditions of the tone that say nothing of the figure."""
_MOST_NAMES = 4
_PLACE = ("track", "track_to", "from", "to")


@dataclass(frozen=True)
class Asked:
    """A figure that a reader asks for first, and the conditions it is asked for, nearest first."""

    subject: str
    quantity: str
    near: Mapping[str, float] = field(default_factory=dict)


_TONE = {"frequency_hz": 315.0, "level_db": 0.0}
_SMALL = {"level_db": SMALL_SIGNAL_DB}
ASKED: Sequence[Asked] = (
    Asked("speed", "speed_error"),
    Asked("speed", "speed_drift"),
    Asked("wow and flutter", "wow_flutter_weighted_2sigma"),
    Asked("wow and flutter", "wow_flutter_weighted_rms"),
    Asked("response", LEVEL, _SMALL),
    Asked("response", RESPONSE, {"frequency_hz": 100.0, **_SMALL}),
    Asked("response", RESPONSE, {"frequency_hz": 10_000.0, **_SMALL}),
    Asked("response", "bandwidth_low", _SMALL),
    Asked("response", "bandwidth_high", _SMALL),
    Asked("distortion", "thd", _TONE),
    Asked("distortion", "mol_315"),
    Asked("distortion", "sol_10k"),
    Asked("distortion", "imd_smpte", {"level_db": 0.0}),
    Asked("noise", "noise_a"),
    Asked("noise", "hum", {"frequency_hz": 50.0}),
    Asked("level", "level_stability"),
    Asked("level", "dropouts_per_minute", {"depth_db": COUNTED_DB}),
    Asked("tracks", "crosstalk", {"frequency_hz": 1000.0}),
    Asked("tracks", "azimuth_delay"),
    Asked("tracks", "channel_balance"),
    Asked("polarity", "polarity"),
    Asked("tracks", "erasure"),
    Asked("dbx", "dbx_encode_ratio"),
    Asked("dbx", "dbx_decode_ratio"),
    Asked("dbx", "dbx_unity_level"),
    Asked("dbx", "dbx_time_constant"),
    Asked("dbx", "dbx_noise_reduction"),
)


@dataclass(frozen=True)
class Told:
    """The verdict of one comparison.

    Attributes
    ----------
    headline : str
        In one sentence, by subject.
    changes : tuple of (str, str)
        What changed, and from what to what.
    same, open : str
        What is the same within doubt, and of what the doubt is not known.
    count : str
        How many figures were compared, and how many differ.
    lost : tuple of (str, str)
        What cannot be compared, and why; without what neither session has.
    """

    headline: str
    changes: tuple[tuple[str, str], ...]
    same: str
    open: str
    count: str
    lost: tuple[tuple[str, str], ...]


def tell(comparison: Comparison, names: tuple[str, str] = ("A", "B")) -> Told:
    """Put a comparison in words."""
    changes: list[tuple[str, str]] = []
    quiet: dict[str, dict[str, None]] = {"same": {}, "open": {}}
    moved: dict[str, bool] = {}
    for asked in ASKED:
        for group in _at_each_setup(_nearest(comparison, asked)):
            changed = [d for d in group if d.verdict == "changed"]
            moved[asked.subject] = moved.get(asked.subject, False) or bool(changed)
            name = _name(group[0])
            if changed:
                changes.append((capital(name), _change(changed, len(group))))
            else:
                open_ones = all(d.verdict == "open" for d in group)
                quiet["open" if open_ones else "same"][name] = None
    return Told(
        headline=_headline(moved, names),
        changes=tuple(changes),
        same=capital(listing(quiet["same"])),
        open=capital(listing(quiet["open"])),
        count=_count(comparison),
        lost=not_compared(comparison, told_of_neither=False, most=_MOST_NAMES),
    )


def not_compared(comparison: Comparison, told_of_neither: bool = True, most: int = 1000) -> tuple[tuple[str, str], ...]:
    """What cannot be compared and why, figures with the same reason together; more than `most` are not named one by one."""
    reasons: dict[str, dict[str, list[Mapping[str, Condition]]]] = {}
    for lost in sorted(comparison.not_compared, key=_last):
        if told_of_neither or not lost.reason.startswith(IN_NEITHER):
            reasons.setdefault(lost.reason, {}).setdefault(quantity_name(lost.quantity), []).extend(lost.conditions)
    entries = []
    for reason, of_quantity in reasons.items():
        shown = [{k: v for k, v in c.items() if k != "dbx"} for places in of_quantity.values() for c in places]
        names = list(of_quantity)
        words = [names[0], *(n if n[1:2].isupper() else n[:1].lower() + n[1:] for n in names[1:])]
        several = f"{words[0]} and {len(names) - 1} other quantities" if len(names) > most else listing(words)
        where = describe_all(shown)
        entries.append((several + (f" ({where})" if where else ""), reason))
    return tuple(entries)


def _last(lost: NotCompared) -> tuple[bool, bool]:
    """The electronics after the tape, what never can be compared at the end."""
    return lost.quantity in OF_THE_START, all("path" in where for where in lost.conditions)


def _nearest(comparison: Comparison, asked: Asked) -> list[Difference]:
    """The differences of the quantity on tape whose conditions are nearest to those asked for."""
    found = [d for d in comparison.find(asked.quantity) if "path" not in d.conditions and "re" not in d.conditions]
    for key, wanted in asked.near.items():
        values = {float(v) for d in found if isinstance(v := d.conditions.get(key), int | float)}
        if values:
            best = min(values, key=lambda v: (abs(v - wanted), v))
            found = [d for d in found if d.conditions.get(key, best) == best]
    return found


def _at_each_setup(found: Sequence[Difference]) -> list[list[Difference]]:
    """Tracks together; speeds, positions of the dbx switch and whatever else apart."""
    groups: dict[tuple[object, ...], list[Difference]] = {}
    for difference in found:
        key = tuple(sorted((k, str(v)) for k, v in difference.conditions.items() if k not in _PLACE))
        groups.setdefault(key, []).append(difference)
    return list(groups.values())


def _name(difference: Difference) -> str:
    """Quantity and what it was read at: "response re 1 kHz at 10 kHz, −20 dB"."""
    leave_out = (*_PLACE, "speed_cm_s", *(("dbx",) if difference.conditions.get("dbx") == "off" else ()))
    tone = (*OF_THE_TONE.get(difference.quantity, ()), "depth_db", "length_ms")
    detail = describe(difference.conditions, (*leave_out, *tone))
    name = quantity_name(difference.quantity)
    name = name if name[1:2].isupper() else name[:1].lower() + name[1:]
    return (
        f"{name} at {detail}"
        if detail and detail[:1].isdigit() | detail.startswith("−")
        else ", ".join(filter(None, [name, detail]))
    )


def _change(changed: Sequence[Difference], of: int) -> str:
    """From what to what, by how much, and on which tracks."""
    most = max(changed, key=lambda d: abs(d.difference))
    doubt = most.doubt or 0.0
    factor, unit = unit_scale(most.unit, [most.first.mean, most.second.mean])
    unit = "" if unit == "1" else f"\u202f{unit}"
    if most.quantity == "polarity":
        return f"inverted{_where(changed, most, of)}"
    ends = [bare(factor * r.mean, factor * (r.doubt or doubt)) for r in (most.first, most.second)]
    by = number(factor * abs(most.difference), factor * doubt)
    way = "higher" if most.difference > 0 else "lower"
    return f"{ends[0]} to {ends[1]}{unit}, {way} by {by}{unit}{_where(changed, most, of)}"


def _where(changed: Sequence[Difference], most: Difference, of: int) -> str:
    if of == 1 and "from" not in most.conditions:
        return f" (track {plain(most.conditions['track'])})" if "track" in most.conditions else ""
    place = _place(most)
    if not place:
        return ""
    return f" ({place}{f'; changed on {len(changed)} of {of}' if of > 1 else ''})"


def _place(difference: Difference) -> str:
    where = difference.conditions
    if {"from", "to"} <= set(where):
        return f"from track {plain(where['from'])} into {plain(where['to'])}"
    if {"track", "track_to"} <= set(where):
        return f"tracks {plain(where['track'])} and {plain(where['track_to'])}"
    return condition_text("track", where["track"]) if "track" in where else ""


def _headline(moved: Mapping[str, bool], names: tuple[str, str]) -> str:
    differs = [subject for subject, changed in moved.items() if changed]
    same = [subject for subject, changed in moved.items() if not changed]
    if not moved:
        return f"{names[0]} and {names[1]} have no figure in common."
    if not differs:
        return f"{names[1]} is the same as {names[0]} within doubt in {listing(same)}."
    text = f"{names[1]} differs from {names[0]} in {listing(differs)}"
    return text + (f"; {listing(same)} {'is' if len(same) == 1 else 'are'} the same within doubt." if same else ".")


def _count(comparison: Comparison) -> str:
    compared, changed, unknown = len(comparison.differences), comparison.count("changed"), comparison.count("open")
    if not compared:
        return ""
    text = f"{compared} figures were compared; {changed} differ by more than the 95\u202f% uncertainty of the difference"
    text += f", of {unknown} it is not known" if unknown else ""
    return text + ". About one in twenty would by chance."
