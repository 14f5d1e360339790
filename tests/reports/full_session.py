"""What a session of four tracks holds beside the figures of ``conftest``: made up from formulae, like those."""

import itertools

import numpy as np

from sessions.results import Axis, Curve, Measurements, Result

CORRELATED = "correlation with what was sent to the other track; IEC 60268-17"
SPOTS_HZ = (100.0, 1000.0, 10_000.0)


def result(quantity, value, unit, uncertainty, conditions, method, note=None):
    return Result(
        quantity=quantity, value=value, unit=unit, uncertainty=uncertainty, conditions=conditions, method=method, note=note
    )


def crosstalk_db(source, target, f):
    """Magnetic at the low end, inductive at the high end: a V over frequency."""
    apart = abs(source - target)
    return 10 * np.log10(10 ** (-6.6 + 0.2 * apart) * (f / 1000.0) ** 1.2 + 10 ** (-5.6 - 0.8 * apart) * (80.0 / f) ** 2)


def curve(quantity, conditions, method, f, y, name, unit, uncertainty=None):
    return Curve(
        quantity=quantity, conditions=conditions, method=method, uncertainty=uncertainty,
        x=Axis.of("frequency", "Hz", f), y=Axis.of(name, unit, y),
    )  # fmt: skip


def between_tracks(tracks, setup):
    f = np.geomspace(30, 18_000, 60)
    results, curves = [], []
    for source, target in itertools.permutations(tracks, 2):
        where = {**setup, "from": source, "to": target, "passes": 2}
        curves.append(curve("crosstalk", where, CORRELATED, f, crosstalk_db(source, target, f), "level", "dB"))
        for tone in SPOTS_HZ:
            value = float(crosstalk_db(source, target, tone))
            results.append(result("crosstalk", value, "dB", 0.4, {**where, "frequency_hz": tone}, CORRELATED))
    for low, high in itertools.combinations(tracks, 2):
        where = {**setup, "track": low, "track_to": high, "passes": 2}
        results.append(result("azimuth_delay", 2.1e-6 * (high - low), "s", 2e-7, where, "slope of the phase between tracks"))
        t = np.arange(0.0, 300.0, 0.25)
        course = 2.1e-6 * (high - low) + 3e-7 * (high - low) * np.sin(t / 9.0 + low)
        curves.append(
            Curve(
                quantity="azimuth_delay", conditions=where, method="cross-spectra", x=Axis.of("time", "s", t),
                y=Axis.of("delay", "s", course),
            )
        )  # fmt: skip
        results.append(result("channel_balance", -0.2 * (high - low), "dB", 0.05, where, "reference tones of both tracks"))
    return results, curves


