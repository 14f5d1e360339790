"""A sung voice: glottal pulses with vibrato, through formants, with consonants made of noise.

References
----------
Fant, G., "Acoustic Theory of Speech Production", Mouton 1960: source and filter.
Klatt, D. H., "Software for a cascade/parallel formant synthesizer", JASA 67 (3), 1980: formants in parallel with
alternating signs, aspiration, frication.
Stilson, T. and Smith, J., "Alias-free digital synthesis of classic analog waveforms", ICMC 1996: band-limited pulse train.
Formants: "Formant values", appendix of the Canonical Csound Reference Manual (tenor, alto).
"""

import numpy as np

from signals.music.score import Note
from signals.music.waveform import TOP_HZ, Response, band, gate, level, noise, ramp, resonance, shape, times, wander

CONSONANT_S = 0.09  # a syllable's vowel begins this long after its onset

Vowels = dict[str, tuple[tuple[float, float, float], ...]]

# Vowel: five formants, each centre in Hz, level in dB, bandwidth in Hz.
TENOR: Vowels = {
    "a": ((650, 0, 80), (1080, -6, 90), (2650, -7, 120), (2900, -8, 130), (3250, -22, 140)),
    "e": ((400, 0, 70), (1700, -14, 80), (2600, -12, 100), (3200, -14, 120), (3580, -20, 120)),
    "i": ((290, 0, 40), (1870, -15, 90), (2800, -18, 100), (3250, -20, 120), (3540, -30, 120)),
    "o": ((400, 0, 40), (800, -10, 80), (2600, -12, 100), (2800, -12, 120), (3000, -26, 120)),
    "u": ((350, 0, 40), (600, -20, 60), (2700, -17, 100), (2900, -14, 120), (3300, -26, 120)),
}
ALTO: Vowels = {
    "a": ((800, 0, 80), (1150, -4, 90), (2800, -20, 120), (3500, -36, 130), (4950, -60, 140)),
    "e": ((400, 0, 60), (1600, -24, 80), (2700, -30, 120), (3300, -35, 150), (4950, -60, 200)),
    "i": ((350, 0, 50), (1700, -20, 100), (2700, -30, 120), (3700, -36, 150), (4950, -60, 200)),
    "o": ((450, 0, 70), (800, -9, 80), (2830, -16, 100), (3500, -28, 130), (4950, -55, 135)),
    "u": ((325, 0, 50), (700, -12, 60), (2530, -30, 170), (3500, -40, 180), (4950, -64, 200)),
}
VOICES = {"tenor": TENOR, "alto": ALTO}

# Consonant: where its noise lies in Hz, when it swells and how long it lasts in s, its level in dB re the vowel.
_NOISES = {
    "s": (4800.0, 11_000.0, 0.03, 0.085, -11.0),
    "x": (2300.0, 7000.0, 0.03, 0.085, -12.0),  # as in "shoe"
    "f": (1500.0, 12_000.0, 0.03, 0.07, -22.0),
    "h": (500.0, 6000.0, 0.03, 0.075, -20.0),
    "t": (3000.0, 9000.0, 0.0008, 0.035, -9.0),
    "k": (1500.0, 5000.0, 0.0008, 0.04, -10.0),
    "p": (500.0, 3000.0, 0.0008, 0.03, -14.0),
}
_HUMS = {"m": (250.0, 1000.0), "n": (270.0, 1500.0), "l": (350.0, 1250.0)}
SYLLABLES = tuple(c + v for c in ("s", "x", "f", "h", "t", "k", "p", "m", "n", "l", "d", "") for v in "aeiou")


