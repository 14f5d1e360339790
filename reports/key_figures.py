"""The figures that are asked for first, as a table in the terminal."""

from collections.abc import Iterator
from dataclasses import replace

from rich.console import Console
from rich.table import Table

from capture.terminal import say
from reports.numbers import MINUS, number, unit_scale
from reports.readings import LEAST
from sessions.results import Measurements, Result


def print_key_figures(measurements: Measurements) -> None:
    """Print the figures that are asked for first, one row each, and why one is missing; all of them stand in the report."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading, side in (("figure", "left"), ("condition", "left"), ("value", "right"), ("±", "right"), ("unit", "left")):
        table.add_column(
            heading, justify="right" if side == "right" else "left", no_wrap=heading not in {"figure", "condition"}
        )
    reasons: dict[str, None] = {}
    several = len({r.conditions.get("dbx", "off") for r in measurements.results}) > 1
    for label, result in _chosen(measurements):
        if result.value is None:
            table.add_row(label, _condition(result, several), "-")
            reasons[f"{label}: {result.note}"] = None
            continue
        factor, unit = unit_scale(result.unit, [result.value])
        doubt = None if result.uncertainty is None else factor * result.uncertainty
        printed = number(factor * result.value, doubt, LEAST.get(result.quantity))
        value = str(replace(printed, plus_minus="")).replace(MINUS, "-")  # not every terminal has a true minus sign
        table.add_row(label, _condition(result, several), value, printed.plus_minus, unit)
    Console().print(table)
    for reason in reasons:
        say(reason)


def _chosen(measurements: Measurements) -> Iterator[tuple[str, Result]]:
    wanted: tuple[tuple[str, str, dict[str, float]], ...] = (
        ("latency", "latency", {}),
        ("speed error", "speed_error", {}),
        ("wow and flutter, weighted", "wow_flutter_weighted_2sigma", {}),
        ("response down 3 dB, low", "bandwidth_low", {"level_db": -20.0}),
        ("response down 3 dB, high", "bandwidth_high", {"level_db": -20.0}),
        ("THD, 315 Hz", "thd", {"frequency_hz": 315.0, "level_db": 0.0}),
        ("MOL, 315 Hz", "mol_315", {}),
        ("noise, A-weighted", "noise_a", {}),
    )
    tape = measurements.of_path(None)
    for label, quantity, conditions in wanted:
        found = tape.find(quantity, **conditions)
        # What several passes say together stands for each of them.
        together = [r for r in found if "passes" in r.conditions and "of" not in r.conditions]
        known = [{**r.conditions, "passes": None} for r in together]
        for result in found:
            alike = {**{k: v for k, v in result.conditions.items() if k != "pass"}, "passes": None}
            if result in together or ("of" not in result.conditions and alike not in known):
                yield label, result


def _condition(result: Result, with_dbx: bool) -> str:
    parts = []
    if "track" in result.conditions:
        parts.append(f"track {result.conditions['track']}")
    if "pass" in result.conditions:
        parts.append(f"pass {result.conditions['pass']}")
    if "passes" in result.conditions:
        parts.append(f"{result.conditions['passes']} passes")
    if "take" in result.conditions:
        parts.append(str(result.conditions["take"]))
    if with_dbx and "dbx" in result.conditions:
        parts.append(f"dbx {result.conditions['dbx']}")
    if "level_db" in result.conditions:
        parts.append(f"{float(result.conditions['level_db']):+g} dB")
    return ", ".join(parts)
