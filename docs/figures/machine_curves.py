"""Curves of the machine: wavelength losses, flutter, and noise reduction."""

from collections.abc import Callable, Iterator

import numpy as np
from beside import BLUE, GREEN, PURPLE, RED, Drawn, Row, decibels, dots, names
from matplotlib.patches import Rectangle

from modeling.deck import losses
from modeling.deck.compander import CompanderHalf
from modeling.deck.compander_truth import StaticCompander
from modeling.deck.motion import PassPair
from modeling.deck.parameters import TAPE_SPEED_UM_S, DeckParameters, load_parameters
from modeling.deck.transport import play_trajectory, record_trajectory
from reports.style import (
    CATEGORICAL,
    DASHES,
    GREY,
    INK,
    crests,
    decade_axis,
    frequency_axis,
    new_figure,
    signed_axis,
    styled,
)

# Losses


@styled
def wavelength_losses() -> Drawn:
    """Spacing, thickness and gap loss, and the head bump."""
    f = np.geomspace(20.0, 20_000.0, 401)
    slow, fast = TAPE_SPEED_UM_S[4.8], TAPE_SPEED_UM_S[9.5]
    by_hand_hz = np.array([1000.0, 3150.0, 6300.0, 10_000.0, 12_500.0, 15_000.0])
    # Worked out on paper at 4.7625 cm/s and rounded to 0.1 dB.
    kinds: dict[str, tuple[Callable[[np.ndarray, float], np.ndarray], float, tuple[float, ...], str]] = {
        "spacing, 0.2 µm": (losses.spacing_loss, 0.2, (-0.2, -0.7, -1.4, -2.3, -2.9, -3.4), "Wallace 1951: 54.6 d/λ dB"),
        "thickness, 5 µm": (losses.thickness_loss, 5.0, (-2.7, -7.5, -12.5, -16.4, -18.3, -19.9),
                            "Wallace 1951: (1 − exp(−kδ))/kδ"),
        "gap, 1 µm": (losses.gap_loss, 1.0, (0.0, -0.1, -0.3, -0.6, -1.0, -1.5), "sin(kg/2)/(kg/2)"),
    }  # fmt: skip
    figure = new_figure(92.0)
    left, right = figure.subplots(1, 2)
    rows = []
    for (name, (loss, size, by_hand, source)), colour, dashes in zip(kinds.items(), CATEGORICAL, DASHES, strict=False):
        left.plot(f, decibels(loss(losses.wave_number(f, slow), size)), color=colour, linestyle=dashes, label=name)
        dots(left, by_hand_hz, by_hand, "worked by hand", colour)
        model = decibels(loss(losses.wave_number(by_hand_hz, slow), size))
        rows.append(Row(f"{name}: 10 kHz at 4.8 cm/s, dB", by_hand[3], float(model[3]), 1, source + ", by hand"))
        rows.append(
            Row(
                f"{name}: largest distance, dB",
                None,
                float(np.abs(model - by_hand).max()),
                2,
                "six points by hand, to 0.1 dB",
            )
        )
    frequency_axis(left, 200.0)
    left.set_ylim(-25.0, 1.0)
    left.set_title("Losses at 4.8 cm/s (dB)")
    head = load_parameters("fresh").replay_head
    for speed, name, colour, dashes, low, high in (
        (slow, "bump, 4.8 cm/s", PURPLE, DASHES[0], 48.0, 68.0), (fast, "bump, 9.5 cm/s", INK, DASHES[1], 95.0, 136.0),
    ):  # fmt: skip
        bump = decibels(losses.head_bump(losses.wave_number(f, speed), head.contact_mm, head.bump_db))
        right.plot(f, bump, color=colour, linestyle=dashes, label=name)
        right.add_patch(Rectangle((low, 1.0), high - low, 2.0, facecolor="none", edgecolor=colour, linestyle=dashes))
        crest = float(f[np.argmax(bump)])
        source = f"{low:.0f} to {high:.0f} Hz, second hand (a public cassette simulator)"
        rows.append(Row(f"first {name}, Hz", (low + high) / 2.0, crest, 1, source))
    rows.append(
        Row(
            "height of the first bump, dB", 2.0, float(bump.max()), 1, "1 to 3 dB, second hand (a public cassette simulator)"
        )
    )
    frequency_axis(right, 20.0, 1000.0)
    right.set_ylim(-2.0, 4.0)
    right.set_title("Head bump (dB); boxes: published places")
    for axes in (left, right):
        signed_axis(axes)
    nulled = losses.gap_loss(losses.wave_number(np.array([slow]), slow), 1.0)
    rows.append(Row("gap loss where wavelength and gap are one, of 1", 0.0, float(abs(nulled[0])), 3, "first null at λ = g"))
    names(figure, 3)
    return figure, rows


