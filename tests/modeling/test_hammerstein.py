import numpy as np
import pytest

from modeling.cores.core import Material, Run, input_scale
from modeling.cores.hammerstein import HammersteinCore
from modeling.fidelity import Tone, harmonic_error_db

RATE = 48000


def tone(process, frequency_hz, amplitude):
    """Amplitude spectrum of half a second, bins of 2 Hz."""
    t = np.arange(RATE) / RATE
    y = process(amplitude * np.sin(2 * np.pi * frequency_hz * t))[RATE // 4 : 3 * RATE // 4]
    return np.abs(np.fft.rfft(y * np.hanning(y.size)))


def test_no_false_second_harmonic_of_a_symmetric_device(hammerstein):
    """tanh is odd: the device makes no even harmonic, and neither may the model."""
    spectrum = tone(hammerstein.process, 320.0, 0.346 / input_scale(-18.0))
    assert spectrum[320] / spectrum[160] < 10 ** (-70 / 20)


def test_second_harmonic_is_learnt_where_there_is_one(simulator):
    material = Material(
        simulator.pairs(9.0, 1, "train", asymmetry=0.15),
        simulator.pairs(3.0, 2, "validation", asymmetry=0.15),
        -18.0,
        [simulator.tone(315.0, level_db, asymmetry=0.15) for level_db in (0.0, 5.0)],
    )
    core = HammersteinCore.fit(material, Run())
    for recorded in material.tones:
        tone = Tone(recorded)
        deck, model = tone.recorded, tone.made(core.process)
        assert deck.harmonic_db[0] > -45
        assert model.harmonic_db[:2] == pytest.approx(deck.harmonic_db[:2], abs=1.5)


@pytest.mark.slow
def test_a_linear_device_gets_a_linear_model(fitted_to):
    """No rung above the linear one pays, so none is kept."""
    core = fitted_to("hammerstein", "band-pass")
    assert np.flatnonzero(core.g.any(axis=1)).tolist() == [0]
    assert not core.bends


def test_harmonics_of_the_test_tones_come_within_two_db(hammerstein, tape_material):
    assert harmonic_error_db(hammerstein.process, [Tone(tone) for tone in tape_material.tones]) < 2.0


def test_level_is_learnt_and_not_normalised(hammerstein, simulator):
    """The device compresses: 20 dB more in give less than 20 dB more out, in the model as in the device."""
    gains = []
    for process in (hammerstein.process, simulator.device):
        low, high = (tone(process, 1000.0, simulator.amplitude_0vu * 10 ** (level / 20))[500] for level in (-14, 6))
        gains.append(20 * np.log10(high / low))
    assert gains[0] == pytest.approx(gains[1], abs=0.1)
    assert gains[1] < 19.5
