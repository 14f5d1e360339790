"""Names and conditions in words: quantities, conditions, dates, and text made safe to print."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from reports.numbers import MINUS, NARROW_SPACE
from sessions.results import Condition, Conditions

NAMES: Mapping[str, str] = {
    "latency": "Delay at the start marker",
    "interface_latency": "Latency of the interface",
    "speed_error": "Speed, playback against recording",
    "speed_drift": "Speed drift",
    "speed_deviation": "Speed deviation",
    "delay_trajectory": "Delay trajectory",
    "wow_flutter_weighted_2sigma": "Wow and flutter, weighted, two-sigma",
    "wow_flutter_weighted_rms": "Wow and flutter, JIS weighted RMS",
    "wow_flutter_unweighted_rms": "Wow and flutter, unweighted RMS",
    "wow_rms": "Wow, RMS",
    "flutter_rms": "Flutter, RMS",
    "flutter_line": "Flutter line",
    "flutter_spectrum": "Flutter spectrum",
    "frequency_response": "Frequency response",
    "phase_response": "Phase response",
    "group_delay": "Group delay",
    "response": "Response re 1\u202fkHz",
    "level_1k": "Level at 1\u202fkHz as recorded",
    "bandwidth_low": "Lower limit, −3 dB",
    "bandwidth_high": "Upper limit, −3 dB",
    "response_ripple": "Ripple",
    "thd": "Total harmonic distortion",
    "thd_n": "Distortion and noise",
    "harmonic_2": "Second harmonic",
    "harmonic_3": "Third harmonic",
    "harmonic_4": "Fourth harmonic",
    "harmonic_5": "Fifth harmonic",
    "harmonic_response_2": "Second harmonic of the sweep",
    "harmonic_response_3": "Third harmonic of the sweep",
    "harmonic_response_4": "Fourth harmonic of the sweep",
    "harmonic_response_5": "Fifth harmonic of the sweep",
    "thd_vs_level": "Distortion against level",
    "thd_vs_frequency": "Distortion against frequency",
    "imd_smpte": "Intermodulation, SMPTE",
    "imd_difference": "Intermodulation, difference tone",
    "compression": "Compression",
    "mol_315": "Maximum output level, 315 Hz, 3 %",
    "sol_10k": "Saturated output level, 10 kHz",
    "noise_a": "Noise, A-weighted",
    "noise_itu468": "Noise, ITU-R 468 quasi-peak",
    "noise_ccir_rms": "Noise, CCIR weighted RMS",
    "snr_a": "Signal to noise, A-weighted",
    "hum": "Hum",
    "modulation_noise": "Modulation noise",
    "noise_spectrum": "Noise spectrum",
    "dropouts_per_minute": "Dropouts per minute",
    "dropouts": "Dropouts",
    "dropout_lengths": "Lengths of dropouts",
    "level_stability": "Level stability",
    "crosstalk": "Crosstalk",
    "azimuth_delay": "Delay between tracks",
    "channel_balance": "Channel balance",
    "polarity": "Polarity",
    "erasure": "Erasure",
    "dbx_encode_ratio": "dbx encode ratio",
    "dbx_decode_ratio": "dbx decode ratio",
    "dbx_unity_level": "dbx unity level",
    "dbx_time_constant": "dbx time constant",
    "dbx_tracking_error": "dbx tracking error",
    "dbx_noise_reduction": "dbx noise reduction",
    "dbx_encode_law": "dbx encode law",
    "dbx_decode_law": "dbx decode law",
    "dbx_emphasis": "dbx emphasis",
    "dbx_weighting": "dbx detector weighting",
}
DBX: Mapping[str, str] = {"encode": "dbx only while recording", "decode": "dbx only while playing"}
REFERENCES: Mapping[str, str] = {"0_vu": "0\u202fVU", "mol_315": "MOL"}
ORDER = (
    "track",
    "track_to",
    "from",
    "to",
    "frequency_hz",
    "first_hz",
    "second_hz",
    "level_db",
    "re",
    "speed_cm_s",
    "dbx",
    "pass",
)


def quantity_name(quantity: str) -> str:
    """Name of a quantity for the reader; an unknown one keeps its own, with spaces."""
    return NAMES.get(quantity) or quantity.replace("_", " ").capitalize()


def plain_number(value: float) -> str:
    """A number of a condition as people write it: no trailing zeros, true minus sign, and none before a zero."""
    return f"{value:z.6g}".replace("-", MINUS)


def plain(value: Condition) -> str:
    """A condition's value as people write it."""
    return safe(value) if isinstance(value, str) else plain_number(value)


