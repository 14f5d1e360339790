"""The machine from outside: keys, levels, block sizes, seeds."""

import numpy as np
import pytest

from modeling.deck.deck import VirtualDeck, transfer
from modeling.deck.parameters import load_parameters
from signals.errors import ModelError

RATE = 48000
REFERENCE_DBFS = -18.0
PEAK = 10.0 ** (REFERENCE_DBFS / 20.0)
FRESH = load_parameters("fresh")


def sines(seconds=2.0, rate=RATE, level_db=0.0):
    """A different sine on each track."""
    time_s = np.arange(round(seconds * rate)) / rate
    return PEAK * 10.0 ** (level_db / 20.0) * np.sin(2.0 * np.pi * np.outer(time_s, [315.0, 1000.0, 400.0, 2500.0]))


def run(deck, sent, armed, blocks, pass_number=1):
    """Record and play in the given block size; what came back in both passes."""
    deck.arm(armed)
    recorded = np.concatenate([deck.process(sent[i : i + blocks]) for i in range(0, len(sent), blocks)])
    deck.rewind()
    deck.play(pass_number)
    played = np.concatenate([deck.process(sent[i : i + blocks] * 0.0) for i in range(0, len(sent), blocks)])
    deck.stop()
    return recorded, played


def test_block_size_does_not_change_a_bit():
    sent = sines() + 0.01 * np.random.default_rng(0).standard_normal((2 * RATE, 4))
    decks = [VirtualDeck(FRESH, RATE, REFERENCE_DBFS, 11) for _ in range(3)]
    recorded, played = run(decks[0], sent, [1, 2, 3, 4], len(sent))
    for deck, block in ((decks[1], 256), (decks[2], 30011)):
        other_recorded, other_played = run(deck, sent, [1, 2, 3, 4], block)
        assert np.abs(other_recorded - recorded).max() <= 1e-12
        assert np.array_equal(other_played, played)


def test_other_seed_and_other_pass_sound_otherwise():
    sent = sines()
    one = run(VirtualDeck(FRESH, RATE, REFERENCE_DBFS, 1), sent, [1], 8192)[1]
    two = run(VirtualDeck(FRESH, RATE, REFERENCE_DBFS, 2), sent, [1], 8192)[1]
    again = run(VirtualDeck(FRESH, RATE, REFERENCE_DBFS, 1), sent, [1], 8192, pass_number=2)[1]
    assert np.std(one - two) > 1e-3
    assert np.std(one - again) > 1e-3


@pytest.mark.parametrize("rate", [48000, 88200, *(pytest.param(rate, marks=pytest.mark.slow) for rate in (96000, 192000))])
@pytest.mark.parametrize("speed", [9.5, 4.8])
def test_reference_level_comes_back_within_a_decibel(rate, speed):
    deck = VirtualDeck(FRESH.changed({"speed_cm_s": speed}), rate, REFERENCE_DBFS, 3)
    sent = sines(3.0, rate)
    recorded, played = run(deck, sent, [1, 2, 3, 4], 1 << 16)
    steady = slice(round(2.3 * rate), round(2.8 * rate))
    for returned in (recorded, played):
        level_db = 20.0 * np.log10(np.std(returned[steady], axis=0) * np.sqrt(2.0) / PEAK)
        assert np.abs(level_db).max() < 1.0
    deck.close()


def test_unarmed_tracks_stay_blank_and_silent():
    deck = VirtualDeck(FRESH, RATE, REFERENCE_DBFS, 5)
    recorded, played = run(deck, sines(4.0), [2], 8192)
    assert np.std(recorded[:, 1]) == pytest.approx(PEAK / np.sqrt(2.0), rel=0.02)
    rms_db = 20.0 * np.log10(np.std(played[3 * RATE :], axis=0) * np.sqrt(2.0) / PEAK)
    assert rms_db[1] > -1.0
    assert rms_db[[0, 2, 3]].max() < -45.0
    assert np.std(recorded[:, [0, 2, 3]]) * np.sqrt(2.0) / PEAK < 10.0 ** (-65.0 / 20.0)


def test_overdub_keeps_the_other_track():
    deck = VirtualDeck(FRESH, RATE, REFERENCE_DBFS, 5)
    run(deck, sines(4.0), [1], 8192)
    deck.rewind()
    played = run(deck, sines(4.0), [3], 8192)[1]
    spectrum = np.abs(np.fft.rfft(played[2 * RATE :] * np.hanning(2 * RATE)[:, None], axis=0))
    loudest_hz = spectrum.argmax(axis=0) / 2.0
    assert loudest_hz[0] == pytest.approx(315.0, abs=2.0)
    assert loudest_hz[2] == pytest.approx(400.0, abs=2.0)