def sing(note: Note, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """One sung syllable, shape ``(samples,)``: consonants, then vowels that run into each other."""
    vowels = [letter for letter in note.syllable if letter in "aeiou"] or ["a"]
    consonants = [letter for letter in note.syllable if letter not in "aeiou"]
    duration_s = CONSONANT_S + note.duration_s + 0.12
    time_s = times(duration_s, sample_rate)
    phase, lowest_hz = _intonation(note, rng, time_s, sample_rate)
    source = _glottis(phase, lowest_hz, note, rng, sample_rate)

    tract = [shape(source, sample_rate, _formants(note, vowel)) for vowel in vowels]
    sung = tract[0]
    for index, sound in enumerate(tract[1:], start=1):
        change = ramp(time_s, CONSONANT_S + note.duration_s * index / len(tract) - 0.05, 0.12)
        sung = sung * (1.0 - change) + sound * change
    swell = 0.75 + 0.25 * ramp(time_s, CONSONANT_S, 0.5 * note.duration_s)
    ends = 1.0 - ramp(time_s, CONSONANT_S + note.duration_s, 0.11)
    voice = level(sung * swell * ramp(time_s, CONSONANT_S - 0.02, 0.05) * ends, sample_rate)
    for letter in consonants:
        if letter in _HUMS:
            voice += _hum(letter, source, time_s, sample_rate)
        elif letter in _NOISES:
            hiss = _hiss(letter, rng, sample_rate)
            voice[: len(hiss)] += hiss[: len(voice)]
    return voice


def _intonation(note: Note, rng: np.random.Generator, time_s: np.ndarray, sample_rate: int) -> tuple[np.ndarray, float]:
    """Phase in radians and highest instantaneous pitch in Hz: a scoop from below, a late vibrato, a little unrest."""
    depth = rng.uniform(22.0, 38.0) * ramp(time_s, CONSONANT_S + 0.12, 0.35)
    rate_hz = rng.uniform(5.0, 6.2)
    vibrato = depth * np.sin(2.0 * np.pi * rate_hz * (time_s - CONSONANT_S) + rng.uniform(0.0, 2.0 * np.pi))
    scoop = -rng.uniform(20.0, 160.0) * (1.0 - ramp(time_s, CONSONANT_S - 0.06, 0.13))
    cents = vibrato + scoop + 3.0 * wander(rng, time_s, 7.0)
    pitch_hz = note.pitch_hz * np.exp2(cents / 1200.0)
    cycles = np.concatenate([[0.0], np.cumsum(0.5 * (pitch_hz[1:] + pitch_hz[:-1]))]) / sample_rate
    return 2.0 * np.pi * cycles, note.pitch_hz * 2.0**0.05


def _glottis(phase: np.ndarray, highest_hz: float, note: Note, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Pulses of the vocal folds and the breath that passes between them."""
    harmonics = int((TOP_HZ - 1000.0) / highest_hz)
    # Stilson and Smith (1996): the sum of `harmonics` cosines in closed form; the limit at multiples of 2 pi is their count.
    half = np.sin(0.5 * phase)
    safe = np.where(np.abs(half) < 1e-7, 1.0, half)
    train = np.where(np.abs(half) < 1e-7, harmonics, 0.5 * np.sin((harmonics + 0.5) * phase) / safe - 0.5)
    tilt_hz = 1500.0 + 4500.0 * note.velocity**2

    def folds(frequency_hz: np.ndarray) -> np.ndarray:
        # -6 dB an octave above the pitch, -12 dB above a corner that rises with effort.
        return 1.0 / ((1.0 + 1j * frequency_hz / 150.0) * (1.0 + 1j * frequency_hz / tilt_hz))

    pulses = level(shape(train, sample_rate, folds), sample_rate)
    breath = noise(rng, len(phase) / sample_rate, sample_rate, band(1500.0, 14_000.0, 1))[: len(phase)]
    return pulses + 0.02 * breath * (1.0 + 0.7 * np.cos(phase))


def _formants(note: Note, vowel: str) -> Response:
    """The vocal tract: five resonances in parallel, neighbours of opposite sign (Klatt 1980)."""
    formants = VOICES[note.instrument][vowel]

    def response(frequency_hz: np.ndarray) -> np.ndarray:
        total = np.zeros(len(frequency_hz), dtype=np.complex128)
        for index, (centre_hz, level_db, width_hz) in enumerate(formants):
            # Singers raise the first formant to the pitch where it would fall below.
            tuned_hz = max(centre_hz, note.pitch_hz) if index == 0 else centre_hz
            # The source has lost its treble already: the table's levels are those of the sound that comes out.
            lift = 10.0 ** (level_db / 20.0) * (1.0 + centre_hz / 900.0) ** 1.5
            total += (-1.0) ** index * lift * resonance(frequency_hz, tuned_hz, 1.3 * width_hz)
        air = 0.02 * 1j * frequency_hz / (3000.0 + 1j * frequency_hz)
        return (total + air) * band(60.0, 15_000.0, 4)(frequency_hz)

    return response


def _hum(letter: str, source: np.ndarray, time_s: np.ndarray, sample_rate: int) -> np.ndarray:
    """Nasal or lateral before the vowel: the source through a closed mouth."""
    low_hz, high_hz = _HUMS[letter]

    def closed(frequency_hz: np.ndarray) -> np.ndarray:
        return resonance(frequency_hz, low_hz, 80.0) - 0.08 * resonance(frequency_hz, high_hz, 150.0)

    hummed = shape(source, sample_rate, closed) * gate(time_s, 0.03, CONSONANT_S - 0.02, 0.05)
    return 0.4 * level(hummed, sample_rate)


def _hiss(letter: str, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Fricative or plosive: coloured noise that ends where the vowel begins."""
    low_hz, high_hz, attack_s, length_s, level_db = _NOISES[letter]
    start_s = CONSONANT_S + 0.01 - length_s
    time_s = times(CONSONANT_S + 0.03, sample_rate)
    envelope = ramp(time_s, start_s, attack_s) * (1.0 - ramp(time_s, CONSONANT_S - 0.01, 0.035))
    coloured = noise(rng, CONSONANT_S + 0.03, sample_rate, band(low_hz, high_hz, 2))
    return 10.0 ** (level_db / 20.0) * level(coloured * envelope, sample_rate)