# Flutter

SECONDS, READ_HZ, PASSES, SEED = 40.0, 400.0, 4, 1


def pairs(parameters: DeckParameters) -> Iterator[PassPair]:
    """A recording and its play passes, drawn from one seed."""
    record = record_trajectory(parameters, SEED, 1)
    return (PassPair(record, play_trajectory(parameters, SEED, n), 0) for n in range(1, PASSES + 1))


@styled
def flutter() -> Drawn:
    """Spectrum of the speed deviation heard, and its figures against those of real decks."""
    time_s = np.arange(int(SECONDS * READ_HZ)) / READ_HZ
    window = np.hanning(time_s.size)
    parameters = load_parameters("fresh")
    powers = []
    for pair in pairs(parameters):
        heard = 100.0 * pair.speed_ratio(time_s, pair.output_time(time_s))
        spectrum = np.fft.rfft(window * (heard - np.polyval(np.polyfit(time_s, heard, 1), time_s)))
        powers.append(np.abs(2.0 * spectrum / window.sum()) ** 2)
    f = np.fft.rfftfreq(time_s.size, 1.0 / READ_HZ)
    peak = np.sqrt(np.mean(powers, axis=0))
    # v / (pi d), v = 95.25 mm/s: diameters of 2.2 and 10 mm, packs of 20 and 15 mm radius.
    by_hand = {"capstan": 13.78, "pinch roller": 3.03, "take-up reel": 1.01, "supply reel": 0.758}
    figure = new_figure(92.0)
    left, right = figure.subplots(1, 2, width_ratios=(5, 4))
    left.plot(*crests(f[4:], peak[4:], 220), color=BLUE, linewidth=0.8)
    frequency_axis(left, 0.1, 200.0, label=False)
    left.set_xlabel("Flutter frequency (Hz)")
    decade_axis(left, 1e-4, 1.0)
    left.set_title("Deviation heard at 9.5 cm/s, peak (%)")
    rows = []
    for name, hertz in by_hand.items():
        near = np.flatnonzero(np.abs(f / hertz - 1.0) < 0.08)
        top = near[np.argmax(peak[near])]
        dots(left, [hertz], [1.35 * peak[top]], "v/πd of each part", RED, "v")
        left.annotate(name, (hertz, 1.7 * peak[top]), rotation=90, ha="center", va="bottom", fontsize=8.0, color=GREY)
        rows.append(Row(f"{name}, Hz", hertz, float(f[top]), 2, "v/πd by hand, nominal speed"))
    places = {
        "weighted, 4.8": (0.06, 0.06),
        "weighted, 9.5": (0.05, 0.04),
        "unweighted, 4.8": (None, 0.11),
        "unweighted, 9.5": (None, 0.07),
    }
    for i, (name, (tascam_424, tascam_122)) in enumerate(places.items()):
        kind, speed = name.split(", ")
        key = "wow_flutter_weighted_rms" if kind == "weighted" else "wow_flutter_unweighted_rms"
        figures = [pair.flutter(1.0, 11.0)[key] for pair in pairs(parameters.changed({"speed_cm_s": float(speed)}))]
        right.plot([i] * PASSES, figures, "_", color=BLUE, markersize=11.0, label="virtual deck, each play pass")
        root = float(np.sqrt(np.mean(np.square(figures))))
        said = [
            ("Tascam 424 specifications, second hand (a public data set)", tascam_424),
            ("Tascam 122 service manual p. 45, another deck", tascam_122),
        ]
        for (source, value), mark, colour in zip(said, "os", (RED, GREEN), strict=True):
            if value is not None:
                dots(right, [i - 0.12 if mark == "o" else i + 0.12], [value], source.split(" s")[0], colour, mark)
                rows.append(Row(f"flutter RMS, {kind}, {speed} cm/s, %", value, root, 3, source))
    right.set_xticks(range(4), [name.replace(", ", "\n") for name in places], fontsize=7.5)
    right.set_xlim(-0.5, 3.5)
    right.set_ylim(0.0, 0.14)
    right.set_title("Flutter, RMS (%), speeds in cm/s")
    names(figure, 4)
    return figure, rows


