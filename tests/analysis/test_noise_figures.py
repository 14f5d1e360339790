"""The bench's figures of noise, time and modulation noise on takes put together by hand."""

import numpy as np
import pytest

from analysis.alignment import Alignment
from analysis.locate import FoundTake
from analysis.subjects import modulation_noise, noise, steadiness, time
from analysis.take import Take
from analysis.timebase import Timebase
from sessions.results import Result
from signals.audio import ArrayAudio
from signals.cues import Channel, Cue, CueSheet
from signals.noise import pink_noise

RATE = 48_000
SECONDS = 26
PEAK = 0.1


def cue(kind: str, start_s: float, length_s: float, channel: int = 0, **parameters: str | float) -> Cue:
    start, length = round(start_s * RATE), round(length_s * RATE)
    name, seed = f"{kind} at {start_s:g}", 5 if kind == "noise" else None
    level = None if kind == "silence" else 0.0
    return Cue(
        name=name, kind=kind, channel=channel, start_samples=start, length_samples=length, level_db=level,
        parameters=parameters, seed=seed,
    )  # fmt: skip


PILOT = cue("pilot", 0.0, SECONDS, 1, frequency_hz=3700.0)
CUES = (
    cue("marker_start", 0.5, 0.1),
    cue("silence", 1.0, 8.0),
    cue("tone", 9.5, 4.0, purpose="modulation_noise", frequency_hz=100.0),
    cue("tone", 14.0, 6.0, purpose="wow_flutter", frequency_hz=3150.0),
    cue("noise", 21.0, 3.0, low_hz=30.0, high_hz=20_000.0),
    cue("marker_end", 25.0, 0.1),
    PILOT,
)


def returned(hiss: float = 1e-4, leak: float = 0.0, seed: int = 0) -> np.ndarray:
    """Both channels of a recording of CUES, nothing moved; hiss is white and has this RMS value."""
    wave = hiss * np.random.default_rng(seed).standard_normal((SECONDS * RATE, 2))
    now = np.arange(SECONDS * RATE) / RATE
    for c in CUES:
        part = slice(c.start_samples, c.stop_samples)
        if c.kind == "tone":
            wave[part, 0] += PEAK * np.sin(2 * np.pi * c.number("frequency_hz") * (now[part] - now[c.start_samples]))
        if c.kind == "noise":
            wave[part, 0] += PEAK * pink_noise(c.length_samples, RATE, 5, 30.0, 20_000.0)
    pilot = np.sin(2 * np.pi * 3700.0 * now)
    wave[:, 1] += PEAK * pilot
    wave[:, 0] += leak * pilot
    return wave


def take(wave: np.ndarray, cues: tuple[Cue, ...] = CUES) -> Take:
    sheet = CueSheet(
        stimulus="main", session="s", code=0, sample_rate=RATE, samples=SECONDS * RATE, reference_dbfs=-20.0,
        channels=(Channel(role="programme", track=2), Channel(role="pilot", track=4)), cues=cues,
    )  # fmt: skip
    still = Timebase(0.0, 1.0, np.zeros(SECONDS + 1), np.full(SECONDS + 1, 1e-7))
    alignment = Alignment(0, 0, FoundTake(0, 0.0, 1.0, 0, float(SECONDS)), still, "told")
    return Take(ArrayAudio(wave, RATE), sheet, alignment, {"track": 2, "pass": 1}, {0: 0, 1: 1})


def by_name(results: list[Result]) -> dict[str, Result]:
    return {r.quantity: r for r in results}


# White noise of 1 RMS in 24 kHz, from 20 Hz to 20 kHz behind IEC 61672's E.6, integrated here.
def a_weighted_db() -> float:
    f = np.linspace(20.0, 20_000.0, 40_000)
    r = 12194.217**2 * f**4 / ((f**2 + 20.598997**2) * (f**2 + 12194.217**2))
    r *= 10**0.1 / np.sqrt((f**2 + 107.65265**2) * (f**2 + 737.86223**2))
    return float(10.0 * np.log10(np.trapezoid(r**2, f) / 24_000.0))


@pytest.mark.parametrize("leak", [0.0, 1e-3], ids=["alone", "beside a pilot that leaks"])
def test_noise_is_stated_re_the_reference_tone(leak: float) -> None:
    results, curves = noise.measure(take(returned(leak=leak)), PEAK)
    got = by_name(results)
    expected = 20.0 * np.log10(1e-4 / (PEAK / np.sqrt(2))) + a_weighted_db()
    assert got["noise_a"].value == pytest.approx(expected, abs=0.1)
    assert got["snr_a"].value == -got["noise_a"].value
    assert 0.02 < got["noise_a"].uncertainty < 0.1
    # Gaussian noise reads 4.0 dB above its RMS value on the quasi-peak meter, whose curve lies 5.63 dB higher.
    assert got["noise_itu468"].value - got["noise_ccir_rms"].value == pytest.approx(9.63, abs=0.15)
    fine, thirds = curves
    assert np.median(fine.y.array) == pytest.approx(20 * np.log10(1e-4 / PEAK * np.sqrt(2)) - 10 * np.log10(24_000), abs=0.3)
    assert thirds.conditions["bandwidth"] == "1/3 octave"
    assert all(c.uncertainty is not None and min(c.uncertainty) > 0.0 for c in curves)


