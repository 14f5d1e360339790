"""Curves of the tape: hysteresis, bias, distortion, and the response at several levels."""

from collections.abc import Callable
from functools import partial

import numpy as np
from beside import BLUE, GREEN, RED, Drawn, Row, decibels, dots, names
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from modeling.deck import losses
from modeling.deck.hysteresis import Hysteresis
from modeling.deck.materials import MATERIALS
from modeling.deck.parameters import DeckParameters, load_parameters
from modeling.deck.steady_state import linear_response, steady_sine, thd_percent
from reports.style import (
    DASHES,
    GREY,
    INK,
    decade_axis,
    frequency_axis,
    legend,
    new_figure,
    sequence_colours,
    signed_axis,
    styled,
)

PLAIN = {"electronics.asymmetry": 0.0, "tracks.gain_db": (0.0, 0.0, 0.0, 0.0)}
"""Amplifiers without second harmonic and tracks without gain errors, so that only the tape is seen."""

POINTS = 256


def deck(speed_cm_s: float, bias_db: float = 0.0) -> DeckParameters:
    """The deck `fresh` with its tape alone to be seen, its bias turned from the set point."""
    fresh = load_parameters("fresh")
    bias_ka_m = fresh.record_head.bias_ka_m * 10.0 ** (bias_db / 20.0)
    return fresh.changed({**PLAIN, "speed_cm_s": speed_cm_s, "record_head.bias_ka_m": bias_ka_m})


# Hysteresis


def path(turning_points: list[float], per_ka_m: int) -> np.ndarray:
    """Straight ways from 0 through the turning points."""
    ways = zip([0.0, *turning_points], turning_points, strict=False)
    return np.concatenate([[0.0], *(np.linspace(a, b, round(abs(b - a) * per_ka_m) + 1)[1:] for a, b in ways)])


