from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from scipy.ndimage import label
from scipy.signal import chirp

from analysis.dewarp import interpolate
from analysis.timebase import Timebase
from modeling.compander import Companding
from modeling.cores.core import Material, Run
from modeling.cores.hammerstein import HammersteinCore
from modeling.deck.compander import Positions
from modeling.deck.deck import VirtualDeck
from modeling.deck.defects import dropouts as true_dropouts
from modeling.deck.parameters import load_parameters
from modeling.deck.transport import play_trajectory
from modeling.dropouts import falls_of_pilot, without_dropouts
from modeling.fidelity import esr_of
from modeling.pairs import Origin, Span, select
from signals.audio import ArrayAudio
from signals.cues import Channel, Cue, CueSheet
from signals.music import compose
from tests.modeling.still_deck import MOTIONLESS

RATE = 48000
EDGE = 12000
LEAST_HEARD = 0.005
"""Part of the error that all dropouts of a piece make; where next to nothing sounds, one cannot be heard."""


def loss_db(samples, events):
    """Losses as squared cosines in dB: middle in samples, depth in dB, half width in samples."""
    at = np.arange(samples)
    total = np.zeros(samples)
    for middle, depth_db, width in events:
        x = np.clip((at - middle) / width, -1.0, 1.0)
        total += depth_db * np.cos(0.5 * np.pi * x) ** 2
    return total


def hurt(pair, number, seed, least_db=6.0, most_db=20.0):
    """A pair with so many dropouts, 3 to 12 ms below half their depth, and what they cost in dB."""
    rng = np.random.default_rng(seed)
    span = np.linspace(EDGE + 2000, pair.samples - EDGE - 2000, number + 1)
    events = [
        (rng.uniform(low + 600, high - 600), rng.uniform(least_db, most_db), rng.uniform(144, 576))
        for low, high in pairwise(span)
    ]
    lost = loss_db(pair.samples, events)
    return replace(pair, wet=(pair.wet * 10.0 ** (-lost / 20.0)).astype(np.float32)), lost


@pytest.fixture(scope="module")
def sound(tape_material, held_out):
    return [*tape_material.train, *tape_material.validation, *held_out, *tape_material.tones]


@pytest.fixture(scope="module")
def spoilt(sound):
    """Ten dropouts in every piece, two in every tone: the pairs, and what they lost in dB."""
    made = [hurt(pair, 10 if pair.samples > 1.5 * RATE else 2, seed) for seed, pair in enumerate(sound)]
    return [pair for pair, _ in made], [lost for _, lost in made]


def test_nothing_is_a_dropout_where_the_tape_only_bends_and_hisses(sound, simulator):
    """Music from -10 to +10 dB through a device that bends it, and tones."""
    loud = simulator.music(8.0, 40, 10.0)
    loud = simulator.pair(np.pad(loud, EDGE), simulator.device(np.pad(loud, EDGE)), "train", "loud")
    masked, found = without_dropouts([*sound, loud])
    assert found.seconds < 0.004 * found.listened_s
    assert found.listened_s == pytest.approx(sum(pair.seconds for pair in [*sound, loud]))
    assert [pair.name for pair in masked] == [pair.name for pair in [*sound, loud]]


