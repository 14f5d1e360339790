"""The frozen-Preisach model against simulations with an explicit bias, and the law of the interaction fields."""

import numpy as np
import pytest
from scipy.special import erfinv, ndtr

from modeling.deck.draw import draw_deck
from modeling.deck.law_with_bias import _look_up
from modeling.deck.magnetics import CURVES, particle_classes, reduce_to_curves
from modeling.deck.parameters import load_parameters
from modeling.deck.steady_state import steady_sine
from tests.modeling import explicit_bias

FRESH = load_parameters("fresh")
STUDY = FRESH.changed(
    {
        "tape.taper_um": 5.02,
        "tape.narrowing": 0.0,
        "record_head.bias_ka_m": 276.0,
        "alignment_4_8.signal_ka_m": 28.2,
        "alignment_4_8.flux_at_0_vu": 0.298,
        "alignment_9_5.signal_ka_m": 26.7,
        "alignment_9_5.flux_at_0_vu": 0.302,
    }
)
"""The Type II set of a study of the same model, which had no narrowing."""

CLASSES = particle_classes(STUDY.tape, STUDY.record_head)
SPEED_UM_S = {4.76: 47625.0, 9.53: 95250.0}
PHASE = 2.0 * np.pi * np.arange(512) / 512


def db(ratio):
    return 20.0 * np.log10(np.abs(ratio))


def flux(peak_ka_m, frequency_hz, speed_um_s, harmonic=1, classes=CLASSES):
    """Complex flux at a harmonic of a steady sine field, full sum over classes."""
    magnetisation = np.fft.rfft(classes.magnetisation(peak_ka_m * np.sin(PHASE)), axis=1)[:, harmonic] / 256
    return (classes.propagation(np.array([harmonic * frequency_hz]), speed_um_s) @ magnetisation)[0]


# From another program that moved a Preisach tape under an explicit 100 kHz bias (8 layers, 8 coercivities, 48 interactions).
EXPLICIT = [
    (0.1, 315, 4.76, -10.70, 0.79),
    (0.1, 315, 9.53, -10.27, 0.81),
    (0.183, 315, 4.76, -6.02, 2.60),
    (0.183, 315, 9.53, -5.58, 2.69),
    (0.1, 10000, 4.76, -39.16, None),
    (0.1, 10000, 9.53, -27.31, None),
    (0.5, 10000, 4.76, -30.29, None),
    (0.5, 10000, 9.53, -17.46, None),
]


@pytest.mark.parametrize(("ratio", "frequency_hz", "speed", "level_db", "h3_percent"), EXPLICIT)
def test_two_simulations_with_explicit_bias_agree(ratio, frequency_hz, speed, level_db, h3_percent):
    lines = explicit_bias.flux(
        STUDY.tape, STUDY.record_head, ratio * STUDY.record_head.bias_ka_m, frequency_hz, SPEED_UM_S[speed]
    )
    assert db(lines[1]) == pytest.approx(level_db, abs=0.25)
    if h3_percent is not None:
        assert 100 * abs(lines[3] / lines[1]) == pytest.approx(h3_percent, rel=0.13)  # a few hundred particles each


@pytest.mark.parametrize(("ratio", "frequency_hz", "speed", "level_db", "h3_percent"), EXPLICIT)
def test_frozen_model_agrees_with_explicit_bias(ratio, frequency_hz, speed, level_db, h3_percent):
    peak, v = ratio * STUDY.record_head.bias_ka_m, SPEED_UM_S[speed]
    first = flux(peak, frequency_hz, v)
    assert db(first) == pytest.approx(level_db, abs=0.65)
    if h3_percent is not None:
        assert 100 * abs(flux(peak, frequency_hz, v, 3) / first) == pytest.approx(h3_percent, rel=0.16)


@pytest.mark.parametrize("kind", ["type-i", "type-ii", "type-iv"])
@pytest.mark.parametrize("bias_db", [-6.0, 3.0])
def test_freezing_holds_for_every_tape_and_bias(tmp_path, kind, bias_db):
    """315 Hz at a tenth of the bias, 4.76 cm/s; the bias has some 10 periods in the gap."""
    file = tmp_path / "deck.toml"
    file.write_text(f'cassette = "{kind}"\n[tape]\nnarrowing = 0.0\n')
    deck = load_parameters(str(file))
    head = deck.record_head.model_copy(update={"bias_ka_m": deck.record_head.bias_ka_m * 10 ** (bias_db / 20)})
    peak = 0.1 * head.bias_ka_m
    followed = explicit_bias.flux(deck.tape, head, peak, 315.0, SPEED_UM_S[4.76])
    classes = particle_classes(deck.tape, head)
    assert db(flux(peak, 315.0, SPEED_UM_S[4.76], classes=classes) / followed[1]) == pytest.approx(0.0, abs=0.4)