def test_hum_louder_than_the_noise_is_told_by_line_and_does_not_widen_the_doubt() -> None:
    wave = returned()
    now = np.arange(wave.shape[0]) / RATE
    wave[:, 0] += 0.05 * np.sin(2 * np.pi * 60.0 * now) + 0.02 * np.sin(2 * np.pi * 180.0 * now)
    results, _ = noise.measure(take(wave), PEAK)
    lines = {r.conditions["frequency_hz"]: r for r in results if r.quantity == "hum"}
    assert {60.0, 180.0} == set(lines)
    assert lines[60.0].value == pytest.approx(20 * np.log10(0.5), abs=0.02)
    assert lines[180.0].value == pytest.approx(20 * np.log10(0.2), abs=0.02)
    assert by_name(results)["noise_a"].uncertainty < 0.1


@pytest.mark.parametrize(
    ("reference", "zeros", "words"),
    [(None, False, "no reference tone"), (PEAK, True, "nothing but zeros")],
)
def test_noise_that_cannot_be_had_says_why(reference: float | None, zeros: bool, words: str) -> None:
    wave = returned()
    if zeros:
        wave[RATE : 9 * RATE] = 0.0
    bare = tuple(c for c in CUES if c is not PILOT)
    results, curves = noise.measure(take(wave, bare), reference)
    assert {r.quantity for r in results} == {"noise_a", "noise_itu468", "noise_ccir_rms", "snr_a"}
    assert all(not r.valid and words in str(r.note) for r in results)
    assert curves == []


def test_a_silence_too_short_says_so() -> None:
    results, _ = noise.measure(take(returned(), (cue("silence", 1.0, 1.5),)), PEAK)
    assert "0.9 s long" in str(results[0].note)


@pytest.mark.parametrize(("level", "words"), [(0.05, "something sounds in the silence"), (1.5, "clipped")])
def test_what_sounds_in_a_silence_is_no_noise(level: float, words: str) -> None:
    wave = returned()
    wave[3 * RATE : 4 * RATE, 0] += np.clip(level * np.random.default_rng(2).standard_normal(RATE), -1.0, 1.0)
    results, curves = noise.measure(take(wave), PEAK)
    assert {r.quantity for r in results} == {"noise_a", "noise_itu468", "noise_ccir_rms", "snr_a"}
    assert all(not r.valid and words in str(r.note) for r in results)
    assert curves == []


def test_signal_to_noise_re_the_maximum_output_level() -> None:
    conditions = {"track": 2, "pass": 1}

    def figure(quantity: str, value: float, doubt: float) -> Result:
        return Result(quantity=quantity, value=value, unit="dB", uncertainty=doubt, conditions=conditions, method="m")

    floor, mol = figure("noise_a", -52.0, 0.03), figure("mol_315", 5.0, 0.04)
    (snr,) = noise.re_mol([floor, mol])
    assert (snr.value, snr.uncertainty) == (pytest.approx(57.0), pytest.approx(0.05))
    assert snr.conditions == {**conditions, "re": "mol_315"}
    (missing,) = noise.re_mol([floor, Result.invalid("mol_315", "dB", conditions, "m", "extend the ladder")])
    assert missing.note == "extend the ladder"
    assert noise.re_mol([floor]) == []


def test_modulation_noise_of_a_clean_tone_is_the_noise() -> None:
    (result,), curves = modulation_noise.measure(take(returned()), PEAK)
    expected = 20.0 * np.log10(1e-4 / (PEAK / np.sqrt(2))) + a_weighted_db()
    assert result.value == pytest.approx(expected, abs=result.uncertainty)
    assert result.conditions == {"track": 2, "pass": 1, "frequency_hz": 100.0, "level_db": 0.0}
    assert curves == []
    wave = returned()
    wave[:, 0] = np.clip(20.0 * wave[:, 0], -1.0, 1.0)
    (clipped,), _ = modulation_noise.measure(take(wave), PEAK)
    assert "clipped" in str(clipped.note)


