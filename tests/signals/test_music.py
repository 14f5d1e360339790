import hashlib
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from signals.errors import StimulusError
from signals.music import compose
from signals.music.instruments import INSTRUMENTS, play
from signals.music.score import Note

SAMPLE_RATE = 48_000
STYLES = ("band", "chamber", "beat", "solo")
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pieces() -> dict[str, np.ndarray]:
    return {style: compose(11, 60.0, SAMPLE_RATE, style) for style in STYLES}


def spectrum_share_db(audio: np.ndarray, sample_rate: int, low_hz: float, high_hz: float) -> float:
    power = np.abs(np.fft.rfft(audio)) ** 2
    frequency_hz = np.fft.rfftfreq(len(audio), 1 / sample_rate)
    inside = (frequency_hz >= low_hz) & (frequency_hz < high_hz)
    return float(10 * np.log10(power[inside].sum() / power.sum() + 1e-30))


def frames(audio: np.ndarray, length_s: float) -> np.ndarray:
    length = round(length_s * SAMPLE_RATE)
    return audio[: len(audio) // length * length].reshape(-1, length)


def levels_db(audio: np.ndarray, length_s: float) -> np.ndarray:
    """RMS of consecutive frames re a full-scale sine."""
    return 10 * np.log10(2 * np.mean(frames(audio, length_s) ** 2, axis=1) + 1e-20)


def one_note(instrument: str, midi: float, duration_s: float, syllable: str = "", velocity: float = 0.8) -> np.ndarray:
    note = Note(0.0, duration_s, midi, velocity, instrument, syllable)
    return play(note, np.random.default_rng(5), SAMPLE_RATE)


# --- the contract ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", STYLES)
def test_length_peak_mean_and_faded_ends(pieces: dict[str, np.ndarray], style: str) -> None:
    music = pieces[style]
    assert music.shape == (60 * SAMPLE_RATE,)
    assert music.dtype == np.float64
    assert np.max(np.abs(music)) == 1.0
    assert abs(np.mean(music)) < 1e-9
    edge = round(0.001 * SAMPLE_RATE)
    assert max(np.max(np.abs(music[:edge])), np.max(np.abs(music[-edge:]))) < 1e-3


@pytest.mark.parametrize("duration_s", [2.0, 3.7, 9.1])
@pytest.mark.parametrize("style", STYLES)
def test_short_music_is_whole(style: str, duration_s: float) -> None:
    music = compose(3, duration_s, SAMPLE_RATE, style)
    assert len(music) == round(duration_s * SAMPLE_RATE)
    assert np.max(np.abs(music)) == 1.0
    assert np.mean(np.abs(music) > 1e-3) > 0.4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1, 10.0, 48_000, "polka"), "'polka'.*band, chamber, beat, solo"),
        ((1, 0.1, 48_000, "band"), "0.1 s.*2 to 600"),
        ((1, 1e6, 48_000, "band"), "1e\\+06 s.*2 to 600"),
        ((1, float("nan"), 48_000, "band"), "nan s"),
        ((1, 10.0, 8000, "band"), "8000 Hz.*44100"),
        ((-1, 10.0, 48_000, "band"), "-1.*0 or more"),
    ],
)
def test_the_impossible_is_refused(arguments: tuple[int, float, int, str], message: str) -> None:
    with pytest.raises(StimulusError, match=message) as refusal:
        compose(*arguments)
    assert "\n" not in str(refusal.value)


def test_the_same_bits_in_another_process_with_other_threads_and_hashes() -> None:
    script = "import sys, hashlib; from signals.music import compose; "
    script += "sys.stdout.write(hashlib.sha256(compose(7, 5.0, 48000, 'band').tobytes()).hexdigest())"
    environment = os.environ | {"PYTHONHASHSEED": "12345", "OMP_NUM_THREADS": "2"}
    told = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert told.stdout == hashlib.sha256(compose(7, 5.0, SAMPLE_RATE, "band").tobytes()).hexdigest()