@pytest.mark.parametrize("narrowing", [0.0, 0.23, 0.5])
def test_frozen_particles_follow_the_law_of_narrowing_interaction(narrowing):
    """Where the offset d is 0, the law solved for the field: S g = s_0 sqrt(1 - n M^2) sqrt(2) erfinv(M)."""
    deck = FRESH.changed({"tape.narrowing": narrowing})
    classes = particle_classes(deck.tape, deck.record_head)
    magnetised = np.linspace(-0.999, 0.999, 41)
    drive = classes.interaction_ka_m * np.sqrt(2.0 - 2.0 * narrowing * magnetised**2) * erfinv(magnetised)
    for i in np.flatnonzero(classes.threshold_ka_m == 0.0)[::20]:
        assert classes.magnetisation(drive / classes.gain[i])[i] == pytest.approx(magnetised, abs=1e-9)


@pytest.mark.parametrize("narrowing", [0.0, 0.23, 0.5])
@pytest.mark.parametrize("bias_db", [-9.0, 0.0])
def test_deep_particles_satisfy_their_equation(narrowing, bias_db):
    head = FRESH.record_head.model_copy(update={"bias_ka_m": FRESH.record_head.bias_ka_m * 10 ** (bias_db / 20)})
    classes = particle_classes(FRESH.changed({"tape.narrowing": narrowing}).tape, head)
    field = np.linspace(-3.0, 3.0, 201) * head.bias_ka_m
    magnetised = classes.magnetisation(field)
    width = classes.interaction_ka_m * np.sqrt(1.0 - narrowing * magnetised**2)
    offset = np.multiply.outer([-1.0, 1.0], classes.threshold_ka_m)[:, :, None]
    said = (2.0 * ndtr((classes.gain[:, None] * field + offset) / width) - 1.0).mean(axis=0)
    assert np.abs(magnetised - said).max() < 1e-9
    assert np.diff(magnetised, axis=1).min() >= -1e-12


@pytest.mark.parametrize("narrowing", [0.23, 0.5])
def test_magnetisation_does_not_hang_on_the_order_of_the_fields(narrowing):
    classes = particle_classes(FRESH.changed({"tape.narrowing": narrowing}).tape, FRESH.record_head)
    field = np.random.default_rng(0).uniform(-6.0, 6.0, 2000) * FRESH.record_head.bias_ka_m
    one_by_one = np.concatenate([classes.magnetisation(field[i : i + 1]) for i in range(field.size)], axis=1)
    assert np.abs(classes.magnetisation(field) - one_by_one).max() < 1e-12


@pytest.mark.parametrize("at_ka_m", [0.0, 40.0])
def test_permeability_is_the_slope_of_the_magnetisation(at_ka_m):
    classes = particle_classes(FRESH.tape, FRESH.record_head)
    rise = np.diff(classes.magnetisation(np.array([at_ka_m - 0.01, at_ka_m + 0.01])), axis=1)[:, 0] / 0.02
    assert classes.permeability(at_ka_m) == pytest.approx(rise, rel=1e-4, abs=1e-9)


# Distortion at 400 Hz below the level at which it is 3 %, measured on a Maxell XLII of 1994 and on NAC Studio Master 799
# (audiochrome blog, 2018 and 2019).
@pytest.mark.parametrize(("below_db", "thd_percent"), [(5.3, 0.62), (3.5, 1.00), (6.1, 0.55), (3.7, 1.00)])
def test_distortion_falls_with_level_as_on_measured_cassettes(below_db, thd_percent):
    deck = FRESH.changed({"speed_cm_s": 4.8, "electronics.asymmetry": 0.0})
    heard = [steady_sine(deck, 400.0, level, 0, {0}) for level in np.arange(-4.0, 8.1, 0.5)]
    output_db = np.array([db(h[1]) for h in heard])
    percent = np.array([100 * np.linalg.norm(h[2:6]) / abs(h[1]) for h in heard])
    full_db = np.interp(3.0, percent, output_db)
    assert np.interp(full_db - below_db, output_db, percent) == pytest.approx(thd_percent, rel=0.1)


