import io

import numpy as np
import pyloudnorm
import pytest
import soundfile

from modeling.held_out import baseline_of, excerpts, held_out, inner
from modeling.listening import anchor, listening_files
from modeling.pace import pace
from modeling.pairs import select

RATE = 48000


@pytest.fixture(scope="module")
def baseline(dataset):
    return baseline_of(dataset)


@pytest.fixture(scope="module")
def heard(trained, dataset, baseline):
    return held_out(trained.model, dataset, baseline)


def test_the_error_is_that_of_training_and_more_than_its_floor(heard, trained):
    assert heard.evaluation == trained.evaluation
    floor, model, plain = (of.model_dump() for of in (heard.floor, heard.model, heard.plain_filter))
    assert floor.pop("si_snr_db") > model.pop("si_snr_db") > plain.pop("si_snr_db")
    for name in ("multi_resolution_stft", "log_spectral_distance_db", "mel_cepstral_distortion_db"):
        assert floor[name] < 1.2 * model[name]
        assert model[name] < plain[name]


def test_signal_to_noise_is_the_error_in_decibels(heard):
    """Without means and free scale the two are one measure; both matter little where the error is small."""
    assert heard.model.si_snr_db == pytest.approx(-10 * np.log10(heard.evaluation.esr), abs=0.1)


def test_a_pace_is_of_this_world(trained):
    found = pace(trained.model.core)
    assert 0.1 < found.block_256 <= 1.5 * found.whole


def test_excerpts_are_level_matched_and_whole(trained, dataset, baseline):
    cut = excerpts(trained.model, dataset, baseline, 2, 1.5)
    (first, *_) = select(dataset.pairs, "test")
    assert [e.name for e in cut] == [p.name for p in select(dataset.pairs, "test")[:2]]
    middle = (inner(first, first.wet).size - cut[0].deck.size) // 2
    assert np.array_equal(cut[0].deck, inner(first, first.wet)[middle : middle + cut[0].deck.size])

    files = listening_files(cut, "deck")
    sounds = {name: soundfile.read(io.BytesIO(data)) for name, data in files.items() if name.endswith(".wav")}
    assert {name.partition("/")[2] for name in sounds} == {f"{c}.wav" for c in ("reference", "model", "filter", "anchor35")}
    assert len(sounds) == 8
    for folder in ("01", "02"):
        loudness = [
            pyloudnorm.Meter(rate).integrated_loudness(wave)
            for name, (wave, rate) in sounds.items()
            if name.startswith(folder)
        ]
        assert np.ptp(loudness) < 0.1
        assert max(loudness) < -22.9
    assert max(np.max(np.abs(wave)) for wave, _ in sounds.values()) <= 10 ** (-1 / 20)


def test_the_configuration_names_every_file_once(trained, dataset, baseline):
    files = listening_files(excerpts(trained.model, dataset, baseline, 2, 1.5), "deck")
    text = files["mushra.yaml"].decode()
    named = [line.rpartition(": ")[2].strip('"') for line in text.splitlines() if ".wav" in line]
    assert sorted(named) == sorted(f"configs/resources/deck/{name}" for name in files if name.endswith(".wav"))
    assert text.count("type: mushra") == 2
    assert listening_files(excerpts(trained.model, dataset, baseline, 2, 0.5), "deck") == {}


def test_the_anchor_is_that_of_the_standard():
    """ITU-R BS.1534-3, 5.1: 3.5 kHz within 0.1 dB, at least 25 dB down at 4 kHz and 50 dB at 4.5 kHz."""
    impulse = np.zeros(RATE)
    impulse[RATE // 2] = 1.0
    gain_db = 20 * np.log10(np.abs(np.fft.rfft(anchor(impulse, RATE))))  # lines are 1 Hz apart
    assert np.max(np.abs(gain_db[20:3501])) < 0.1
    assert np.max(gain_db[4000:]) < -25
    assert np.max(gain_db[4500:]) < -50
    assert np.argmax(np.abs(anchor(impulse, RATE))) == RATE // 2