@pytest.mark.parametrize("style", STYLES)
def test_another_seed_is_another_piece(pieces: dict[str, np.ndarray], style: str) -> None:
    one, other = pieces[style][: 12 * SAMPLE_RATE], compose(12, 12.0, SAMPLE_RATE, style)
    samples = 2 * len(one)
    correlation = np.fft.irfft(np.fft.rfft(one, samples) * np.conj(np.fft.rfft(other, samples)), samples)
    assert np.max(np.abs(correlation)) < 0.3 * np.linalg.norm(one) * np.linalg.norm(other)


@pytest.mark.parametrize("style", STYLES)
def test_twice_the_sample_rate_is_the_same_music_and_nothing_is_above_20_khz(style: str) -> None:
    # Music that folded or imaged anywhere could not agree: at 96 kHz the images would lie elsewhere.
    plain, fine = compose(5, 8.0, SAMPLE_RATE, style), compose(5, 8.0, 2 * SAMPLE_RATE, style)
    halved = fine[::2] * (plain @ fine[::2]) / (fine[::2] @ fine[::2])
    assert np.std(plain - halved) < 0.01 * np.std(plain)
    assert spectrum_share_db(fine, 2 * SAMPLE_RATE, 20_000, 48_001) < -60
    assert spectrum_share_db(plain, SAMPLE_RATE, 20_000, 24_001) < -60


@pytest.mark.parametrize("instrument", list(INSTRUMENTS))
def test_every_instrument_is_the_same_at_every_rate(instrument: str) -> None:
    note = Note(0.0, 0.4, 72.0, 1.0, instrument, "sa")
    plain, fine = (play(note, np.random.default_rng(2), rate) for rate in (SAMPLE_RATE, 2 * SAMPLE_RATE))
    common = min(len(plain), len(fine[::2]))
    assert np.std(plain[:common] - fine[::2][:common]) < 1e-3 * np.std(plain)


# --- what the music holds -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("style", "treble_db"), [("band", -20), ("chamber", -26), ("beat", -18), ("solo", -22)])
def test_bass_and_treble_have_their_share(pieces: dict[str, np.ndarray], style: str, treble_db: float) -> None:
    assert -12 < spectrum_share_db(pieces[style], SAMPLE_RATE, 35, 100) < -2
    assert treble_db < spectrum_share_db(pieces[style], SAMPLE_RATE, 5000, 20_000) < -6


@pytest.mark.parametrize(("style", "share"), [("band", 0.55), ("chamber", 0.4), ("beat", 0.5), ("solo", 0.3)])
def test_a_good_part_of_the_time_is_broadband(pieces: dict[str, np.ndarray], style: str, share: float) -> None:
    blocks = frames(pieces[style], 0.1)
    bins = np.abs(np.fft.rfft(blocks * np.hanning(blocks.shape[1]), axis=1)) ** 2
    # Power in 5-16 kHz re a full-scale sine: Parseval with the window's energy, a sine having power 1/2.
    energy = 2 * bins[:, 500:1600].sum(axis=1) / blocks.shape[1] / np.sum(np.hanning(blocks.shape[1]) ** 2)
    assert np.mean(10 * np.log10(2 * energy + 1e-20) > -60) > share


@pytest.mark.parametrize("style", STYLES)
def test_crest_factor(pieces: dict[str, np.ndarray], style: str) -> None:
    music = pieces[style]
    assert 10 < 20 * np.log10(np.max(np.abs(music)) / np.sqrt(np.mean(music**2))) < 20


@pytest.mark.parametrize("style", STYLES)
def test_there_is_true_silence(pieces: dict[str, np.ndarray], style: str) -> None:
    # Longest stretch below -60 dB that lies within the music, and how much of it is exactly zero.
    sounding = np.flatnonzero(np.abs(pieces[style]) > 1e-3)
    gap = int(np.argmax(np.diff(sounding)))
    first, last = sounding[gap], sounding[gap + 1]
    assert (last - first) / SAMPLE_RATE > 0.2
    assert np.mean(pieces[style][first:last] == 0.0) > 0.3


