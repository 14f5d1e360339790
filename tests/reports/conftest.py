"""A session that never was: plausible figures of a two-head deck, made from formulae, for the tests of the report."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from reports.header import ReportHeader
from sessions.results import Axis, Condition, Curve, Measurements, Result

FLUTTER = "phase demodulation of the tone, 300 Hz wide; AES6-2008 / IEC 60386"
SWEPT = "synchronised exponential sweep (Novak 2015), deconvolved after dewarping"
THD = "IEC 60268-3: RMS of the harmonics up to 20 kHz over the fundamental, least squares after dewarping"
NOISE = "power of silent tape from 20 Hz to 20 kHz re the returned reference tone (1 kHz at 0 dB)"
PILOT = "phase of the pilot on track 4, smoothed"
BELOW_NOISE = "the harmonic is below the noise in its band; a longer or louder tone would show it"
FLUTTER_LINES = ((0.87, 0.041, "reel pack"), (3.04, 0.022, "pinch roller"), (13.78, 0.048, "capstan"), (50.0, 0.006, None))
LEVELS_DB = (0.0, -10.0, -20.0)
LADDER_DB = np.arange(-20.0, 9.0, 2.0)


class Bench:
    """Collects made-up results and curves under conditions that they share."""

    def __init__(self, conditions: dict[str, Condition], rng: np.random.Generator) -> None:
        self.conditions, self.rng = conditions, rng
        self.results: list[Result] = []
        self.curves: list[Curve] = []

    def add(self, quantity, value, unit, uncertainty, method, note=None, **more: Condition) -> None:
        conditions = {**self.conditions, **more}
        self.results.append(
            Result(
                quantity=quantity,
                value=value,
                unit=unit,
                uncertainty=uncertainty,
                conditions=conditions,
                method=method,
                valid=value is not None,
                note=note,
            )
        )

    def draw(self, quantity, method, x: Axis, y: Axis, uncertainty=None, **more: Condition) -> None:
        conditions = {**self.conditions, **more}
        self.curves.append(Curve(quantity=quantity, conditions=conditions, method=method, x=x, y=y, uncertainty=uncertainty))


def session(
    tracks: Sequence[int] = (1, 2), passes: Sequence[int] = (1, 2), speeds: Sequence[float] = (9.5,), seed: int = 1
) -> Measurements:
    rng = np.random.default_rng(seed)
    results: list[Result] = []
    curves: list[Curve] = []
    for speed in speeds:
        for number in passes:
            wobble = (1.25 if speed < 5 else 1.0) * rng.uniform(0.9, 1.12)
            for track in tracks:
                bench = Bench({"track": track, "pass": number, "speed_cm_s": speed, "dbx": "off"}, rng)
                transport(bench, wobble, number)
                flutter(bench, wobble)
                response(bench, track)
                distortion(bench, track)
                noise(bench, track)
                results += bench.results
                curves += bench.curves
    created = "2025-11-21T20:14:05+00:00"
    return Measurements(session="2025-11-evening", tool_version="0.1.0", created=created, results=results, curves=curves)


def transport(bench: Bench, wobble: float, number: int) -> None:
    bench.add("latency", 2.4871 + 0.41 * number, "s", 2e-5, "arrival of the start marker on the time base")
    bench.add("speed_error", 0.118 + 0.003 * number, "%", 0.0004, PILOT)
    bench.add("speed_drift", 0.021 + 0.002 * number, "%", None, "slope of the speed over the take, from its six parts")
    bench.add("polarity", 1.0, "1", None, "sign of the correlation with what was sent")
    t = np.arange(0.0, 480.0, 0.03)
    speed = 0.012 * np.sin(2 * np.pi * t / 400) + 0.02 * bench.rng.standard_normal(t.size)
    for f, size, _ in FLUTTER_LINES[:3]:
        speed = speed + 1.41 * size * wobble * np.sin(2 * np.pi * f * t) * (1 + 0.3 * np.sin(2 * np.pi * t / 97))
    delay = 2.4871 - np.cumsum(speed + 0.118) * 0.03 / 100
    time = Axis.of("time", "s", t)
    bench.draw("speed_deviation", PILOT, time, Axis.of("deviation", "%", speed))
    bench.draw("delay_trajectory", PILOT, time, Axis.of("delay", "s", delay))


def flutter(bench: Bench, wobble: float) -> None:
    figures = {
        "wow_flutter_weighted_2sigma": (0.0941, 0.004),
        "wow_flutter_weighted_rms": (0.0431, 0.002),
        "wow_flutter_unweighted_rms": (0.083, 0.003),
        "wow_rms": (0.061, 0.003),
        "flutter_rms": (0.056, 0.002),
    }
    for quantity, (value, uncertainty) in figures.items():
        bench.add(quantity, value * wobble, "%", uncertainty, FLUTTER, frequency_hz=3150.0, level_db=0.0)
    f = np.geomspace(0.1, 300, 1500)
    spectrum = 0.004 * f**-0.35 * np.exp(0.25 * bench.rng.standard_normal(f.size)) * wobble
    for centre, size, part in FLUTTER_LINES:
        found = centre * (1 + 0.002 * bench.rng.standard_normal())  # each pass finds the line a little elsewhere
        bench.add(
            "flutter_line", size * wobble, "%", None, "line of the flutter spectrum, RMS", part, frequency_hz=round(found, 3)
        )
        spectrum = spectrum + size * wobble * np.exp(-((np.log(f / centre) / 0.012) ** 2))
    axes = Axis.of("frequency", "Hz", f), Axis.of("speed deviation", "%", spectrum)
    bench.draw("flutter_spectrum", FLUTTER, *axes, frequency_hz=3150.0, level_db=0.0)


def response_db(f: np.ndarray, level_db: float, track: int) -> np.ndarray:
    bump = 1.3 * np.exp(-((np.log2(f / 75.0) / 0.55) ** 2))
    low = -10 * np.log10(1 + (28.0 / f) ** 4)
    high = -10 * np.log10(1 + (f / (16_500.0 - 400.0 * track)) ** 6)
    squash = -max(level_db + 18.0, 0.0) / 2.0 * (f / 12_000.0) ** 2 / (1 + (f / 14_000.0) ** 2)
    return bump + low + high + squash - 0.35 * track + 0.3 * np.sin(np.log(f) * 4 + track)


def response(bench: Bench, track: int) -> None:
    f = np.geomspace(20, 20_000, 480)
    uncertainty = (0.08 + 0.25 * (f / 15_000) ** 2).tolist()
    for level in LEVELS_DB:
        y = response_db(f, level, track) + 0.04 * bench.rng.standard_normal(f.size)
        axes = Axis.of("frequency", "Hz", f), Axis.of("magnitude", "dB", y)
        bench.draw("frequency_response", SWEPT, *axes, uncertainty, level_db=level)
        for order, size in ((2, -55.0), (3, -40.0)):
            harmonic = Axis.of("harmonic", "dB", size + level + 3 * np.log10(f / 1000))
            bench.draw(f"harmonic_response_{order}", SWEPT, Axis.of("frequency", "Hz", f), harmonic, level_db=level)
        re_1k = y - np.interp(1000.0, f, y)
        passed = f[re_1k >= -3.0]
        bench.add("bandwidth_low", float(passed.min()), "Hz", 0.6, SWEPT, level_db=level)
        bench.add("bandwidth_high", float(passed.max()), "Hz", 180.0, SWEPT, level_db=level)
        ripple = float(np.ptp(re_1k[(f > 100) & (f < 10_000)])) / 2
        bench.add("response_ripple", ripple, "dB", 0.1, SWEPT, level_db=level)


def distortion(bench: Bench, track: int) -> None:
    for frequency, weight in ((315.0, 1.0), (1000.0, 1.3), (10_000.0, 4.0)):
        third = weight * 0.85 * 10 ** (LADDER_DB / 20 * 1.9) * (1 + 0.06 * track)
        second = 0.11 + 0.05 * 10 ** (LADDER_DB / 20)
        floor = 0.03 * 10 ** (-(LADDER_DB + 20) / 20)
        total = np.hypot(third, second)
        level, tone = Axis.of("level", "dB", LADDER_DB), {"frequency_hz": frequency}
        out = LADDER_DB - 0.4 * track - 0.8 * weight * np.log1p(np.exp((LADDER_DB - 5.0) / 1.5))
        bench.draw("compression", "fundamental of the returned tone", level, Axis.of("output", "dB", out), **tone)
        if frequency > 5000:
            continue
        bench.draw("thd_vs_level", THD, level, Axis.of("THD", "%", total), (0.02 * total).tolist(), **tone)
        for i, level_db in enumerate(LADDER_DB.tolist()):
            where = {"level_db": level_db, "frequency_hz": frequency}
            bench.add("thd", float(total[i]), "%", float(0.02 * total[i]), THD, **where)
            bench.add("thd_n", float(np.hypot(total[i], 10 * floor[i])), "%", float(0.02 * total[i]), THD, **where)
            sizes = (second[i], third[i], 0.012 * third[i], 0.14 * third[i])
            for order, size in enumerate(sizes, 2):
                weak = size < floor[i]
                value = None if weak else float(20 * np.log10(size / 100))
                bench.add(
                    f"harmonic_{order}", value, "dB", None if weak else 0.3, THD, BELOW_NOISE if weak else None, **where
                )
        if frequency == 315.0:
            bench.add("mol_315", float(np.interp(3.0, total, LADDER_DB)), "dB", 0.2, "third harmonic at 3 %")
    bench.add("sol_10k", -5.5 - 0.2 * track, "dB", 0.2, "highest output at 10 kHz over the ladder")


def noise(bench: Bench, track: int) -> None:
    floor = -54.6 - 0.4 * track + 0.1 * bench.rng.standard_normal()
    bench.add("noise_a", floor, "dB", 0.3, f"{NOISE}, A-weighted RMS")
    bench.add("noise_ccir_rms", floor + 4.1, "dB", 0.3, f"{NOISE}, CCIR-RMS-weighted RMS")
    bench.add("snr_a", -floor, "dB", 0.3, f"{NOISE}, A-weighted, sign reversed")
    f = np.geomspace(20, 20_000, 3000)
    hiss = -98 - 3 * track + 4 * np.log10(f / 1000)
    density = hiss + 12 * np.exp(-(np.log2(f / 30) ** 2)) + 0.8 * bench.rng.standard_normal(f.size)
    for line, level, peak in ((50, -63.0, 28.0), (100, -71.0, 18.0), (150, -68.5, 21.0)):
        bench.add("hum", level + track, "dB", None, "line of the noise spectrum", frequency_hz=line)
        density = density + peak * np.exp(-((np.log(f / line) / 0.008) ** 2))
    bench.draw("noise_spectrum", NOISE, Axis.of("frequency", "Hz", f), Axis.of("density", "dB/Hz", density))
    bands = 1000.0 * 2.0 ** (np.arange(-17, 14) / 3)
    levels = np.interp(bands, f, hiss) + 10 * np.log10(bands * 0.23)
    axes = Axis.of("frequency", "Hz", bands), Axis.of("level", "dB", levels)
    bench.draw("noise_spectrum", f"{NOISE}, third octaves", *axes, bandwidth="1/3 octave")


@pytest.fixture(scope="session")
def make_session() -> Callable[..., Measurements]:
    return session


@pytest.fixture(scope="session")
def header() -> ReportHeader:
    return ReportHeader(
        session="2025-11-evening",
        created="2025-11-21T20:14:05+00:00",
        deck="Tascam Portastudio 424 MkII",
        tape="TDK SA C-60, Type II",
        speed_cm_s=9.5,
        interface="Focusrite Scarlett 2i2, 48 kHz",
        reference_dbfs=-18.0,
        wiring="out 1 to track 1, out 2 to track 4; track 1 to in 1, track 4 to in 2",
        tool_version="0.1.0",
        notes="Heads cleaned and demagnetised the day before.",
    )
