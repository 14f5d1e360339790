"""Pairs made with any material on any machine, through the command: a real tape recorder, and machines known in closed form."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import soxr
from scipy.signal import freqz, lfilter

from signals.music import compose

REAL = Path(__file__).parents[2] / "shared/real/reel_to_reel"


def measured(command, session):
    done = command("measure", session)
    assert done.status == 0, done.err
    assert (session / "report.pdf").read_bytes()[:4] == b"%PDF"
    return json.loads((session / "measurements.json").read_text())


def value(document, quantity, **conditions):
    found = [r for r in document["results"] if r["quantity"] == quantity and conditions.items() <= r["conditions"].items()]
    assert len(found) == 1, (quantity, conditions)
    return found[0]["value"]


def curve(document, quantity, **conditions):
    found = [c for c in document["curves"] if c["quantity"] == quantity and conditions.items() <= c["conditions"].items()]
    assert len(found) == 1, (quantity, conditions)
    return np.array(found[0]["x"]["values"]), np.array(found[0]["y"]["values"])


# A real recorder, with pulses on its other track


def pulse_delays(take):
    """Time of each pulse sent and its delay, to a fraction of a sample: by its phase re the mean of all returned pulses."""
    sent, rate = soundfile.read(REAL / f"take{take}_input_R.wav")
    returned, _ = soundfile.read(REAL / f"take{take}_target_R.wav")
    around, first_guess = 60, round(0.1605 * rate)
    at = np.flatnonzero(sent > 0.7 * sent.max())
    at = at[at + first_guess + around <= returned.size]
    pulses = np.array([returned[i + first_guess - around : i + first_guess + around] for i in at])
    spectra, angle = np.fft.rfft(pulses, axis=1), 2.0 * np.pi * np.fft.rfftfreq(2 * around)
    lag = np.zeros(at.size)
    for step, reach in ((1.0, 30), (0.5, 60), (0.1, 60), (0.01, 60), (0.01, 60)):
        template = np.mean(spectra * np.exp(1j * angle * lag[:, None]), axis=0)
        tried = (lag[:, None] if step < 1.0 else 0.0) + step * np.arange(-reach, reach + 1) + np.zeros((at.size, 1))
        height = np.einsum("pkf,pf->pk", np.exp(1j * tried[:, :, None] * angle), spectra * template.conj()).real
        lag = tried[np.arange(at.size), np.argmax(height, axis=1)]
    return at / rate, (first_guess + lag) / rate


@pytest.mark.skipif(not REAL.is_dir(), reason="needs the recordings of a reel-to-reel recorder")
@pytest.mark.parametrize(("take", "within_s"), [(1, 3e-6), (2, 6e-6)])
def test_the_motion_of_a_real_recorder_is_read_from_its_music(command, tmp_path, take, within_s):
    session = tmp_path / "recorder"
    files = ("--dry", REAL / f"take{take}_input_L.wav", "--wet", REAL / f"take{take}_target_L.wav")
    assert command("import", session, *files, "--speed", 19, "--deck", "reel-to-reel").status == 0
    document = measured(command, session)
    time, true = pulse_delays(take)
    inside = (time > 0.3) & (time < 4.6)
    assert inside.sum() > 400
    error = (np.interp(time, *curve(document, "delay_trajectory")) - true)[inside]
    error -= np.median(error)  # the tracks of a head differ by a constant
    assert np.sqrt(np.mean(error**2)) < within_s
    assert np.std(true[inside]) > 10.0 * within_s  # there was something to follow
    assert value(document, "latency") == pytest.approx(true[0], abs=0.3e-3)
    assert abs(value(document, "speed_error")) < 0.02
    assert value(document, "polarity") == 1.0
    frequency, level = curve(document, "frequency_response")
    assert frequency[0] < 100.0
    assert frequency[-1] > 4000.0
    assert np.ptp(level[(frequency > 200.0) & (frequency < 3000.0)]) < 6.0


# Machines known in closed form


SPEED = 1.004
OFFSET_S = 1.3
CORNER_HZ = 5000.0
NOISE = 1e-4


def machine(sound, rate, drive=1.5):
    """Soft saturation and a pole, without motion, delay or noise, shape of the input."""
    pole = np.exp(-2.0 * np.pi * CORNER_HZ / rate)
    return lfilter([1.0 - pole], [1.0, -pole], np.tanh(drive * sound) / drive, axis=0)


def response_db(frequency_hz, rate):
    pole = np.exp(-2.0 * np.pi * CORNER_HZ / rate)
    return 20.0 * np.log10(np.abs(freqz([1.0 - pole], [1.0, -pole], 2.0 * np.pi * frequency_hz / rate)[1]))


@pytest.fixture(
    scope="module", params=[(44_100, 30.0), pytest.param((16_000, 30.0), marks=pytest.mark.slow)], ids=["44.1 kHz", "16 kHz"]
)
def stereo(request, command, tmp_path_factory):
    """A stereo pair 1.3 s late and 0.4 % fast, the second channel inverted, imported and measured."""
    rate, seconds = request.param
    folder = tmp_path_factory.mktemp("stereo")
    made = [compose(seed, seconds, 48_000, style) for seed, style in ((1, "band"), (2, "chamber"))]
    dry = np.stack([soxr.resample(wave, 48_000, rate) for wave in made], axis=1)
    dry *= 0.9 / np.max(np.abs(dry))
    heard = machine(dry, rate)
    played = np.stack([soxr.resample(channel, SPEED * rate, rate, "VHQ") for channel in heard.T], axis=1) * [1.0, -0.5]
    wet = np.concatenate([np.zeros((round(OFFSET_S * rate), 2)), played])
    wet += NOISE * np.random.default_rng(0).standard_normal(wet.shape)
    soundfile.write(folder / "dry.wav", dry, rate, subtype="PCM_24")
    soundfile.write(folder / "wet.wav", wet, rate, subtype="PCM_24")
    session = folder / "pair"
    assert command("import", session, "--dry", folder / "dry.wav", "--wet", folder / "wet.wav").status == 0
    document = measured(command, session)
    return SimpleNamespace(
        folder=folder, session=session, rate=rate, seconds=seconds, dry=dry, heard=heard, document=document
    )


@pytest.mark.parametrize("track", [1, 2])
def test_time_and_response_of_a_pair(stereo, track):
    document, rate = stereo.document, stereo.rate
    assert value(document, "speed_error", track=track) == pytest.approx(100.0 * (SPEED - 1.0), abs=0.001)
    assert value(document, "polarity", track=track) == (1.0 if track == 1 else -1.0)
    assert value(document, "wow_flutter_weighted_2sigma", track=track) < 0.005
    time, delay = curve(document, "delay_trajectory", track=track)
    assert time[0] < 0.1
    assert time[-1] > stereo.seconds - 0.5
    inside = (time > 0.5) & (time < stereo.seconds - 0.5)
    error = (delay - (OFFSET_S + time / SPEED - time))[inside]
    # The pole turns the phase as some 30 us of delay would.
    assert abs(np.median(error)) < 50e-6
    assert np.sqrt(np.mean((error - np.median(error)) ** 2)) < 10e-6
    frequency, level = curve(document, "frequency_response", track=track)
    assert frequency[-1] > (0.35 * rate if track == 1 else 2500.0)  # strings have nothing to tell of what is above
    inside = (frequency > 100.0) & (frequency < 0.3 * rate)
    shape = (level - response_db(frequency, rate))[inside] - (0.0 if track == 1 else 20.0 * np.log10(0.5))
    assert np.std(shape) < 0.5
    assert -2.0 < np.median(shape) < 0.1  # saturation lowers the level of the loud


def test_a_model_of_a_pair_renders_what_the_machine_makes(stereo, command):
    track = 2 if stereo.rate == 16_000 else 1
    name = f"track-{track}"
    done = command("train", stereo.session, "--track", track, "--name", name, "--json")
    assert done.status == 0, done.err
    said = json.loads(done.out)
    assert said["esr"] < said["baseline_esr"] / 3.0
    assert command("check", stereo.session).status == 0
    model, out = stereo.session / "models" / name, stereo.folder / f"{name}.wav"
    soundfile.write(stereo.folder / f"{name}-in.wav", stereo.dry[:, track - 1], stereo.rate, subtype="PCM_24")
    done = command("render", model, stereo.folder / f"{name}-in.wav", out, "--wow", 0, "--hiss", 0)
    assert done.status == 0, done.err
    rendered, rate = soundfile.read(out)
    assert (rendered.size, rate) == (stereo.dry.shape[0], stereo.rate)
    true = stereo.heard[:, track - 1] * (1.0 if track == 1 else -0.5)
    end = slice(-8 * rate, -rate)  # the last part of a pair is held out
    spectra = [np.fft.rfft(x[end]) for x in (rendered, true)]
    # But for the constant delay that the time base has taken from the machine.
    angle = 2.0 * np.pi * np.fft.rfftfreq(rendered[end].size, 1.0 / rate)
    error = min(
        np.sum(np.abs(spectra[0] * np.exp(1j * angle * shift) - spectra[1]) ** 2) / np.sum(np.abs(spectra[1]) ** 2)
        for shift in np.linspace(-60e-6, 60e-6, 121)
    )
    assert error < said["baseline_esr"] / 3.0


def test_a_mono_signal_may_return_on_two_channels(command, tmp_path):
    rate = 16_000
    dry = compose(3, 15.0, 48_000, "beat")[::3][: 15 * rate]
    wet = np.stack([0.5 * np.roll(dry, 100), -0.25 * np.roll(dry, 300)], axis=1)
    soundfile.write(tmp_path / "dry.wav", 0.5 * dry / np.max(np.abs(dry)), rate, subtype="PCM_24")
    soundfile.write(tmp_path / "wet.wav", 0.5 * wet / np.max(np.abs(dry)), rate, subtype="PCM_24")
    session = tmp_path / "pair"
    assert command("import", session, "--dry", tmp_path / "dry.wav", "--wet", tmp_path / "wet.wav").status == 0
    document = measured(command, session)
    for track, latency_s, sign in ((1, 100 / rate, 1.0), (2, 300 / rate, -1.0)):
        assert value(document, "latency", track=track) == pytest.approx(latency_s, abs=50e-6)
        assert value(document, "polarity", track=track) == sign


def test_a_channel_that_is_no_pair_is_told_beside_one_that_is(command, tmp_path):
    rate = 16_000
    dry = compose(3, 15.0, 48_000, "beat")[::3][: 15 * rate]
    noise = np.random.default_rng(0).standard_normal((2, dry.size))
    sent, returned = (np.stack(both, axis=1) for both in ((dry, 0.1 * noise[0]), (0.5 * np.roll(dry, 100), 0.1 * noise[1])))
    soundfile.write(tmp_path / "dry.wav", 0.5 * sent / np.max(np.abs(sent)), rate, subtype="PCM_24")
    soundfile.write(tmp_path / "wet.wav", 0.5 * returned / np.max(np.abs(sent)), rate, subtype="PCM_24")
    session = tmp_path / "pair"
    assert command("import", session, "--dry", tmp_path / "dry.wav", "--wet", tmp_path / "wet.wav").status == 0
    document = measured(command, session)
    assert value(document, "latency", track=1) == pytest.approx(100 / rate, abs=50e-6)
    (other,) = [r for r in document["results"] if r["conditions"]["track"] == 2]
    assert other["value"] is None
    assert "check that they belong together" in other["note"]


def test_a_steady_tone_beside_the_music_is_the_pilot(command, tmp_path):
    """A machine that is 0.2 % fast and flutters by 0.2 % at 8 Hz, both in closed form, with hiss."""
    rate, seconds = 48000, 30
    time = np.arange(seconds * rate) / rate
    place = 1.002 * time + 0.002 / (2.0 * np.pi * 8.0) * np.sin(2.0 * np.pi * 8.0 * time)
    music = np.pad(0.2 * compose(5, seconds - 2, rate, "chamber"), rate)
    fine = soxr.resample(music, rate, 8 * rate)
    pilot = lambda t: 0.1 * np.sin(2.0 * np.pi * 4000.0 * t)  # noqa: E731
    hiss = 3e-4 * np.random.default_rng(0).standard_normal((time.size, 2))
    wet = np.stack([pilot(place), np.interp(place * 8 * rate, np.arange(fine.size), fine)], axis=1) + hiss
    soundfile.write(tmp_path / "dry.wav", np.stack([pilot(time), music], axis=1), rate, subtype="PCM_24")
    soundfile.write(tmp_path / "wet.wav", wet, rate, subtype="PCM_24")
    session = tmp_path / "pair"
    assert command("import", session, "--dry", tmp_path / "dry.wav", "--wet", tmp_path / "wet.wav").status == 0
    document = measured(command, session)
    assert {r["conditions"]["track"] for r in document["results"]} == {2}
    assert value(document, "speed_error") == pytest.approx(0.2, abs=2e-3)
    moments, delay = curve(document, "delay_trajectory")
    inside = (moments > 0.5) & (moments < seconds - 1.0)
    error = (delay - np.interp(moments, place, time - place))[inside]
    assert np.std(error) < 0.5e-6
    assert "pilot of 4000 Hz" in next(r["method"] for r in document["results"] if r["quantity"] == "speed_error")
    assert "track 1 of take 'pair' holds the pilot" in command("train", session, "--track", 1).refusal
    assert command("train", session, "--core", "linear").status == 0
    card = json.loads((session / "models/linear/model.json").read_text())
    assert card["sources"][0]["track"] == 2
