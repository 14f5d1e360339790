"""Setting a machine up for a tape, as a technician does: bias, record level, record equalisation.

Also the one constant of the coating that the data sheet of a tape gives in a roundabout way, its surface taper. The values in
``tapes`` were found by these functions. All levels are of flux on tape at 4.76 cm/s, where data sheets state them.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq, least_squares

from modeling.deck.losses import replay_equaliser
from modeling.deck.magnetics import ParticleClasses, particle_classes
from modeling.deck.parameters import TAPE_SPEED_UM_S, DeckParameters, RecordEqualiser, RecordHead, Tape
from modeling.deck.steady_state import linear_response
from modeling.deck.tracks import CALIBRATION_HZ

SLOW_UM_S = TAPE_SPEED_UM_S[4.8]
TREBLE_HZ = 10_000.0
MOL_THIRD = 0.03
"""Third harmonic that defines the maximum output level."""

POINTS = 256
BIAS_RE_COERCIVITY = np.geomspace(1.8, 9.0, 120)
TAPER_UM = (0.5, 40.0)
FLAT_HZ = {9.5: (40.0, 13_000.0), 4.8: (40.0, 10_000.0)}
"""Band that record equalisation makes flat."""

HIGHEST_PEAK_HZ = {9.5: 15_000.0, 4.8: 11_500.0}
"""Where the tuned circuit of the record amplifier resonates at most, so that the response ends where such decks are said to."""


@dataclass(frozen=True)
class Sheet:
    """What the data sheet of a tape states.

    Attributes
    ----------
    mol_db : float
        Flux at 315 Hz with a third harmonic of 3 %, re 0 VU.
    sol_db : float
        Highest output at 10 kHz, equalised by `replay_us`, re 0 VU.
    past_db : float
        By how much 10 kHz has fallen from its peak when the bias is right.
    replay_us : float
        Replay time constant.
    """

    mol_db: float
    sol_db: float
    past_db: float
    replay_us: float


@dataclass(frozen=True)
class Level:
    """A sine on tape: deep-gap peak field, and peak flux as part of saturation."""

    signal_ka_m: float
    flux: float


def harmonics(classes: ParticleClasses, frequency_hz: float, signal_ka_m: float, speed_um_s: float) -> np.ndarray:
    """Flux of a sine of that peak field at harmonics 0 to 3, complex, as part of saturation."""
    sine = signal_ka_m * np.sin(2.0 * np.pi * np.arange(POINTS) / POINTS)
    lines = np.fft.rfft(classes.magnetisation(sine), axis=1)[:, :4] * 2.0 / POINTS
    return np.asarray(np.sum(classes.propagation(frequency_hz * np.arange(4.0), speed_um_s).T * lines, axis=0))


def sensitivity_db(tape: Tape, head: RecordHead, frequency_hz: float, speed_um_s: float = SLOW_UM_S) -> float:
    """Flux of a weak sine over its field."""
    classes = particle_classes(tape, head)
    return float(20.0 * np.log10(abs(classes.propagation(np.array([frequency_hz]), speed_um_s)[0] @ classes.permeability())))


def right_bias(tape: Tape, head: RecordHead, past_db: float) -> float:
    """Bias in kA/m past the peak of 10 kHz, where that has fallen by `past_db`."""
    tried = tape.coercivity_ka_m * BIAS_RE_COERCIVITY
    found = np.array([sensitivity_db(tape, head.model_copy(update={"bias_ka_m": b}), TREBLE_HZ) for b in tried])
    peak = int(found.argmax())
    beyond = slice(peak, None)
    return float(np.exp(np.interp(past_db, found[peak] - found[beyond], np.log(tried[beyond]))))


def maximum_output(classes: ParticleClasses, speed_um_s: float) -> Level:
    """Level of 315 Hz at which the third harmonic first is 3 %."""

    def excess(log_field: float) -> float:
        lines = harmonics(classes, CALIBRATION_HZ, np.exp(log_field), speed_um_s)
        return float(abs(lines[3] / lines[1]) - MOL_THIRD)

    tried = np.log(classes.bias_ka_m) + np.linspace(-4.0, 0.0, 41)
    first = next(i for i, x in enumerate(tried) if excess(x) > 0.0)
    field = float(np.exp(brentq(excess, tried[first - 1], tried[first])))
    return Level(field, float(abs(harmonics(classes, CALIBRATION_HZ, field, speed_um_s)[1])))


def zero_vu(classes: ParticleClasses, mol_db: float, speed_um_s: float) -> Level:
    """Level of 315 Hz that lies `mol_db` below the maximum output."""
    highest = maximum_output(classes, speed_um_s)
    flux = highest.flux * 10.0 ** (-mol_db / 20.0)

    def excess(log_field: float) -> float:
        return float(abs(harmonics(classes, CALIBRATION_HZ, np.exp(log_field), speed_um_s)[1]) - flux)

    top = np.log(highest.signal_ka_m)
    return Level(float(np.exp(brentq(excess, top - 3.0, top))), flux)


def saturated_output_db(classes: ParticleClasses, zero: Level, replay_us: float, speed_um_s: float) -> float:
    """Highest output at 10 kHz re 0 VU behind the replay equaliser, without losses of a head."""
    tried = classes.bias_ka_m * np.geomspace(0.1, 2.0, 30)
    flux = max(abs(harmonics(classes, TREBLE_HZ, field, speed_um_s)[1]) for field in tried)
    low, high = np.abs(replay_equaliser(np.array([CALIBRATION_HZ, TREBLE_HZ]), replay_us))
    return float(20.0 * np.log10(flux / zero.flux * high / low))


def fitted(tape: Tape, head: RecordHead, sheet: Sheet) -> tuple[Tape, RecordHead]:
    """The tape with the taper that meets the sheet's saturated output, and the head with the bias that is right for it."""

    def at(taper_um: float) -> tuple[Tape, RecordHead]:
        coated = tape.model_copy(update={"taper_um": taper_um})
        return coated, head.model_copy(update={"bias_ka_m": right_bias(coated, head, sheet.past_db)})

    def excess(log_taper: float) -> float:
        classes = particle_classes(*at(float(np.exp(log_taper))))
        zero = zero_vu(classes, sheet.mol_db, SLOW_UM_S)
        return saturated_output_db(classes, zero, sheet.replay_us, SLOW_UM_S) - sheet.sol_db

    return at(float(np.exp(brentq(excess, *np.log(TAPER_UM), xtol=1e-3))))


