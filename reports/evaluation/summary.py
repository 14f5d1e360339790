"""An evaluation in short: its goals as rows, and what held-out material says as a page."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from modeling.held_out import HeldOut
from modeling.likeness import Likeness
from reports.evaluation.document import ModelEvaluation
from reports.evaluation.goals import Deviation, Goal
from reports.numbers import NARROW_SPACE, Number, bare, number
from reports.pages import Cell, Page, Table
from reports.wording import describe, quantity_name

MEASURES: Mapping[str, str] = {
    "si_snr_db": "Scale-invariant signal to noise (dB), more is better",
    "multi_resolution_stft": "Multi-resolution STFT loss",
    "log_spectral_distance_db": "Log-spectral distance (dB)",
    "mel_cepstral_distortion_db": "Mel-cepstral distortion (dB)",
    "loudness_difference_db": "Loudness, model less deck (LU)",
}
HELD_OUT_HEADS = ["", "Model", "Plain filter", "Floor"]
_NAME_OF_ORDER = {2: "second", 3: "third", 4: "fourth", 5: "fifth"}


def lead(goals: Sequence[Goal]) -> str:
    """How many goals are met, and which are not, in a sentence."""
    asked = [goal for goal in goals if goal.asked]
    parts = [f"The model meets {sum(goal.verdict == 'within' for goal in asked)} of {len(asked)} goals"]
    for verdict in ("outside", "undecided", "not measured"):
        names = [goal.subject[:1].lower() + goal.subject[1:] for goal in asked if goal.verdict == verdict]
        parts += [f"{verdict}: {', '.join(names)}"] if names else []
    return "; ".join(parts) + "."


def goal_row(goal: Goal) -> Mapping[str, str]:
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


def held_out_page(found: ModelEvaluation) -> Page:
    """Errors and measures of likeness on what the model did not learn from, beside plain filter and floor."""
    held = found.held_out
    seconds = f"{bare(held.evaluation.seconds, 1)}{NARROW_SPACE}s that the model did not learn from"
    return Page("Held-out material", "", seconds, [held_out_table(held)], remark=speed(held))


def speed(held: HeldOut) -> str:
    """How fast the core runs."""
    return (
        f"The core runs {bare(held.pace.whole, 1)} times faster than real time over a whole file, and"
        f" {bare(held.pace.block_256, 0.1)} times in blocks of 256 samples, on one thread."
    )


def held_out_table(held: HeldOut) -> Table:
    """Errors and measures of likeness, of model, plain filter and floor."""
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
    return Table(caption, HELD_OUT_HEADS, rows, frozenset({1, 2, 3}))


def _difference(deviation: Deviation) -> str:
    printed = number(deviation.difference, deviation.doubt) if deviation.doubt else number(deviation.difference, 0.05)
    sign = "+" if deviation.difference > 0 else ""
    return sign + str(printed if deviation.doubt else replace(printed, plus_minus=""))


def _beside(goal: Goal, worst: Deviation) -> str:
    small = 0.0005 if goal.unit == "%" else 0.05
    return f"{bare(worst.deck, small)} → {bare(worst.model, small)}"


def _esr(value: float | None) -> Cell:
    return None if value is None else Number(f"{value:.2g}", "")


def _measure(of: Likeness | None, key: str) -> Cell:
    return None if of is None else bare(getattr(of, key), 0.05)