@pytest.fixture
def swept(simulator):
    """A function that draws hiss and adds it to noise, and to a sweep in stretches of a third of an octave, at half their level."""

    def draw(seed):
        rng = np.random.default_rng(seed)
        noise = 0.1 * np.repeat(rng.uniform(0.0, 1.0, 48) ** 3, RATE // 6) * rng.standard_normal(8 * RATE)
        time_s = np.arange(4 * RATE) / RATE
        sweep = 0.126 * chirp(time_s, 250.0, 4.0, 24000.0, "logarithmic", -90.0)
        sixth = round(4.0 * np.log(2.0) / 6.0 / np.log(24000.0 / 250.0) * RATE)
        noisy = [0.5 * sent + 1e-4 * rng.standard_normal(sent.size) for sent in (noise, sweep)]
        pairs = [simulator.pair(noise, noisy[0], "train")]
        for k in range(4, 37):
            part = slice((k - 1) * sixth - EDGE, (k + 1) * sixth + EDGE // 5)
            pair = simulator.pair(sweep[part], noisy[1][part], "ladder")
            mask = (np.arange(pair.samples) >= EDGE) & (np.arange(pair.samples) < pair.samples - EDGE // 5)
            conditions = {"kind": "sweep", "frequency_hz": 250.0 * 2.0 ** (k / 6.0)}
            pairs.append(replace(pair, mask=mask, conditions=conditions))
        return pairs

    return draw


@pytest.mark.parametrize("seed", range(1, 5))
def test_hiss_beside_a_sweep_is_no_dropout(swept, seed):
    """Above 14 kHz a sweep leaves every band that is listened to with its leakage and with hiss."""
    assert without_dropouts(swept(seed))[1].count == 0


def test_dropouts_in_a_sweep_are_found(swept):
    pairs = swept(3)
    lost = loss_db(pairs[1].samples, [(EDGE + RATE // 20, 8.0, 300)])
    # Below, a frame holds two periods and less.
    hurt_ones = [k for k in range(1, len(pairs), 5) if 600.0 < pairs[k].conditions["frequency_hz"] < 14000.0]
    for k in hurt_ones:
        pairs[k] = replace(pairs[k], wet=(pairs[k].wet * 10.0 ** (-lost / 20.0)).astype(np.float32))
    masked, found = without_dropouts(pairs)
    assert found.count == len(hurt_ones) > 5
    assert all(not masked[k].mask[lost > 4.0].any() for k in hurt_ones)


def test_dropouts_are_found_and_hardly_anything_else(sound, spoilt):
    pairs, losses = spoilt
    masked, found = without_dropouts(pairs)
    error = left = heard = met = wrong = 0.0
    for was, is_, lost, after in zip(sound, pairs, losses, masked, strict=True):
        e = (is_.wet - was.wet).astype(np.float64) ** 2
        gone = was.mask & ~after.mask
        error, left = error + e[was.mask].sum(), left + e[after.mask].sum()
        parts, number = label((lost > 0.5) & was.mask)
        sounding = [k for k in range(1, number + 1) if e[parts == k].sum() > LEAST_HEARD * e[was.mask].sum()]
        heard += len(sounding)
        met += sum(gone[parts == k].any() for k in sounding)
        wrong += float(np.count_nonzero(gone & (lost < 0.1)))
    assert heard > 60
    assert met / heard > 0.95
    assert found.count < 1.15 * heard
    assert left < 0.03 * error
    # A dropout is masked by whole frames of 5.4 ms: some of what is sound before and behind it goes too.
    assert wrong / RATE / found.count < 0.012


@pytest.mark.slow
def test_the_default_core_comes_to_the_error_of_a_tape_without_dropouts(sound, spoilt, tape_material):
    pairs, _ = spoilt
    masked, _ = without_dropouts(pairs)
    told, steps = [], []

    def error(used, run):
        split = [select(used, name) for name in ("train", "validation")]
        core = HammersteinCore.fit(Material(*split, tape_material.reference_dbfs, select(used, "tone")), run)
        return esr_of(core.process, select(sound, "test"))

    without, whole = error(pairs, Run()), error(sound, Run())
    with_mask = error(masked, Run(log=told.append, progress=steps.append))
    assert with_mask < whole + 0.2 * (without - whole)
    assert without > 1.5 * whole
    again = [record for record in told if record.get("rung") == "dropouts bridged again"]
    assert again
    assert all(record["kept"] for record in again[:-1])
    fractions = [step.fraction for step in steps]
    assert fractions == sorted(fractions)
    assert fractions[-1] <= 1.0


def test_where_the_pilot_falls_half_of_the_evidence_is_enough(sound):
    """Falls of 2.5 dB are no dropouts by themselves."""
    pairs = [
        replace(pair, origin=Origin(Span(0, 1, pair.split, ""), 1000 * i, (0, 0), None)) for i, pair in enumerate(sound)
    ]
    pairs[0], lost = hurt(pairs[0], 5, 3, 2.3, 2.7)
    parts, number = label(lost > 1.0)
    falls = [tuple(np.flatnonzero(parts == k)[[0, -1]] / RATE) for k in range(1, number + 1)]
    alone, together = (without_dropouts(pairs, None, f)[1].count for f in ((), falls))
    assert together >= alone + 3  # two of the five lie between the notes


def test_falls_of_a_pilot_are_told_in_time_of_the_recording():
    time = np.arange(6 * RATE) / RATE
    lost = loss_db(time.size, [(2 * RATE, 12.0, 480), (4 * RATE, 5.0, 480)])
    wave = 0.1 * np.sin(2 * np.pi * 3150.0 * (time - 0.25)) * 10.0 ** (-lost / 20.0)
    cue = Cue(
        name="pilot", kind="pilot", channel=0, start_samples=0, length_samples=5 * RATE, parameters={"frequency_hz": 3150.0}
    )
    sheet = CueSheet(
        stimulus="main",
        session="s",
        code=1,
        sample_rate=RATE,
        samples=5 * RATE,
        reference_dbfs=-18.0,
        channels=(Channel(role="pilot", track=4),),
        cues=(cue,),
    )
    late = Timebase.line(0.0, 5.0, 0.25, 0.25)
    audio = ArrayAudio(np.stack([0.0 * wave, wave], axis=1), RATE)
    [(start_s, stop_s)] = falls_of_pilot(audio, sheet, {0: 1}, late)
    assert start_s == pytest.approx(2.0 - 0.005, abs=1e-3)  # below half its depth for its half width
    assert stop_s == pytest.approx(2.0 + 0.005, abs=1e-3)
    assert falls_of_pilot(audio, sheet, {}, late) == []
    assert falls_of_pilot(audio, sheet, {0: 0}, late) == []


HALF = load_parameters("typical").compander
HALVES = Companding(encode=HALF, decode=HALF)


def decoded(on_tape, halves=HALVES):
    return halves.decoder(1, RATE, -18.0).process(on_tape.astype(np.float64)[None])[0].astype(np.float32)


def searched(made, known):
    """What is found on the tape's side of halves that are taken for these."""
    on_tape = [known.taken_off(pair, -18.0) for pair in made]
    return without_dropouts(made, on_tape, opened=partial(decoded, halves=known))


def through(pairs):
    """The same pairs on tape, sent through an encoder and heard through a decoder."""
    return [replace(pair, dry=decoded(pair.dry), wet=decoded(pair.wet)) for pair in pairs]


def test_a_compander_makes_no_dropouts(sound):
    """Encoded music is searched on the tape's side, with constants that are right and with some that are 30 % wrong.

    What is found is no more than without one: in so little loud music, one.
    """
    slower = HALF.model_copy(update={"time_constant_s": 1.3 * HALF.time_constant_s})
    plain = [pair for pair in sound if pair.split == "train"]
    most, made = without_dropouts(plain)[1].count, through(plain)
    assert most <= 1
    for known in (HALVES, Companding(encode=slower, decode=slower)):
        assert searched(made, known)[1].count <= most
    # Nobody said that a decoder was in.
    _, found = without_dropouts([replace(pair, wet=decoded(pair.wet)) for pair in plain])
    assert found.seconds < 0.01 * found.listened_s


def test_a_dropout_counts_once_however_a_decoder_takes_it(sound):
    """What a decoder makes of one crosses what it would have made without it many times before it is forgotten."""
    made = through([hurt(pair, 6, seed, 12.0)[0] for seed, pair in enumerate(sound) if pair.split == "train"])
    masked, found = searched(made, HALVES)
    assert 4 * len(made) <= found.count <= 6 * len(made)
    assert sum(len(pair.bridges) for pair in masked) > found.count


@pytest.fixture(scope="module")
def decked(simulator):
    """Music on a still virtual deck that loses sound a hundred times a minute: pairs, and its true loss in dB."""
    faults = {"faults.dropouts_per_minute": 100.0, "faults.dropout_db": 10.0, "faults.dropout_ms": 6.0}
    parameters = load_parameters("typical").changed({**MOTIONLESS, **faults})
    made = (("band", 14.0, 5.0), ("chamber", 6.0, 5.0), ("beat", 8.0, 0.0))
    scale = 10.0 ** (-10.0 / 20.0)  # peaks of 8 dB above those of a sine as loud
    pieces = [
        np.pad(scale * 10.0 ** (level / 20.0) * compose(seed, seconds, RATE, style), EDGE)
        for seed, (style, seconds, level) in enumerate(made)
    ]
    sent = np.concatenate(pieces)
    deck = VirtualDeck(parameters, RATE, -18.0, 7, Positions())
    deck.arm([1])
    for start in range(0, sent.size + RATE, RATE):
        deck.process(np.pad(sent[start : start + RATE, None], ((0, max(0, start + RATE - sent.size)), (0, 3)))[:RATE])
    deck.rewind()
    deck.play(1)
    heard = np.concatenate([deck.process(np.zeros((RATE, 4)))[:, 0] for _ in range(sent.size // RATE + 2)])
    deck.close()
    motion = play_trajectory(parameters, 7, 1)
    time_s = np.arange(heard.size) / RATE
    place_s = time_s + motion.advance(time_s, 0)
    events = true_dropouts(parameters, 7, 0, float(place_s[0]), float(place_s[-1]))
    lost = np.zeros(heard.size)
    for middle, depth_db, width_s in zip(events.place_s, events.depth_db, events.width_s, strict=True):
        near = np.abs(place_s - middle) < width_s
        lost[near] += depth_db * np.cos(0.5 * np.pi * (place_s[near] - middle) / width_s) ** 2
    dry = interpolate(sent, place_s * RATE)
    pairs, losses, at = [], [], 0
    for piece, split in zip(pieces, ("train", "validation", "test"), strict=True):
        part = slice(at, at + piece.size)
        pairs.append(simulator.pair(dry[part], heard[part], split))
        losses.append(lost[part])
        at += piece.size
    return pairs, losses


@pytest.mark.slow
def test_dropouts_of_the_virtual_deck_are_found_where_they_are(decked):
    pairs, losses = decked
    masked, _ = without_dropouts(pairs)
    error = left = heard = met = wrong = 0.0
    for before, after, lost in zip(pairs, masked, losses, strict=True):
        gone = before.mask & ~after.mask
        e = (before.wet * (10.0 ** (lost / 20.0) - 1.0)).astype(np.float64) ** 2
        error, left = error + e[before.mask].sum(), left + e[after.mask].sum()
        parts, number = label((lost > 0.1) & before.mask)
        sounding = [k for k in range(1, number + 1) if e[parts == k].sum() > LEAST_HEARD * e[before.mask].sum()]
        heard += len(sounding)
        met += sum(gone[parts == k].any() for k in sounding)
        flagged, count = label(gone)
        wrong += sum(lost[flagged == k].max() < 1.0 for k in range(1, count + 1))
    assert heard >= 25
    assert met >= 0.85 * heard
    assert left < 0.04 * error
    assert wrong <= 1