def published_hysteresis(turning_points: list[float], step_ka_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Chowdhury 2019 as printed, in A/m, by an adaptive solver: field in kA/m and M / M_s, at equal steps."""
    ms, a, k, c, alpha = 3.5e5, 22e3, 27e3, 0.17, 1.6e-3

    def slope(h: float, m: np.ndarray, sign: float) -> np.ndarray:
        q = (h + alpha * m) / a
        small = np.abs(q) < 1e-2
        safe = np.where(small, 1.0, q)
        apart = ms * np.where(small, q / 3, 1 / np.tanh(safe) - 1 / safe) - m
        rise = np.where(small, 1 / 3, 1 / safe**2 - 1 / np.sinh(safe) ** 2) * ms / a
        pinned = (1 - c) * apart * (np.sign(apart) == sign) / ((1 - c) * sign * k - alpha * apart)
        return np.asarray((pinned + c * rise) / (1 - alpha * c * rise))

    fields, values, m = [np.zeros(1)], [np.zeros(1)], np.zeros(1)
    for start, end in zip([0.0, *turning_points], turning_points, strict=False):
        way = 1e3 * np.linspace(start, end, round(abs(end - start) / step_ka_m) + 1)
        sign = float(np.sign(end - start))
        done = solve_ivp(partial(slope, sign=sign), (way[0], way[-1]), m, "DOP853", way, rtol=1e-9, max_step=1e3)
        m = done.y[:, -1]
        fields.append(way[1:] / 1e3)
        values.append(done.y[0, 1:] / ms)
    return np.concatenate(fields), np.concatenate(values)


@styled
def hysteresis() -> Drawn:
    """Virgin curve, major and minor loop, anhysteretic of the Type I oxide."""
    turns, per_ka_m = [150.0, -150.0, 40.0, -20.0, 40.0, 150.0], 20
    material = MATERIALS["type1"]
    field = path(turns, per_ka_m)
    loop = Hysteresis(material, 1).process(field[None])[0]
    # A slowly dying field over a steady one leaves the anhysteretic, as in a tape eraser.
    steady = np.concatenate([[0.0, 0.1], np.linspace(2.5, 150.0, 60)])
    cycles = np.arange(400 * 48) / 48.0
    dying = 400.0 * np.exp(-cycles / 30.0) * np.sin(2.0 * np.pi * cycles)
    bulk = np.hstack([steady[:, None] + dying, steady[:, None]])
    anhysteretic = Hysteresis(material, steady.size).process(bulk)[:, -1]
    by_hand = np.array([5.0, 10.0, 20.0, 30.0, 45.0, 60.0, 80.0, 100.0, 125.0, 150.0])
    a, coupling = material.shape_ka_m, material.coupling_ka_m
    langevin = [
        brentq(lambda m, h=h: 1 / np.tanh((h + coupling * m) / a) - a / (h + coupling * m) - m, 0.0, 1.0) for h in by_hand
    ]

    figure = new_figure(92.0)
    for axes, reach, step_ka_m in zip(figure.subplots(1, 2), (150.0, 45.0), (30.0, 5.0), strict=True):
        axes.plot(field, loop, color=BLUE, label="major and minor loops, virgin curve")
        axes.plot(steady, anhysteretic, color=RED, linestyle=DASHES[1], label="anhysteretic, by a dying field")
        dots(axes, *published_hysteresis(turns, step_ka_m), "equation of Chowdhury 2019, another solver", BLUE)
        dots(axes, by_hand, langevin, "Langevin curve, Jiles and Atherton 1986", RED, "s")
        axes.set_xlim(-reach, reach)
        axes.set_ylim(-1.0, 1.0) if reach > 100.0 else axes.set_ylim(-0.6, 0.6)
        axes.set_xlabel("Field (kA/m)")
        signed_axis(axes)
        signed_axis(axes, "x")
    figure.axes[0].set_ylabel("Magnetisation (M / Ms)")
    names(figure, 2)

    wanted = published_hysteresis(turns, 5.0)[1]
    worst = float(np.abs(loop[:: 5 * per_ka_m] - wanted).max())
    falling = slice(150 * per_ka_m, 450 * per_ka_m + 1)
    coercivity = -float(np.interp(0.0, -loop[falling], field[falling]))
    share = material.reversible
    virgin = Hysteresis(material, 1).process(np.array([[1e-3]])).item()
    rows = [
        Row("largest distance of a loop, 10⁻⁶ Ms", None, 1e6 * worst, 1, "equation of Chowdhury 2019, solved by DOP853"),
        Row("largest distance of the anhysteretic, Ms", None,
            float(np.abs(np.interp(by_hand, steady, anhysteretic) - langevin).max()), 4, "Jiles and Atherton 1986: L((H + αM)/a)"),
        Row("initial slope of the virgin curve, 10⁻³ Ms per kA/m", 1e3 * share / (3 * a), 1e6 * virgin, 3,
            "Jiles, Thoelke and Devine 1992, second hand: c Ms / 3a"),
        Row("initial slope of the anhysteretic, 10⁻³ Ms per kA/m", 1e3 / (3 * a - coupling),
            1e3 * anhysteretic[1] / steady[1], 2, "Jiles, Thoelke and Devine 1992, second hand: Ms / (3a − αMs)"),
        Row("coercivity, kA/m", 27.0, coercivity, 1, "gamma-ferric oxide, about, second hand (a public tape simulator)"),
    ]  # fmt: skip
    return figure, rows


# Bias and level


def level_of(parameters: DeckParameters, frequency_hz: float, level_db: float) -> np.ndarray:
    """Harmonics of a sine on track 1, in units of 0 VU, as a tape sheet has them: losses of the replay head taken off."""
    heard = steady_sine(parameters, frequency_hz, level_db, 0, {0}, POINTS)
    return heard / head_loss(parameters, frequency_hz)


def head_loss(parameters: DeckParameters, frequency_hz: float) -> float:
    """Loss of the replay head re 315 Hz, as a factor."""
    at, reference = losses.replay_head(np.array([frequency_hz, 315.0]), parameters.speed_um_s, parameters.replay_head)
    return float(at / reference)


def third_percent(parameters: DeckParameters, level_db: float) -> float:
    """Third harmonic at 315 Hz."""
    heard = level_of(parameters, 315.0, level_db)
    return float(100.0 * abs(heard[3] / heard[1]))


def sent_for(parameters: DeckParameters, wanted: Callable[[DeckParameters, float], float], value: float) -> float:
    """Level to send at which a rising figure is met."""
    return float(brentq(lambda x: wanted(parameters, x) - value, -30.0, 25.0, xtol=1e-3))


def output_db(parameters: DeckParameters, level_db: float) -> float:
    """Output at 315 Hz re 0 VU."""
    return float(decibels(level_of(parameters, 315.0, level_db)[1]))


def mol_db(parameters: DeckParameters) -> float:
    """Output at 315 Hz where the third harmonic first is 3 %, re 0 VU."""
    first = next(x for x in np.arange(-14.0, 15.0, 2.0) if third_percent(parameters, x) > 3.0)
    sent = brentq(lambda x: third_percent(parameters, x) - 3.0, first - 2.0, first, xtol=1e-3)
    return output_db(parameters, float(sent))


def sol_db(parameters: DeckParameters) -> float:
    """Highest output at 10 kHz re 0 VU."""
    return max(float(decibels(level_of(parameters, 10_000.0, float(x))[1])) for x in np.arange(0.0, 25.0, 2.0))


TDK_SA = "TDK SA data sheet, second hand (a public cassette simulator)"
STUDY_DB = (-6, -4, -2, 0, 2, 3, 4, 6)
STUDY = {
    "sensitivity, 315 Hz": (-5.4, -2.7, -0.8, 0.0, -0.4, -1.0, -1.8, -3.7),
    "sensitivity, 10 kHz": (2.5, 2.0, 1.2, 0.0, -1.7, -2.8, -4.1, -7.3),
}
"""An earlier program of the same law, Type II at 4.76 cm/s: no published tape, only another reckoning."""


@styled
def bias() -> Drawn:
    """Sensitivity, third harmonic, MOL and SOL against bias."""
    x = np.arange(-7.0, 6.1, 0.5)
    decks = [deck(4.8, b) for b in x]
    frequencies = np.array([315.0, 10_000.0])
    sensitivity = decibels(np.array([linear_response(frequencies, d, 0, {0}) for d in decks]))
    sensitivity -= sensitivity[x == 0.0]
    curves = {
        "sensitivity, 315 Hz": sensitivity[:, 0],
        "sensitivity, 10 kHz": sensitivity[:, 1],
        "third harmonic at 0 VU": np.array([third_percent(d, sent_for(d, output_db, 0.0)) for d in decks]),
        "MOL, 315 Hz": np.array([mol_db(d) for d in decks]),
        "SOL, 10 kHz": np.array([sol_db(d) for d in decks]),
    }
    figure = new_figure(92.0)
    left, middle, right = figure.subplots(1, 3)
    places = {left: tuple(curves)[:2], middle: tuple(curves)[2:3], right: tuple(curves)[3:]}
    for axes, drawn in places.items():
        for name, colour, dashes in zip(drawn, (BLUE, RED), DASHES, strict=False):
            axes.plot(x, curves[name], color=colour, linestyle=dashes)
            if name in STUDY:
                axes.plot(STUDY_DB, STUDY[name], "x", color=GREY, markersize=4.0, label="earlier program, same law")
        axes.axvline(0.0, color=GREY, linewidth=0.6, linestyle=(0, (2, 2)))
        axes.set_xlabel("Bias re set point (dB)")
        axes.set_xticks(np.arange(-6, 7, 3))
        signed_axis(axes)
        signed_axis(axes, "x")
    left.set_title("Sensitivity (dB)")
    left.set_ylim(-12.0, 4.0)
    middle.set_title("Third harmonic, 315 Hz, 0 VU (%)")
    middle.set_ylim(0.0, 5.0)
    right.set_title("Output re 0 VU (dB)")
    right.set_ylim(-12.0, 8.0)
    peak_db = float(x[np.argmax(curves["sensitivity, 10 kHz"])])
    fall_db = float(curves["sensitivity, 10 kHz"].max())
    left.errorbar([peak_db], [2.5], yerr=[[0.5], [0.5]], fmt="none", ecolor=INK, elinewidth=1.0, capsize=2.5,
                  label="overbias of 2 to 3 dB, Type II")  # fmt: skip
    dots(right, [0.0], [5.0], "TDK SA data sheet: MOL, SOL", BLUE)
    dots(right, [0.0], [-6.5], "TDK SA data sheet: MOL, SOL", RED)
    for axes, name, place in (
        (left, "315 Hz", (3.4, -0.8)), (left, "10 kHz", (0.6, -6.0)), (right, "MOL, 315 Hz", (-5.6, 6.2)),
        (right, "SOL, 10 kHz", (-5.6, -5.6)),
    ):  # fmt: skip
        axes.annotate(name, place, fontsize=8.5, color=BLUE if "315" in name else RED)
    names(figure, 3)
    here = {name: float(curve[x == 0.0][0]) for name, curve in curves.items()}
    others = {name: float(np.abs(np.interp(STUDY_DB, x, curves[name]) - STUDY[name]).max()) for name in STUDY}
    rows = [
        Row("10 kHz below its peak at the set point, dB: an input", 2.5, fall_db, 1,
            "2 to 3 dB for Type II, second hand (a public cassette simulator)"),
        Row("MOL, 315 Hz, dB: an input", 5.0, here["MOL, 315 Hz"], 1, TDK_SA),
        Row("SOL, 10 kHz, dB: an input", -6.5, here["SOL, 10 kHz"], 1, TDK_SA),
        *(Row(f"{name}, largest distance, dB", None, value, 2, "an earlier program, same law")
          for name, value in others.items()),
    ]  # fmt: skip
    return figure, rows


@styled
def distortion() -> Drawn:
    """Distortion over level below the level of 3 %, against measured cassettes."""
    measured = {  # dB re the level of 3 %, THD in percent
        "Maxell XLII, 1994": ((0.0 - 5.3, 1.8 - 5.3, 0.0), (0.62, 1.0, 3.0)),
        "NAC Studio Master 799": ((0.0 - 6.1, 2.4 - 6.1, 0.0), (0.55, 1.0, 3.0)),
    }
    parameters = deck(4.8)
    sent = np.arange(-14.0, 9.01, 0.25)
    heard = [level_of(parameters, 400.0, level) for level in sent]
    percent = np.array([thd_percent(h, 400.0) for h in heard])
    out_db = decibels(np.array([h[1] for h in heard]))
    below_db = out_db - np.interp(3.0, percent, out_db)
    figure = new_figure(84.0)
    axes = figure.subplots()
    axes.plot(below_db, percent, color=BLUE, label="virtual deck, Type II")
    axes.plot(below_db, 3.0 * 10.0 ** (below_db / 10.0), color=GREY, linewidth=0.8, linestyle=DASHES[2],
              label="third-order law, 2 dB a dB")  # fmt: skip
    for (name, (x, y)), mark, colour in zip(measured.items(), "os", (RED, GREEN), strict=True):
        dots(axes, x, y, name, colour, mark)
    axes.set_xlim(-12.0, 3.0)
    decade_axis(axes, 0.1, 10.0)
    axes.yaxis.set_ticks([0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0])
    signed_axis(axes, "x")
    axes.set_xlabel("Output at 400 Hz re that of 3 % (dB)")
    axes.set_ylabel("Total harmonic distortion (%)")
    legend(figure)
    rows = [
        Row(
            f"THD {-x:.1f} dB below the level of 3 %, %: an input",
            y,
            float(np.interp(x, below_db, percent)),
            2,
            f"{name}, measured (audiochrome blog)",
        )
        for name, pairs in measured.items()
        for x, y in list(zip(*pairs, strict=True))[:2]
    ]
    distance = mol_db(parameters) - sol_db(parameters)
    said = ((5.3 + 3.4, "Maxell XLII, 1994: MOL at 400 Hz, measured (audiochrome blog)"),
            (6.1 + 4.0, "NAC Studio Master 799: MOL at 400 Hz, measured (audiochrome blog)"),
            (5.0 + 6.5, TDK_SA + "; both are inputs"))  # fmt: skip
    return figure, rows + [Row("MOL above SOL at 10 kHz, dB", value, distance, 1, source) for value, source in said]


@styled
def levels() -> Drawn:
    """Response sent at several levels, at both speeds."""
    f = np.geomspace(20.0, 20_000.0, 91)
    sent_db = (0.0, -10.0, -20.0, -30.0)
    figure = new_figure(92.0)
    rows = []
    for axes, speed in zip(figure.subplots(1, 2, sharey=True), (4.8, 9.5), strict=True):
        parameters = deck(speed)
        for level, colour in zip(sent_db, sequence_colours(len(sent_db)), strict=True):
            out = decibels(np.array([steady_sine(parameters, x, level, 0, {0}, POINTS)[1] for x in f]))
            axes.plot(f, out, color=colour, label=f"sent at {level:g} dB".replace("-", "−"))
            if (level, speed) == (-20.0, 9.5):
                falling = f > 10_000.0
                high = float(np.interp(3.0 - level, -out[falling], f[falling]))
        frequency_axis(axes)
        axes.xaxis.set_ticks([20, 100, 1000, 10_000])
        axes.set_title(f"{speed} cm/s")
        signed_axis(axes)
        ceiling_db = sol_db(parameters) + float(decibels(head_loss(parameters, 10_000.0)))
        axes.plot([10_000.0], [ceiling_db], "_", color=INK, markersize=12.0, label="most that 10 kHz reaches")
        if speed == 4.8:
            said_db = -6.5 + float(decibels(head_loss(parameters, 10_000.0)))
            dots(axes, [10_000.0], [said_db], "TDK SA data sheet, less the loss of this head", RED)
            rows.append(
                Row(
                    "most that 10 kHz reaches at 4.8 cm/s, dB",
                    said_db,
                    ceiling_db,
                    1,
                    TDK_SA + ", less the loss of this head",
                )
            )
        else:
            axes.errorbar([14_000.0], [-23.0], xerr=[[4000.0], [2000.0]], color=GREEN, marker="s", markerfacecolor="white",
                          markersize=4.2, linewidth=1.0, capsize=2.5, linestyle="", label="Tascam 424: 10 to 16 kHz")  # fmt: skip
            rows.append(
                Row(
                    "−3 dB at −20 dB, 9.5 cm/s, kHz",
                    14.0,
                    high / 1000.0,
                    1,
                    "424 specifications, 10 to 16 kHz, second hand (a public data set)",
                )
            )
    figure.axes[0].set_ylim(-45.0, 5.0)
    figure.axes[0].set_ylabel("Output re 0 VU (dB)")
    names(figure, 3)
    return figure, rows