def condition_text(key: str, value: Condition) -> str:
    """One condition in words: ``level_db`` −20 becomes "−20 dB"."""
    text = plain(value)
    match key:
        case "path":
            return f"{text} alone"
        case "dbx" if value in DBX:
            return DBX[str(value)]
        case "re":
            return f"re {REFERENCES.get(str(value), text.replace('_', ' '))}"
        case "from":
            return f"from track {text}"
        case "to":
            return f"into track {text}"
        case "track_to":
            return f"against track {text}"
        case "track" | "dbx" | "pass":
            return f"{key} {text}"
        case "depth_db":
            return f"≥ {text}{NARROW_SPACE}dB"
        case "length_ms":
            return f"≥ {text}{NARROW_SPACE}ms"
        case "frequency_hz" | "first_hz" | "second_hz" if isinstance(value, int | float) and value >= 1000:
            return f"{plain_number(value / 1000)}{NARROW_SPACE}kHz"
        case "frequency_hz" | "first_hz" | "second_hz":
            return f"{text}{NARROW_SPACE}Hz"
        case "level_db":
            return f"{text}{NARROW_SPACE}dB"
        case "speed_cm_s":
            return f"{text}{NARROW_SPACE}cm/s"
        case "passes":
            return f"mean of {text} passes"
    return f"{safe(key).replace('_', ' ')} {text}"


def describe(conditions: Conditions, leave_out: Iterable[str] = ()) -> str:
    """Conditions in words and in a fixed order, without those left out."""
    skip = set(leave_out)
    if {"track", "track_to"} <= set(conditions) - skip:
        pair = f"tracks {plain(conditions['track'])} and {plain(conditions['track_to'])}"
        return ", ".join(filter(None, [pair, describe(conditions, {*skip, "track", "track_to"})]))
    known = [key for key in ORDER if key in conditions and key not in skip]
    others = sorted(key for key in conditions if key not in ORDER and key not in skip)
    return ", ".join(condition_text(key, conditions[key]) for key in known + others)


def describe_all(places: Sequence[Conditions]) -> str:
    """Several sets of conditions in words: each by itself while they are few, condition by condition when they are many."""
    if len(places) < 3:
        return "; ".join(filter(None, map(describe, places)))
    keys = dict.fromkeys(key for place in places for key in place)
    parts = []
    for key in sorted(keys, key=lambda k: (k not in ORDER, ORDER.index(k) if k in ORDER else 0, k)):
        values = sorted({place[key] for place in places if key in place}, key=lambda v: (isinstance(v, str), v))
        words = [condition_text(key, value) for value in values]
        parts.append(listing(words) if len(words) < 4 else f"{words[0]} to {words[-1]}")
    return "; ".join(parts)


def listing(words: Iterable[str]) -> str:
    """Words joined as in a sentence: "a, b and c"."""
    items = list(words)
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1] if items else ""


def long_date(created: str) -> str:
    """An ISO 8601 time as a date in words; anything else as it is."""
    try:
        moment = datetime.fromisoformat(created)
    except ValueError:
        return safe(created)
    return f"{moment.day} {moment:%B %Y}"


def sentence(text: str) -> str:
    """The text with a full stop at its end and no white space around it."""
    stripped = text.strip()
    return stripped if not stripped or stripped[-1] in ".!?…" else stripped + "."


def capital(text: str) -> str:
    """The text with its first letter as a capital."""
    return text[:1].upper() + text[1:]


def shortened(text: str, letters: int) -> str:
    """The text on one line, cut with an ellipsis where it is longer than that."""
    line = " ".join(text.split())
    return line if len(line) <= letters else line[: letters - 1].rstrip() + "…"


def safe(text: str) -> str:
    """Text without control characters and lone surrogates, and with a break allowed inside very long words."""
    printable = "".join(c if c == "\n" or unicodedata.category(c) not in {"Cc", "Cs"} else "\ufffd" for c in text)
    return re.sub(r"([^\s\u200b]{30})(?=[^\s\u200b])", "\\1\u200b", printable)


def needs_system_fonts(text: str) -> bool:
    """Whether the text has letters beyond Latin, Greek, Cyrillic and signs, which the fonts inside the compiler lack."""
    return any(("\u0590" <= c < "\u1e00") or ("\u2e80" <= c < "\ufb00") or c > "\ufe00" for c in text)