DECKS = [FRESH, *(pytest.param(draw_deck(seed), marks=pytest.mark.slow) for seed in (1, 2, 3, 4))]


@pytest.mark.parametrize("deck", DECKS, ids=lambda deck: deck.name)
def test_eight_curves_stand_for_all_classes(deck):
    classes = particle_classes(deck.tape, deck.record_head)
    curves = reduce_to_curves(classes)
    for v in SPEED_UM_S.values():
        for level_db in (-20, -10, 0, 5, 10, 15):
            peak = 27.0 * 10 ** (level_db / 20)
            values = np.empty((CURVES, PHASE.size))
            _look_up(peak * np.sin(PHASE), curves.field_limit_ka_m, curves.coefficients, values)
            reduced = np.fft.rfft(values, axis=1) / 256

            for f in (100, 315, 1000, 3150, 6300, 10000, 14000):
                fundamental = flux(peak, f, v, classes=classes)
                fast = (curves.propagation(np.array([f]), v) @ reduced[:, 1])[0]
                assert db(fast / fundamental) == pytest.approx(0.0, abs=0.005)
                for order, close in ((3, 0.0012), (5, 0.007)) if f in (315, 1000) else ():
                    fast = (curves.propagation(np.array([order * f]), v) @ reduced[:, order])[0]
                    slow = flux(peak, f, v, order, classes)
                    assert abs(fast - slow) < max(close * abs(slow), 1e-5 * abs(fundamental))


def test_bias_turns_sensitivity_and_treble_as_on_tape():
    """Type II at 4.76 cm/s, dB re set point, constant record current: published bias curves of the model."""
    reference = {f: flux(1.0, f, SPEED_UM_S[4.76]) for f in (315, 10000)}
    table = {-6: (-5.4, 2.5), -4: (-2.7, 2.0), -2: (-0.8, 1.2), 2: (-0.4, -1.7), 4: (-1.8, -4.1), 6: (-3.7, -7.3)}
    for bias_db, (low, high) in table.items():
        head = STUDY.record_head.model_copy(update={"bias_ka_m": STUDY.record_head.bias_ka_m * 10 ** (bias_db / 20)})
        classes = particle_classes(STUDY.tape, head)
        assert db(flux(1.0, 315, SPEED_UM_S[4.76], classes=classes) / reference[315]) == pytest.approx(low, abs=0.2)
        assert db(flux(1.0, 10000, SPEED_UM_S[4.76], classes=classes) / reference[10000]) == pytest.approx(high, abs=0.2)


@pytest.mark.parametrize("speed", [9.5, 4.8])
def test_levels_of_the_study(speed):
    """MOL315 +5 dB at 3 %, THD about 0.9 % at 0 VU, and the level ladder of the study."""
    deck = STUDY.changed({"speed_cm_s": speed, "electronics.asymmetry": 0.0, "tracks.gain_db": (0.0, 0.0, 0.0, 0.0)})

    def sine(level_db, frequency_hz=315.0):
        return steady_sine(deck, frequency_hz, level_db, 0, {0})

    zero = sine(0.0)
    assert 100 * abs(zero[3] / zero[1]) == pytest.approx(0.885, abs=0.06)
    levels = np.arange(3.0, 8.0, 0.1)
    third = np.array([abs(h[3] / h[1]) for h in map(sine, levels)])
    mol_db = db(sine(np.interp(0.03, third, levels))[1])
    assert mol_db == pytest.approx(5.0, abs=0.3)
    ladder = [db(sine(level)[1] / zero[1]) for level in (-20.0, -12.0, -4.0, 4.0, 8.0, 12.0)]
    assert ladder == pytest.approx([-19.7, -11.7, -3.8, 3.6, 6.7, 9.0], abs=0.25)


def test_saturated_output_at_10_khz():
    """SOL10k -6.5 dB at 4.76 cm/s, +1.1 at 9.53, re 0 VU at 315 Hz, replay head losses taken out."""
    for speed, signal, replay_us, expected in ((4.76, 28.2, 70e-6, -6.4), (9.53, 26.7, 35e-6, 1.1)):
        v = SPEED_UM_S[speed]
        highest = max(abs(flux(signal * 10 ** (x / 20), 10000, v)) for x in np.arange(-10.0, 26.0))
        replay = abs((1 + 2j * np.pi * 10000 * replay_us) / (1 + 2j * np.pi * 315 * replay_us))
        assert db(highest * replay / flux(signal, 315, v)) == pytest.approx(expected, abs=0.2)