def test_dropouts_of_the_track_and_of_the_pilots() -> None:
    wave = returned()
    for second in (2.0, 7.0, 12.0):
        wave[round(second * RATE) : round((second + 0.02) * RATE), 1] *= 0.1
    wave[16 * RATE : 16 * RATE + 480, 0] *= 0.2
    results, curves = steadiness.measure(take(wave), PEAK)
    rate = {
        r.conditions["track"]: r.value
        for r in results
        if r.quantity == "dropouts_per_minute" and r.conditions["depth_db"] == 6.0
    }
    assert rate == {2: pytest.approx(60.0 / 5.8, rel=0.01), 4: pytest.approx(3 * 60.0 / 25.8, rel=0.01)}
    (depth,) = (c for c in curves if c.quantity == "dropouts" and c.conditions["track"] == 4)
    assert depth.x.array == pytest.approx([2.01, 7.01, 12.01], abs=2e-3)
    assert depth.y.array == pytest.approx(20.0, abs=0.2)
    (stability,) = (r for r in results if r.quantity == "level_stability")
    assert stability.value < 0.05


def test_a_tone_that_never_came_back_has_neither_dropouts_nor_level() -> None:
    wave = returned()
    wave[14 * RATE :, 0] = 0.0
    results, curves = steadiness.measure(take(wave, CUES[:-1]), PEAK)
    assert [r.quantity for r in results] == ["level_stability", *["dropouts_per_minute"] * 2]
    assert all(not r.valid and "the tone is lost" in str(r.note) for r in results)
    assert curves == []


def test_time_of_a_take_that_does_not_move() -> None:
    got = by_name(time.measure(take(returned()), PEAK)[0])
    for quantity in ("latency", "speed_error", "speed_drift"):
        assert abs(got[quantity].value) < 1e-9
        assert got[quantity].uncertainty > 0.0
    assert got["polarity"].value == 1.0
    assert by_name(time.measure(take(-returned()), PEAK)[0])["polarity"].value == -1.0


def test_drift_is_the_slope_over_the_take_within_its_uncertainty() -> None:
    """Delay -e t - c t^2 / 2 is a speed of 1 + e + c t; each edge is read 1e-6 s wrong."""
    inside = []
    returning = returned()[:1]
    for seed in range(60):
        grid = np.arange(SECONDS + 1.0)
        error = 1e-6 * np.random.default_rng(seed).standard_normal(grid.size)
        base = Timebase(0.0, 1.0, -1e-3 * grid - 0.5 * 1e-5 * grid**2 + error, np.full(grid.size, 1e-6))
        moved = take(returning)
        alignment = Alignment(0, 0, moved.alignment.found, base, "told")
        moved = Take(moved.returned, moved.sheet.model_copy(update={"cues": (CUES[0], CUES[5])}), alignment, {})
        drift = by_name(time.measure(moved, PEAK)[0])["speed_drift"]
        # Over the 24.5 s between the markers the speed rises by 24.5 c, to first order in e.
        assert drift.value == pytest.approx(100 * 24.5e-5, rel=0.02)
        inside.append(abs(drift.value - 100 * 24.5e-5 * 1.0023) <= drift.uncertainty)
    assert np.mean(inside) >= 0.85


def test_what_is_missing_is_told() -> None:
    silent = returned()
    silent[21 * RATE : 24 * RATE, 0] = 1e-4 * np.random.default_rng(1).standard_normal(3 * RATE)
    assert "correlation" in str(by_name(time.measure(take(silent), PEAK)[0])["polarity"].note)
    got = by_name(time.measure(take(returned(), CUES[1:5]), PEAK)[0])
    assert "0 start and 0 end markers" in str(got["speed_error"].note)
    assert got["polarity"].value == 1.0


def test_several_silences_tell_one_figure_together_and_a_disturbed_one_is_left_out() -> None:
    two = (cue("silence", 1.0, 4.0), cue("silence", 5.0, 4.0))
    wave = returned()
    # Twice the power in the second half: together the mean of the two, 10 lg 1.5 above the first.
    wave[5 * RATE : 9 * RATE] *= np.sqrt(2.0)
    results, curves = noise.measure(take(wave, two), PEAK)
    assert [r.quantity for r in results if r.quantity != "hum"] == ["noise_a", "snr_a", "noise_ccir_rms", "noise_itu468"]
    assert len(curves) == 2
    first, _ = noise.measure(take(wave, two[:1]), PEAK)
    assert by_name(results)["noise_a"].value - by_name(first)["noise_a"].value == pytest.approx(1.76, abs=0.15)
    assert by_name(results)["noise_a"].uncertainty < by_name(first)["noise_a"].uncertainty
    wave[7 * RATE, 0] = 0.9
    disturbed, _ = noise.measure(take(wave, two), PEAK)
    assert by_name(disturbed)["noise_a"].value == pytest.approx(by_name(first)["noise_a"].value, abs=1e-9)
