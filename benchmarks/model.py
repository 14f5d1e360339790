"""How far a model of the virtual deck is from the truth of that deck, with no noise of measurement in between.

Run it as ``PYTHONPATH=. python benchmarks/model.py SESSION MODEL``: the folder of a session that a virtual deck was captured in,
and that of a model of it. Steady sines go through the core, and what they come to is held against the closed-form response and
harmonics in the session's ``truth.json``, and so are minutes of the model's motion, beside the mean of the passes, and of its
noise. `tape evaluate` asks the same of the bench, and hiss makes its answer doubtful.
"""

import argparse
from pathlib import Path

import numpy as np

from analysis.noise import spectrum
from analysis.subjects.noise import spectra
from analysis.wow_flutter import deviation, figures
from modeling.generators.transport import GRID_HZ
from modeling.model import Model, load
from modeling.render import Settings, render
from reports.evaluation.silence import reference_peak
from sessions.results import Curve, Measurements

BAND_HZ = (40.0, 14_000.0)
SETTLED_S, HEARD_S = 0.5, 1.0
"""Frequencies are whole numbers of Hz, so that a second holds whole cycles of them."""
HARMONICS = (2, 3, 4, 5)
LOWEST_DB = -60.0
SILENCE_S = 600.0
"""In so long a time the noise of the lowest third octave, 5.8 Hz wide, stands within 0.1 dB (standard deviation)."""
MOTION_S = 300.0
THIRDS = "1/3 octave"


def returned(model: Model, frequency_hz: int, level_db: float) -> np.ndarray:
    """Gain in dB of a sine, and its harmonics from the second on, in dB re the fundamental; NaN above the band."""
    rate = model.core.sample_rate
    time_s = np.arange(round((SETTLED_S + HEARD_S) * rate)) / rate
    peak = 10.0 ** ((model.core.reference_dbfs + level_db) / 20.0)
    heard = model.still.process(peak * np.sin(2.0 * np.pi * frequency_hz * time_s))[-round(HEARD_S * rate) :]
    lines = 2.0 * np.abs(np.fft.rfft(heard)) / heard.size
    orders = np.array([1, *HARMONICS])
    inside = orders * frequency_hz < 0.45 * rate
    found = 20.0 * np.log10(lines[np.where(inside, orders, 1) * frequency_hz] + 1e-12)
    return np.concatenate([found[:1] - 20.0 * np.log10(peak), np.where(inside, found - found[0], np.nan)[1:]])


def told(curve: Curve, frequency_hz: np.ndarray) -> np.ndarray:
    """What the truth says at some frequencies."""
    return np.interp(np.log(frequency_hz), np.log(curve.x.values), curve.y.values, right=np.nan)


def noise(model: Model) -> Curve:
    """Noise of a model in third octaves, as the bench reads it, in dB re the reference tone as it is returned."""
    rate = model.core.sample_rate
    silence = render(model, np.zeros(round(SILENCE_S * rate)), rate, Settings(wow=0.0, seed=1))
    curves = spectra(spectrum([silence[rate:]], rate), rate, reference_peak(model), {})
    return next(curve for curve in curves if curve.conditions.get("bandwidth") == THIRDS)


def flutter(model: Model) -> dict[str, float]:
    """Wow and flutter figures of minutes of a model's motion, in %."""
    if model.transport is None:
        return {}
    drawn = model.transport.motion(1).on_grid(0, round(MOTION_S * GRID_HZ))
    return {name: figure.value for name, figure in figures(deviation(drawn, 1.0 / GRID_HZ, 0.0)).items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("session", type=Path)
    parser.add_argument("model", type=Path)
    asked = parser.parse_args()
    model = load(asked.model)
    truth = Measurements.model_validate_json((asked.session / "truth.json").read_text())
    track = model.card.sources[0].track
    responses = {
        (curve.quantity, curve.conditions["level_db"]): curve
        for curve in truth.curves
        if curve.conditions.get("track") == track and curve.conditions.get("pass") == 1 and "level_db" in curve.conditions
    }
    levels_db = sorted(float(level) for quantity, level in responses if quantity == "frequency_response")
    print("level     quantity     largest difference, model less truth")
    for level_db in levels_db:
        response = responses["frequency_response", level_db]
        sent = np.unique([round(f) for f in response.x.values if BAND_HZ[0] <= f <= BAND_HZ[1]])
        found = np.array([returned(model, int(f), level_db) for f in sent]).T
        differences = {"response": found[0] - told(response, sent)}
        for order, model_db in zip(HARMONICS, found[1:], strict=True):
            deck_db = told(responses[f"harmonic_response_{order}", level_db], sent)
            differences[f"harmonic {order}"] = np.maximum(model_db, LOWEST_DB) - np.maximum(deck_db, LOWEST_DB)
        for name, difference in differences.items():
            worst = int(np.nanargmax(np.abs(difference)))
            print(f"{level_db:+5.0f} dB  {name:11s}  {difference[worst]:+6.2f} dB at {sent[worst]:.0f} Hz")
    for name, percent in flutter(model).items():
        deck = float(np.mean([r.value for r in truth.find(name, track=track or 1) if r.value is not None]))
        print(f"{name:28s} {100.0 * (percent / deck - 1.0):+5.1f} % of {deck:.4f} %")
    for curve in truth.curves:
        if (
            curve.quantity == "noise_spectrum"
            and curve.conditions.items() >= {"track": track, "pass": 1, "bandwidth": THIRDS}.items()
        ):
            made = noise(model)
            thirds_hz = np.array([f for f in made.x.values if f <= curve.x.values[-1] * 1.01])
            difference = np.array(made.y.values)[: thirds_hz.size] - told(curve, thirds_hz)
            worst = int(np.nanargmax(np.abs(difference)))
            print(f"silence   third octaves  {difference[worst]:+6.2f} dB at {thirds_hz[worst]:.0f} Hz")


if __name__ == "__main__":
    main()