def flat_equaliser(parameters: DeckParameters) -> RecordEqualiser:
    """Record equaliser that makes the response of track 1 flat at its speed, the floor of the bass lift left as it is."""
    f = np.geomspace(*FLAT_HZ[parameters.speed_cm_s], 120)
    section = "alignment_9_5" if parameters.speed_cm_s == 9.5 else "alignment_4_8"
    names = ("shelf_zero_hz", "shelf_pole_hz", "peak_hz", "peak_db", "peak_q")
    start = parameters.alignment.record_eq.model_dump()

    def set_to(values: np.ndarray) -> RecordEqualiser:
        return parameters.alignment.record_eq.model_copy(update=dict(zip(names, map(float, np.exp(values)), strict=True)))

    def bent(values: np.ndarray) -> np.ndarray:
        alignment = parameters.alignment.model_copy(update={"record_eq": set_to(values)})
        level_db = 20.0 * np.log10(np.abs(linear_response(f, parameters.model_copy(update={section: alignment}), 0, {0})))
        return np.asarray(level_db - np.interp(CALIBRATION_HZ, f, level_db))

    highest_hz = HIGHEST_PEAK_HZ[parameters.speed_cm_s]
    low, high = np.log([200.0, 200.0, 8000.0, 1.0, 0.2]), np.log([50_000.0, 200_000.0, highest_hz, 30.0, 5.0])
    begin = np.clip(np.log([start[name] for name in names]), low + 0.01, high - 0.01)
    return set_to(least_squares(bent, begin, bounds=(low, high)).x)
