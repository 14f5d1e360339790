"""What is true of the play passes of a session made on the virtual deck, as its recordings count passes and times."""

from collections.abc import Callable

from capture.virtual.device import VirtualDevice
from modeling.deck.compander_truth import companded, compander_figures
from modeling.deck.truth import truth
from sessions.manifest import now, tool_version
from sessions.results import Axis, Condition, Conditions, Curve, Measurements, Result
from sessions.store import Session
from signals.stimulus import MAIN

Told = Callable[[float], None]


def true_values(session: Session, deck: VirtualDevice, stimulus: str = MAIN, told: Told = lambda part: None) -> Measurements:
    """True values of the play passes of a session, times counted as its recordings count them."""
    takes = [take for take in session.takes("play") if take.stimulus == stimulus]
    said: list[Measurements] = []
    figures: tuple[list[Result], list[Curve]] = ([], [])
    for dbx in dict.fromkeys(str(take.conditions.get("dbx", "off")) for take in takes):
        numbers = sorted(take.number for take in takes if take.conditions.get("dbx", "off") == dbx)
        for number in numbers:
            said.append(_true_pass(deck, stimulus, dbx, number, share(told, len(said), len(takes))))
        results, curves = compander_figures(
            deck.parameters, deck.cassettes.sent(stimulus).sheet, dbx, deck.cassettes.under(stimulus)
        )
        figures = (figures[0] + results, figures[1] + curves)
    first = said[0] if said else _true_pass(deck, stimulus, "off", None, told)
    return first.model_copy(
        update={
            "results": [*(r for each in said for r in each.results), *figures[0]],
            "curves": [*(c for each in said for c in each.curves), *figures[1]],
        }
    )


def share(told: Told, i: int, count: int) -> Told:
    """What is told of the whole while the `i`-th of `count` equal parts is done."""
    return lambda part: told((i + part) / count)


def _true_pass(deck: VirtualDevice, stimulus: str, dbx: str, number: int | None, told: Told) -> Measurements:
    """True values of one play pass; of none, where the session holds none."""
    sent = deck.cassettes.sent(stimulus)
    passed = None if number is None else deck.pass_of_deck(stimulus, number, dbx in ("on", "decode"))
    said = truth(
        deck.parameters,
        sent.sheet,
        deck.cassettes.seed(stimulus),
        passes=[] if passed is None else [passed],
        tool_version=tool_version(),
        created=now(),
        recording=deck.cassettes.tape(stimulus).number(stimulus),
        over=deck.cassettes.under(stimulus),
        sound=sent.audio,
        told=told,
    )
    said = companded(said, deck.parameters, sent.sheet, dbx)
    if number is None or passed is None:
        return said
    late_s = deck.start_offset_samples(stimulus, passed) / deck.sample_rate
    return said.model_copy(
        update={
            "results": [_later(r, number, late_s) for r in said.results],
            "curves": [_later_curve(c, number, late_s) for c in said.curves],
        }
    )


def _later(result: Result, number: int, late_s: float) -> Result:
    """A figure under the session's number of its pass; a latency as the interface sees it, which was recording before."""
    value = result.value
    if result.quantity == "latency" and value is not None:
        value += late_s
    return result.model_copy(update={"value": value, "conditions": _of_pass(result.conditions, number)})


def _later_curve(curve: Curve, number: int, late_s: float) -> Curve:
    update: dict[str, object] = {"conditions": _of_pass(curve.conditions, number)}
    if curve.quantity == "delay_trajectory":
        update["y"] = Axis.of(curve.y.name, curve.y.unit, curve.y.array + late_s)
    return curve.model_copy(update=update)


def _of_pass(conditions: Conditions, number: int) -> dict[str, Condition]:
    return {key: number if key == "pass" else value for key, value in conditions.items()}
