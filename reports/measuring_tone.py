"""Measure a bare recording of a test tone, and print what it tells."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from analysis import bare_tone
from capture.terminal import plain_table, say, say_table
from reports.numbers import MINUS, number, unit_scale
from reports.readings import LEAST
from sessions.audio import open_audio
from sessions.manifest import now, tool_version
from sessions.results import Curve, Measurements, Result
from signals.errors import UsageError

RATES_HZ = (8000, 192_000)
WEAKEST_LINE = 0.1
"""Of the strongest line of the flutter spectrum; what lies below is in --json."""

FAINT_HUM_DB = 20.0
"""So far below the A-weighted noise hum is left to --json."""

LABELS = {
    "speed_error": "speed error",
    "speed_drift": "speed drift",
    "wow_flutter_weighted_2sigma": "wow and flutter, weighted peak (two-sigma)",
    "wow_flutter_weighted_rms": "wow and flutter, weighted RMS (JIS)",
    "wow_flutter_unweighted_rms": "wow and flutter, unweighted RMS",
    "wow_rms": "wow, 0.5 to 6 Hz, RMS",
    "flutter_rms": "flutter, 6 to 200 Hz, RMS",
    "flutter_line": "line of the flutter spectrum",
    "tone_level": "level of the tone",
    "level_stability": "level stability",
    "thd": "THD",
    "noise_a": "noise beside the tone, A-weighted",
    "noise_itu468": "noise beside the tone, ITU-R 468",
    "noise_ccir_rms": "noise beside the tone, CCIR-RMS",
    "hum": "hum",
    "dropouts_per_minute": "dropouts",
}


def measure_tone(path: Path, nominal_hz: float | None, progress: Callable[[str], None] = lambda _: None) -> Measurements:
    """Measure every channel of a sound file that holds a test tone.

    Raises
    ------
    AudioFileError
        The file cannot be read.
    UsageError
        Its sample rate, or the frequency asked for, is beyond what is measured.
    """
    if nominal_hz is not None and not 20.0 <= nominal_hz <= 20_000.0:
        raise UsageError(f"--tone {nominal_hz:g} is no test tone; give its frequency in Hz, from 20 to 20000")
    results: list[Result] = []
    curves: list[Curve] = []
    with open_audio(path) as audio:
        if not RATES_HZ[0] <= audio.sample_rate <= RATES_HZ[1]:
            raise UsageError(
                f"{path} has a sample rate of {audio.sample_rate} Hz; {RATES_HZ[0]} to {RATES_HZ[1]} Hz can be measured: "
                "convert it"
            )
        for channel in range(audio.channels):
            progress(f"measuring channel {channel + 1} of {audio.channels}")
            more_results, more_curves = bare_tone.measure(audio, channel, nominal_hz)
            results += more_results
            curves += more_curves
    return Measurements(session=path.name, tool_version=tool_version(), created=now(), results=results, curves=curves)


def print_tone(measurements: Measurements) -> None:
    """Print all figures, one row each, and under them why one is missing."""
    table = plain_table("channel", "figure", "condition", "value", "±", "unit", "")
    reasons: dict[str, None] = {}
    for result in measurements.results:
        if result.quantity not in LABELS or _faint(result, measurements):
            continue
        channel, label = str(result.conditions.get("channel", "")), LABELS[result.quantity]
        if result.value is None:
            table.add_row(channel, label, _condition(result), "-")
            reasons[f"channel {channel}, {label}: {result.note}"] = None
            continue
        factor, unit = unit_scale(result.unit, [result.value])
        doubt = None if result.uncertainty is None else factor * result.uncertainty
        printed = number(factor * result.value, doubt, LEAST.get(result.quantity))
        value = str(replace(printed, plus_minus="")).replace(MINUS, "-")  # not every terminal has a true minus sign
        table.add_row(channel, label, _condition(result), value, printed.plus_minus, unit, result.note or "")
    say_table(table)
    for reason in reasons:
        say(reason)


def _faint(result: Result, measurements: Measurements) -> bool:
    """Whether a line is too weak to matter on a screen, beside the strongest of its channel, its uncertainty or the noise."""
    if result.value is None:
        return False
    mine = [r for r in measurements.results if r.conditions.get("channel") == result.conditions.get("channel")]
    if result.quantity == "flutter_line":
        strongest = max(r.value for r in mine if r.quantity == "flutter_line" and r.value is not None)
        return result.value < WEAKEST_LINE * strongest or result.value <= (result.uncertainty or 0.0)
    noise_db = next((r.value for r in mine if r.quantity == "noise_a"), None)
    return result.quantity == "hum" and noise_db is not None and result.value < noise_db - FAINT_HUM_DB


def _condition(result: Result) -> str:
    if result.quantity == "dropouts_per_minute":
        return f"{result.conditions['depth_db']:g} dB for {result.conditions['length_ms']:g} ms"
    frequency = result.conditions.get("frequency_hz")
    return f"{frequency:g} Hz" if isinstance(frequency, int | float) else ""
