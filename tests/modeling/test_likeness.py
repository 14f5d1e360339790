import numpy as np
import pytest

from modeling import likeness as measures

RATE = 48000


@pytest.fixture(scope="module")
def sound():
    """Two seconds of tones that come and go in noise."""
    rng = np.random.default_rng(1)
    t = np.arange(2 * RATE) / RATE
    tones = sum(np.sin(2 * np.pi * f * t) * (1 + np.sin(2 * np.pi * (1 + k) * t)) for k, f in enumerate((220, 900, 4100)))
    return 0.03 * tones + 0.01 * rng.standard_normal(t.size)


@pytest.fixture(scope="module")
def other(sound):
    rng = np.random.default_rng(2)
    return np.tanh(3 * sound) / 3 + 0.003 * rng.standard_normal(sound.size)


def test_nothing_differs_from_itself(sound):
    same = measures.likeness(sound, sound, sound, RATE)
    assert same.si_snr_db > 100
    assert same.model_dump(exclude={"si_snr_db"}) == pytest.approx(
        {
            "multi_resolution_stft": 0.0,
            "log_spectral_distance_db": 0.0,
            "mel_cepstral_distortion_db": 0.0,
            "loudness_difference_db": 0.0,
        },
        abs=1e-6,
    )


def test_signal_to_noise_is_that_of_auraloss_and_knows_no_scale(sound, other):
    import torch
    from auraloss.time import SISDRLoss

    a, b = (torch.from_numpy(x)[None, None] for x in (other, sound))
    assert measures.si_snr_db(sound, other) == pytest.approx(-float(SISDRLoss()(a, b)), abs=1e-4)
    assert measures.si_snr_db(sound, 7.0 * other) == pytest.approx(measures.si_snr_db(sound, other), abs=1e-9)


def test_signal_to_noise_of_orthogonal_noise_is_the_ratio_of_powers():
    t = np.arange(RATE) / RATE
    tone, noise = np.sin(2 * np.pi * 100 * t), 0.1 * np.sin(2 * np.pi * 300 * t)
    assert measures.si_snr_db(tone, tone + noise) == pytest.approx(20.0, abs=1e-6)


def test_a_gain_of_three_decibels_is_three_of_log_spectrum_and_loudness_and_none_of_cepstrum(sound):
    sound = 10 * sound  # every line of its spectrum far above the lowest that counts
    louder = sound * 10 ** (3 / 20)
    assert measures.log_spectral_distance_db(sound, louder, RATE) == pytest.approx(3.0, abs=1e-6)
    assert measures.mel_cepstral_distortion_db(sound, louder, RATE) == pytest.approx(0.0, abs=1e-6)
    assert measures.likeness(sound, louder, louder, RATE).loudness_difference_db == pytest.approx(3.0, abs=1e-6)


def test_log_spectral_distance_of_a_low_pass_is_what_its_gain_says():
    """White noise, half of whose band falls by 12 dB: the RMS over frequency is 12 / sqrt 2."""
    rng = np.random.default_rng(3)
    spectrum = np.fft.rfft(rng.standard_normal(4 * RATE))
    spectrum[spectrum.size // 2 :] *= 10 ** (-12 / 20)
    whole = np.fft.irfft(spectrum)
    spectrum[spectrum.size // 2 :] *= 10 ** (12 / 20)
    assert measures.log_spectral_distance_db(np.fft.irfft(spectrum), whole, RATE) == pytest.approx(12 / np.sqrt(2), rel=0.01)


def mel_cepstra_by_hand(x):
    """Kubichek's coefficients from the definitions, one frame, band and coefficient after the other."""
    size, hop, bands = 1920, 480, 40
    low, high = (2595 * np.log10(1 + f / 700) for f in (20.0, 16_000.0))
    edges = [700 * (10 ** ((low + (high - low) * i / (bands + 1)) / 2595) - 1) for i in range(bands + 2)]
    window = [0.5 - 0.5 * np.cos(2 * np.pi * n / size) for n in range(size)]
    frames = []
    for start in range(0, x.size - size + 1, hop):
        spectrum = np.fft.fft([x[start + n] * window[n] for n in range(size)])[: size // 2 + 1]
        power = [abs(2 * line / sum(window)) ** 2 for line in spectrum]
        logs = []
        for left, middle, right in zip(edges, edges[1:], edges[2:], strict=False):
            energy = 0.0
            for line, p in enumerate(power):
                f = line * RATE / size
                if left < f <= middle:
                    energy += p * (f - left) / (middle - left)
                elif middle < f < right:
                    energy += p * (right - f) / (right - middle)
            logs.append(np.log(np.sqrt(max(energy, 1e-12))))
        frames.append(
            [
                np.sqrt(2 / bands) * sum(logs[b] * np.cos(np.pi * k * (b + 0.5) / bands) for b in range(bands))
                for k in range(1, 14)
            ]
        )
    return frames


def test_mel_cepstral_distortion_follows_its_definition(sound, other):
    pieces = [x[: RATE // 10] for x in (sound, other)]
    one, two = (mel_cepstra_by_hand(x) for x in pieces)
    distances = [
        10 / np.log(10) * np.sqrt(2 * sum((p - q) ** 2 for p, q in zip(a, b, strict=True)))
        for a, b in zip(one, two, strict=True)
    ]
    assert len(distances) == 7
    assert measures.mel_cepstral_distortion_db(*pieces, RATE) == pytest.approx(np.mean(distances), rel=1e-9)


def test_loudness_of_the_tone_that_the_standard_names():
    """ITU-R BS.1770-4: a sine of 997 Hz at 0 dBFS in one channel reads -3.01 LKFS; a meter may err by 0.1 LU (EBU Tech 3341)."""
    t = np.arange(5 * RATE) / RATE
    assert measures.loudness_lufs(np.sin(2 * np.pi * 997 * t), RATE) == pytest.approx(-3.01, abs=0.1)
    assert measures.loudness_lufs(np.zeros(RATE), RATE) == -70.0


def test_a_spectrum_reads_a_full_scale_sine_as_one():
    t = np.arange(RATE) / RATE
    frames = measures.power_frames(np.sin(2 * np.pi * 1000 * t), RATE)  # 40 periods to a frame
    assert frames[:, 40] == pytest.approx(1.0, rel=1e-6)
