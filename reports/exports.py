"""Responses for other programs: FRD for REW and loudspeaker tools, impulse responses as sound files.

Both are means over the passes. The delay of the time base is taken off, as in ``phase_response``: time zero is when the sample
would be back without the mean delay of the tape path (`latency`). In a sound file it is the sample at :data:`LEAD_S`.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from reports.readings import PooledCurve, pool_curves
from sessions.curves import file_names
from sessions.results import Axis, Curve, Measurements
from sessions.wave import wave_bytes

SAMPLE_RATE_HZ = 48_000
LEAD_S = 0.25
_SIZE_S = 1.4  # the windows of the measurement reach from 0.25 s before to 0.6 s after time zero
_FADE_LOW_OCTAVES, _FADE_HIGH = 1.0, 1.08
NO_PHASE = "phase: not measured (it needs a pilot on another track)"
_FOLDER = "curves"


def files(measurements: Measurements) -> dict[str, bytes]:
    """Export every response of a session.

    Returns
    -------
    dict of str to bytes
        ``curves/frequency_response.*.frd`` for every track, level and set-up, and ``curves/impulse_response.*.wav`` (32-bit float,
        mono) where phase was measured.
    """
    found = {}
    responses = pool_curves(measurements.find_curves("frequency_response"))
    phases = {_key(c): c for c in pool_curves(measurements.find_curves("phase_response"))}
    pairs = [(r, phases.get(_key(r))) for r in responses if r.x.size > 1 and r.x[0] > 0.0]
    for name, (response, phase) in zip(_names("frequency_response", (r for r, _ in pairs), ".frd"), pairs, strict=True):
        found[f"{_FOLDER}/{name}"] = frd(response, phase).encode()
    whole = [(r, p) for r, p in pairs if p is not None]
    for name, (response, phase) in zip(_names("impulse_response", (r for r, _ in whole), ".wav"), whole, strict=True):
        impulse = impulse_response(response, phase)
        found[f"{_FOLDER}/{name}"] = wave_bytes(impulse[:, np.newaxis], SAMPLE_RATE_HZ, "float32")
    return found


def frd(response: PooledCurve, phase: PooledCurve | None) -> str:
    """Frequency in Hz, level in dB and, where it is known, phase in degrees between -180 and 180; comments begin with ``*``."""
    conditions = ", ".join(f"{key}={value}" for key, value in response.conditions.items())
    head = [
        f"frequency response: returned over sent, dB; {conditions}",
        f"mean of {response.passes} pass{'es' * (response.passes > 1)}",
        "phase: degrees, the delay of the time base (latency) taken off" if phase is not None else NO_PHASE,
        "frequency_hz level_db" + (" phase_deg" if phase is not None else ""),
    ]
    columns = [response.x, response.y]
    if phase is not None:
        columns.append((_phase_deg(response, phase, response.x) + 180.0) % 360.0 - 180.0)
    rows = [" ".join(f"{value:.6f}" for value in row) for row in zip(*columns, strict=True)]
    return "\n".join([*(f"* {line}" for line in head), *rows]) + "\n"


def impulse_response(response: PooledCurve, phase: PooledCurve) -> np.ndarray:
    """Impulse response from level and phase.

    Between the points both are interpolated over log frequency. Below the lowest point the level fades over an octave and above the
    highest to 8 % beyond it, so nothing is invented there.

    Returns
    -------
    ndarray, shape (samples,)
        At :data:`SAMPLE_RATE_HZ`, with time zero at :data:`LEAD_S`.
    """
    size = 1 << int(np.log2(_SIZE_S * SAMPLE_RATE_HZ))
    frequency = np.fft.rfftfreq(size, 1.0 / SAMPLE_RATE_HZ)
    place = np.log(np.maximum(frequency, frequency[1]))
    level = np.interp(place, np.log(response.x), response.y)
    turn = np.radians(_phase_deg(response, phase, np.exp(place)))
    low, high = response.x[0], response.x[-1]
    octaves = np.clip((place - np.log(low)) / np.log(2.0) / _FADE_LOW_OCTAVES + 1.0, 0.0, 1.0)
    beyond = np.clip((frequency - high) / (high * (_FADE_HIGH - 1.0)), 0.0, 1.0)
    fade = (0.5 - 0.5 * np.cos(np.pi * octaves)) * (0.5 + 0.5 * np.cos(np.pi * beyond))
    fade[0] = 0.0  # a tape returns no DC
    spectrum = fade * 10.0 ** (level / 20.0) * np.exp(1j * (turn - 2.0 * np.pi * frequency * LEAD_S))
    return np.fft.irfft(spectrum, size)


def _phase_deg(response: PooledCurve, phase: PooledCurve, frequency_hz: np.ndarray) -> np.ndarray:
    """Unwrapped phase at given frequencies; outside the response that of its ends."""
    inside = np.clip(frequency_hz, response.x[0], response.x[-1])
    return np.interp(np.log(inside), np.log(phase.x), phase.y)


def _key(curve: PooledCurve) -> tuple[tuple[str, object], ...]:
    return tuple(sorted((k, v) for k, v in curve.conditions.items() if k != "pass"))


def _names(quantity: str, curves: Iterable[PooledCurve], suffix: str) -> list[str]:
    """File names as those of the curves."""
    empty = Axis.of("", "", [])
    named = [Curve(quantity=quantity, conditions=_conditions(c.conditions), method="", x=empty, y=empty) for c in curves]
    return file_names(named, suffix)


def _conditions(conditions: Mapping[str, str | int | float]) -> dict[str, str | int | float]:
    return {k: v for k, v in conditions.items() if k != "pass"}