def of_track(track, number, setup):
    where = {**setup, "track": track, "pass": number}
    results, curves = [], []
    f = np.geomspace(20, 20_000, 480)
    for level in (0.0, -10.0, -20.0):
        turn = -np.degrees(np.arctan(f / 14_000.0) * 2 - np.arctan(28.0 / f) * 2) + 360.0 * (number - 1)
        delay = -np.gradient(np.radians(turn), 2 * np.pi * f)
        at = {**where, "level_db": level}
        curves.append(curve("phase_response", at, "sweep", f, turn, "phase", "deg", (1 + (f / 8000) ** 2).tolist()))
        curves.append(curve("group_delay", at, "sweep", f, delay, "delay", "s"))
        tones = np.array([63.0, 125.0, 315.0, 1000.0, 3150.0, 6300.0])
        total = 0.9 * 10 ** (level / 14.0) * (1 + (tones / 4000.0) ** 2)
        curves.append(curve("thd_vs_frequency", at, "IEC 60268-3", tones, total, "THD", "%"))
    for level in (-20.0, -10.0, 0.0, 5.0):
        at = {**where, "level_db": level}
        low_high, twin = ({**at, "first_hz": a, "second_hz": b} for a, b in ((60.0, 7000.0), (9500.0, 10_500.0)))
        results.append(result("imd_smpte", 1.4 * 10 ** (level / 15), "%", 0.05, low_high, "SMPTE RP 120, 4 to 1"))
        results.append(result("imd_difference", 0.5 * 10 ** (level / 13), "%", 0.05, twin, "IEC 60268-3, 1 to 1"))
        results.append(
            result("modulation_noise", -52.0 + 0.6 * level, "dB", 0.5, {**at, "frequency_hz": 1000.0}, "beside the tone")
        )
    results.append(result("noise_itu468", -46.2, "dB", 0.2, where, "ITU-R BS.468-4, quasi-peak"))
    results.append(result("snr_a", 60.1, "dB", 0.4, {**where, "re": "mol_315"}, "A-weighted, re MOL"))
    results.append(result("level_stability", 0.31, "dB", 0.05, where, "95 % range of the level of a steady tone"))
    tone = {"frequency_hz": 3700.0 if track == 4 else 3150.0}
    for rate, depth, length in ((1.0 * track, 6.0, 2.0), (0.2 * track, 12.0, 5.0)):
        here = {**where, **tone, "depth_db": depth, "length_ms": length}
        results.append(result("dropouts_per_minute", rate, "1/min", 0.8, here, "falls of a tone's level"))
    rng = np.random.default_rng(track)
    time = np.sort(rng.uniform(5, 300, 12))
    for quantity, values, unit in (
        ("dropouts", 3 + rng.exponential(4, 12), "dB"),
        ("dropout_lengths", 1e-3 * rng.lognormal(1.2, 0.8, 12), "s"),
    ):
        curves.append(
            Curve(
                quantity=quantity, conditions={**where, **tone}, method="falls of a tone's level",
                x=Axis.of("time", "s", time), y=Axis.of("size", unit, values),
            )
        )  # fmt: skip
    results.append(result("erasure", -68.0 - track, "dB", 1.0, where, "narrow band about 1 kHz"))
    return results, curves


def everything(base: Measurements, tracks=(1, 2, 3, 4), passes=(1, 2)) -> Measurements:
    """The session with all quantities added."""
    setup = {"speed_cm_s": 9.5, "dbx": "off"}
    results, curves = between_tracks(tracks, setup)
    for number, track in itertools.product(passes, tracks):
        more = of_track(track, number, setup)
        results += more[0]
        curves += more[1]
    return base.model_copy(update={"results": [*base.results, *results], "curves": [*base.curves, *curves]})


def with_dbx(base: Measurements, positions=("off", "on", "encode", "decode")) -> Measurements:
    """The session in every position of the dbx switch, without what a stimulus for dbx does not tell."""
    gone = {"frequency_response", "phase_response", "group_delay", "bandwidth_low", "bandwidth_high", "response_ripple"}
    gone |= {f"harmonic_response_{n}" for n in range(2, 6)} | {"mol_315", "sol_10k", "crosstalk"}
    slopes = {"off": 1.0, "on": 1.0, "encode": 0.5, "decode": 2.0}
    quiet = {"off": 0.0, "on": -28.0, "encode": 0.0, "decode": -30.0}
    results, curves = [], []
    for dbx in positions:
        for r in base.results:
            if dbx != "off" and (r.quantity in gone or r.conditions.get("frequency_hz") == 315.0):
                continue
            shift = quiet[dbx] if r.quantity.startswith("noise_") and r.value is not None else 0.0
            value = None if r.value is None else r.value + shift
            results.append(r.model_copy(update={"value": value, "conditions": {**r.conditions, "dbx": dbx}}))
        for c in base.curves:
            if dbx != "off" and c.quantity in gone:
                continue
            values = c.y.array
            if c.quantity == "compression":
                values = slopes[dbx] * c.x.array + (values - c.x.array)
            if c.quantity == "noise_spectrum":
                values = values + quiet[dbx]
            y = Axis.of(c.y.name, c.y.unit, values)
            curves.append(c.model_copy(update={"y": y, "conditions": {**c.conditions, "dbx": dbx}}))
    return base.model_copy(update={"results": results, "curves": curves})