def test_rewind_lands_before_the_recording():
    deck = VirtualDeck(FRESH, RATE, REFERENCE_DBFS, 9)
    played = run(deck, sines(4.0), [1], 8192)[1][:, 0]
    envelope = np.sqrt(np.convolve(played**2, np.ones(480) / 480, mode="same"))
    onset_s = np.argmax(envelope > 0.35 * PEAK) / RATE
    assert 0.25 < onset_s < 2.05


def test_two_head_deck_returns_its_input_while_recording():
    """Through the amplifiers alone: no delay, no tape."""
    quiet = FRESH.changed({"electronics.noise_dba": -140.0, "electronics.hum_db": None, "electronics.asymmetry": 0.0})
    deck = VirtualDeck(quiet, RATE, REFERENCE_DBFS, 1)
    sent = sines()
    deck.arm([1, 2, 3, 4])
    returned = deck.process(sent)
    assert np.std(returned[RATE:] - sent[RATE:]) < 0.03 * np.std(sent)
    deck.close()


def test_stopped_deck_is_silent():
    deck = VirtualDeck(FRESH, RATE, REFERENCE_DBFS, 1)
    assert not deck.process(sines()).any()


def test_transfer_keeps_length_and_starts_where_the_recording_did():
    time_s = np.arange(2 * RATE) / RATE
    sent = np.zeros((2 * RATE, 2))
    sent[RATE : RATE + 4800] = PEAK * np.sin(2.0 * np.pi * 1000.0 * time_s[:4800, None])
    returned = transfer(FRESH, sent, RATE, REFERENCE_DBFS, 4)
    assert returned.shape == sent.shape
    envelope = np.sqrt(np.convolve(returned[:, 1] ** 2, np.ones(96) / 96, mode="same"))
    onset = np.argmax(envelope > 0.35 * PEAK)
    # At most 0.2 % of a second by speed, half a millisecond by flutter.
    assert abs(onset / RATE - 1.0) < 3e-3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: VirtualDeck(FRESH, 44100, REFERENCE_DBFS, 0), "44100 Hz; use one of 48000"),
        (lambda: VirtualDeck(FRESH, RATE, 6.0, 0), "6.0 dBFS is outside"),
        (lambda: VirtualDeck(FRESH, RATE, REFERENCE_DBFS, -1), "seed -1"),
        (lambda: VirtualDeck(FRESH, RATE, REFERENCE_DBFS, 0).arm([5]), "track 5; the deck has tracks 1 to 4"),
        (lambda: VirtualDeck(FRESH, RATE, REFERENCE_DBFS, 0).play(0), "pass 0"),
        (lambda: transfer(FRESH, np.zeros((10, 5)), RATE, REFERENCE_DBFS, 0), "5 channels do not fit"),
    ],
)
def test_wrong_use_is_told_in_one_line(call, message):
    with pytest.raises(ModelError, match=message):
        call()


def test_full_disk_is_told_in_one_line(monkeypatch):
    deck = VirtualDeck(FRESH, RATE, REFERENCE_DBFS, 0)

    class Full:
        def seek(self, position):
            pass

        def write(self, data):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(deck._cassette, "_files", [Full()] * 4)
    deck.arm([1])
    with pytest.raises(ModelError, match="No space left"):
        deck.process(sines(3.0))


def test_overdriven_treble_does_not_alias():
    """9 kHz at +6 dB, +14 dB in the gap: nothing but the tone below 20 kHz above -80 dB of it (-60 dB was the aim)."""
    still = FRESH.changed(
        {
            f"transport.{n}": 0.0
            for n in type(FRESH.transport).model_fields
            if n.endswith("percent") or n.startswith("rewind")
        }
        | {"transport.drift_percent_per_min": 0.0, "tracks.skew_us": 0.0, "tracks.skew_wander_us": 0.0}
        | {
            "tape.hiss_dba": -120.0,
            "tape.modulation_db": -120.0,
            "electronics.noise_dba": -140.0,
            "electronics.hum_db": None,
        }
    )
    time_s = np.arange(2 * RATE) / RATE
    sent = np.zeros((2 * RATE, 4))
    sent[:, 0] = 2.0 * PEAK * np.sin(2.0 * np.pi * 9000.0 * time_s)
    played = run(VirtualDeck(still, RATE, REFERENCE_DBFS, 0), sent, [1], 8192)[1]
    spectrum = np.abs(np.fft.rfft(played[RATE // 2 : 3 * RATE // 2, 0] * np.hanning(RATE)))
    tone = spectrum[9000]
    for harmonic_hz in (0, 9000, 18000):
        spectrum[max(0, harmonic_hz - 5) : harmonic_hz + 6] = 0.0
    assert 20.0 * np.log10(spectrum[:20000].max() / tone) < -80.0