# Noise reduction

HELD_RATE, HELD_S = 48_000, 0.8


def held_db(decode: bool, frequency_hz: float, levels_db: np.ndarray) -> np.ndarray:
    """What a half of the compander makes of steady sines, all levels at once."""
    tone = np.sin(2.0 * np.pi * frequency_hz * np.arange(int(HELD_RATE * HELD_S)) / HELD_RATE)
    half = CompanderHalf(load_parameters("fresh").compander, decode, levels_db.size, HELD_RATE)
    out = half.process(10.0 ** (levels_db / 20.0)[:, None] * tone)
    return np.asarray(10.0 * np.log10(2.0 * np.mean(out[:, -HELD_RATE // 10 :] ** 2, axis=1)))


@styled
def dbx() -> Drawn:
    """Static laws of encoder and decoder, and their distance from 2:1 and 1:2."""
    x = np.arange(-80.0, 10.1, 2.5)
    manual = "Tascam 414 MkII owner's manual p. 32"
    figure = new_figure(92.0)
    left, right = figure.subplots(1, 2)
    rows = []
    for decode, name, ratio, dashes in ((False, "encoder", 0.5, DASHES[0]), (True, "decoder", 2.0, DASHES[1])):
        for hertz, place, colour in ((100.0, "100 Hz", GREEN), (1000.0, "1 kHz", BLUE), (10_000.0, "10 kHz", RED)):
            out = held_db(decode, hertz, x)
            right.plot(x, out - out[x == 0.0] - ratio * x, color=colour, linestyle=dashes, label=f"{name}, {place}")
            inside = (x >= -50.0) & (x <= 0.0)
            slope = float(np.polyfit(x[inside], out[inside], 1)[0])
            rows.append(Row(f"{name} at {place}, dB out for a dB in", ratio, slope, 3, f"2:1 and 1:2, {manual}"))
            if hertz == 1000.0:
                left.plot(x, out, color=colour, linestyle=dashes)
                dots(left, x[::4], ratio * x[::4], "published: 2:1, 1:2", colour)
    static = StaticCompander(load_parameters("fresh"), 0, {0})
    reduction = static.noise_db(False) - static.noise_db(True)
    rows.append(Row("noise reduction in silence, dB(A): an input", 30.0, reduction, 1, f"a little over 30 dB, {manual}"))
    left.set_ylim(-120.0, 20.0)
    left.set_title("Out at 1 kHz (dB re 0 VU)")
    left.annotate("encoder", (-72.0, -22.0), fontsize=8.5, color=BLUE)
    left.annotate("decoder", (-42.0, -98.0), fontsize=8.5, color=BLUE)
    right.set_title("Distance from the law, 0 dB at 0 dB (dB)")
    for axes in (left, right):
        axes.set_xlabel("In (dB re 0 VU)")
        signed_axis(axes)
        signed_axis(axes, "x")
    names(figure, 4)
    return figure, rows