@pytest.mark.parametrize("style", STYLES)
def test_there_are_dynamics(pieces: dict[str, np.ndarray], style: str) -> None:
    sounding = levels_db(pieces[style], 0.3)
    sounding = sounding[sounding > -60]
    assert np.max(sounding) - np.percentile(sounding, 10) > 22
    assert np.max(sounding) - np.percentile(sounding, 3) > 30


@pytest.mark.parametrize("style", STYLES)
def test_no_stretch_comes_again(pieces: dict[str, np.ndarray], style: str) -> None:
    music = pieces[style]
    correlation = np.fft.irfft(np.abs(np.fft.rfft(music, 2 * len(music))) ** 2)[: len(music)]
    energy = np.concatenate([[0.0], np.cumsum(music**2)])
    lags = np.arange(SAMPLE_RATE, len(music) - 15 * SAMPLE_RATE)
    overlap = np.sqrt(energy[len(music) - lags] * (energy[-1] - energy[lags]))
    assert np.max(np.abs(correlation[lags]) / overlap) < 0.3


def test_solos_carry_single_notes_from_40_hz_to_16_khz(pieces: dict[str, np.ndarray]) -> None:
    blocks = np.concatenate([frames(pieces["solo"], 0.1), frames(pieces["chamber"], 0.1)])
    blocks = blocks[np.sqrt(2 * np.mean(blocks**2, axis=1)) > 1e-3]
    power = np.abs(np.fft.rfft(blocks * np.hanning(blocks.shape[1]), axis=1)) ** 2
    edges_hz = [35, 70, 140, 280, 560, 1120, 2240, 4480, 8960, 16_500]
    for low_hz, high_hz in pairwise(edges_hz):
        inside = power[:, low_hz // 10 : high_hz // 10].sum(axis=1) / power.sum(axis=1)
        assert np.sum(inside > 0.6) >= 2, f"nobody plays alone between {low_hz} and {high_hz} Hz"


def test_drums_are_transients() -> None:
    # The first 10 ms of a stroke reach from below 1 kHz to above 8 kHz, and it rises 40 dB within 2 ms.
    for drum in ("snare", "tom", "kick", "clap", "rim"):
        stroke = one_note(drum, 45.0, 0.4, velocity=1.0)
        rise = np.abs(stroke[: round(0.003 * SAMPLE_RATE)])
        assert np.max(rise) > 100 * rise[1]
        head = stroke[: round(0.01 * SAMPLE_RATE)]
        assert spectrum_share_db(head, SAMPLE_RATE, 8000, 20_000) > -40
    for cymbal in ("closed hat", "open hat", "ride", "crash"):
        assert spectrum_share_db(one_note(cymbal, 60.0, 0.4), SAMPLE_RATE, 5000, 20_000) > -3


# --- instruments ----------------------------------------------------------------------------------------------------

IN_TUNE = [
    *[(name, midi) for name in ("bass", "double bass", "synth bass") for midi in (28, 33, 40)],
    *[(name, midi) for name in ("nylon", "steel", "harpsichord") for midi in (40, 45, 57, 69, 84)],
    *[(name, midi) for name in ("electric piano", "organ") for midi in (45, 60, 69, 84)],
    *[(name, midi) for name in ("glockenspiel", "celesta") for midi in (84, 96, 108)],
    ("chimes", 115),
]
# Equal temperament from A4 = 440 Hz, as tables of note frequencies give it.
TABLE_HZ = {
    28: 41.2034, 33: 55.0, 40: 82.4069, 45: 110.0, 57: 220.0, 60: 261.6256, 69: 440.0, 84: 1046.5023, 96: 2093.0045,
    108: 4186.0090, 115: 6271.9270,
}  # fmt: skip


@pytest.mark.parametrize(("instrument", "midi"), IN_TUNE)
def test_instruments_are_in_tune(instrument: str, midi: int) -> None:
    sound = one_note(instrument, midi, 2.0)
    size = 1 << 22
    magnitude = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), size))
    frequency_hz = np.arange(len(magnitude)) * SAMPLE_RATE / size
    near = np.abs(1200 * np.log2(np.maximum(frequency_hz, 1.0) / TABLE_HZ[midi])) < 50
    heard_hz = frequency_hz[np.argmax(magnitude * near)]
    assert abs(1200 * np.log2(heard_hz / TABLE_HZ[midi])) < 3


# "Formant values", Canonical Csound Reference Manual; those that stand apart from their neighbours.
FORMANTS_HZ = {
    ("tenor", "a"): (650, 1080, 2650),
    ("tenor", "e"): (400, 1700, 2600),
    ("tenor", "i"): (290, 1870, 2800),
    ("tenor", "o"): (400, 800, 2600),
    ("alto", "a"): (800, 1150, 2800),
    ("alto", "i"): (350, 1700, 2700),
}


@pytest.mark.parametrize(("voice", "vowel"), list(FORMANTS_HZ))
def test_formants_are_where_the_table_has_them(voice: str, vowel: str) -> None:
    power = np.zeros(SAMPLE_RATE + 1)
    for midi in range(40, 47):  # several low pitches, so that harmonics lie all over the formants
        sound = one_note(voice, midi, 1.5, vowel)[round(0.2 * SAMPLE_RATE) : round(1.5 * SAMPLE_RATE)]
        power += np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 2 * SAMPLE_RATE)) ** 2
    smooth_db = 10 * np.log10(gaussian_filter1d(power, 70.0)[:8000])  # 35 Hz
    peaks_hz = 0.5 * find_peaks(smooth_db, prominence=0.5)[0]
    for formant_hz in FORMANTS_HZ[voice, vowel]:
        assert np.min(np.abs(peaks_hz - formant_hz)) < 0.05 * formant_hz


def test_the_voice_has_vibrato_and_hissing_consonants() -> None:
    sung = one_note("alto", 69.0, 2.0, "sa")
    assert spectrum_share_db(sung[: round(0.08 * SAMPLE_RATE)], SAMPLE_RATE, 4000, 12_000) > -3
    vowel = sung[round(0.8 * SAMPLE_RATE) : round(1.8 * SAMPLE_RATE)]
    frequency_hz = np.fft.fftfreq(len(vowel), 1 / SAMPLE_RATE)
    fundamental = np.fft.ifft(np.fft.fft(vowel) * (np.abs(frequency_hz - 440) < 150))
    pitch_hz = gaussian_filter1d(np.diff(np.unwrap(np.angle(fundamental))) * SAMPLE_RATE / (2 * np.pi), 0.01 * SAMPLE_RATE)
    cents = 1200 * np.log2(pitch_hz / 440)[round(0.1 * SAMPLE_RATE) : -round(0.1 * SAMPLE_RATE)]
    swings = np.flatnonzero(np.diff(np.signbit(cents - np.mean(cents))))
    assert 4 < len(swings) / 2 / 0.8 < 7.5  # vibrato, Hz
    assert 10 < np.max(np.abs(cents)) < 60
    assert abs(np.mean(cents)) < 10


@pytest.mark.parametrize("instrument", ["nylon", "steel", "electric piano", "bass", "snare", "celesta"])
def test_a_softer_stroke_is_softer_and_duller(instrument: str) -> None:
    loud, soft = (one_note(instrument, 48.0, 1.0, velocity=velocity) for velocity in (1.0, 0.5))
    assert np.std(loud) / np.std(soft) == pytest.approx(10.0, rel=0.3)  # 0.1 of velocity is 4 dB
    assert spectrum_share_db(soft, SAMPLE_RATE, 2000, 20_000) < spectrum_share_db(loud, SAMPLE_RATE, 2000, 20_000) - 2
