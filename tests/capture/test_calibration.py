"""The calibration of an interface whose every property is known, because it is made here of textbook parts."""

import json

import numpy as np
import pytest
from scipy.signal import sosfreqz

from capture.calibration import Loops, calibrate, read_channels, summary
from capture.device import Gap
from capture.full_scale import MeterTone, full_scale_dbu, read_volts, with_volts
from sessions.calibration import Calibration
from signals.errors import DeviceError, SignalError, StimulusError, UsageError
from tests.capture.interface_by_parts import RATE, Interface, shelf


def loops(interface, inputs=(1,), outputs=(1,)):
    return Loops(interface, outputs, inputs)


def one(calibration, quantity, **conditions):
    (found,) = calibration.find(quantity, **conditions)
    return found


NOISE = 1e-4


@pytest.fixture(scope="module")
def clean():
    """An interface that is as good as its noise of -80 dB."""
    return calibrate(loops(Interface(noise=NOISE)))


def test_latency_is_found_to_a_hundredth_of_a_sample(clean):
    latency = one(clean, "interface_latency")
    # The shelf and the high-pass have a delay of their own: their phase delay is what remains in the band.
    f, h = sosfreqz(shelf(RATE), worN=np.linspace(400.0, 6000.0, 500), fs=RATE)
    own = -np.polyfit(2.0 * np.pi * f, np.unwrap(np.angle(h)), 1)[0] * RATE
    assert latency.value * RATE == pytest.approx(1234.37 + own, abs=0.02)
    assert abs(own) > 0.01  # so the sign is tested too
    assert latency.uncertainty * RATE < 0.1
    assert latency.conditions == {"output": 1, "input": 1}


def test_gain_and_polarity(clean):
    _, h = sosfreqz(shelf(RATE), worN=[1000.0], fs=RATE)
    assert one(clean, "gain").value == pytest.approx(20.0 * np.log10(0.8 * abs(h[0])), abs=0.002)
    assert one(clean, "polarity").value == 1.0
    turned = calibrate(loops(Interface(gain=-0.8, delay=64.0, noise=NOISE)))
    assert one(turned, "polarity").value == -1.0
    assert one(turned, "gain").value == pytest.approx(one(clean, "gain").value, abs=0.002)
    (phase,) = turned.find_curves("phase_response")
    assert np.max(np.abs(phase.y.array[(phase.x.array > 300) & (phase.x.array < 6000)])) < 3.0


def test_response_is_that_of_the_filter_re_1_khz(clean):
    (curve,) = clean.find_curves("frequency_response")
    f, h = sosfreqz(shelf(RATE), worN=[1000.0, *curve.x.values], fs=RATE)
    truth = 20.0 * np.log10(np.abs(h[1:] / h[0]))
    inside = (curve.x.array >= 25.0) & (curve.x.array <= 20_000.0)
    assert np.max(np.abs(curve.y.array - truth)[inside]) < 0.01
    assert np.max(np.abs(curve.y.array - truth)[curve.x.array >= 20.0]) < 0.1
    assert np.ptp(truth[inside]) > 1.0
    (delay,) = clean.find_curves("phase_response")
    # What counts as latency is the delay that straightens the filter's phase best from 400 Hz to 6 kHz, every hertz alike.
    band, even = sosfreqz(shelf(RATE), worN=np.arange(400.0, 6001.0, 10.0), fs=RATE)
    delays = np.linspace(-1e-5, 1e-5, 4001)
    own = delays[np.argmax(np.abs(np.exp(2j * np.pi * np.outer(delays, band)) @ (even / np.abs(even))))]
    truth = np.degrees(np.unwrap(np.angle(h[1:])) + 2.0 * np.pi * f[1:] * own)
    assert np.max(np.abs(delay.y.array - truth)[inside]) < 0.5


def test_noise_is_in_dbfs_by_its_density(clean):
    # White noise of variance s^2 over 0 to fs/2; A-weighting passes so much of it as IEC 61672 says, here by its own sum.
    from analysis.weighting import a_weight_db

    f = np.arange(20.0, 20_001.0, 1.0)
    share = np.sum(10.0 ** (a_weight_db(f) / 10.0)) / (RATE / 2)
    noise = one(clean, "noise_a")
    assert noise.unit == "dBFS"
    assert noise.value == pytest.approx(10.0 * np.log10(2.0 * NOISE**2 * share), abs=0.2)
    assert one(clean, "snr_a").value == pytest.approx(
        clean.reference_dbfs + one(clean, "gain").value - noise.value, abs=0.02
    )
    density = next(c for c in clean.find_curves("noise_spectrum") if c.y.unit == "dBFS/Hz")
    middle = density.y.array[(density.x.array > 1000.0) & (density.x.array < 10_000.0)]
    assert np.mean(10.0 ** (middle / 10.0)) == pytest.approx(2.0 * NOISE**2 / (RATE / 2), rel=0.05)


def test_distortion_grows_with_level_as_tanh_has_it():
    made = calibrate(loops(Interface(drive=0.3, noise=1e-6, filters=np.array([[1.0, 0, 0, 1.0, 0, 0]]))))
    for frequency in (315.0, 1000.0):
        for level in (6.0, 12.0, 17.0):
            amplitude = 10.0 ** ((made.reference_dbfs + level) / 20.0)
            wave = np.tanh(0.3 * amplitude * np.sin(2.0 * np.pi * np.arange(4096) / 4096))
            lines = np.abs(np.fft.rfft(wave))
            truth = 100.0 * np.sqrt(np.sum(lines[2:20] ** 2)) / lines[1]
            found = one(made, "thd", frequency_hz=frequency, level_db=level)
            assert found.value == pytest.approx(truth, rel=0.02), (frequency, level)
    curve = made.find_curves("thd_vs_level", frequency_hz=1000.0)[0]
    assert curve.y.values[-1] == one(made, "thd", frequency_hz=1000.0, level_db=17.0).value


def test_a_clean_interface_has_no_distortion_of_the_bench(clean):
    """What the bench itself adds lies below the noise at every level."""
    assert [r for r in clean.find("thd") if r.valid and r.value > 0.01] == []


def test_each_output_plays_alone_so_that_one_cable_is_enough():
    asked = []
    interface = Interface(cables=(0, 1), outputs=2, noise=NOISE)

    def connect(output, input_):
        asked.append((output, input_, interface.runs))
        interface.cables = (0, None) if output == 3 else (None, 1)

    made = calibrate(loops(interface, (1, 2), (3, 4)), connect)
    assert asked == [(3, 1, 0), (4, 2, 2)]  # each is tried, then played
    assert made.pairs == ((3, 1), (4, 2))
    assert {r.conditions["output"] for r in made.results} == {3, 4}
    assert len(made.find("interface_latency")) == len(made.find("noise_a")) == 2
    assert Calibration.model_validate(json.loads(made.model_dump_json())) == made
    said = summary(with_volts(made, [1.228, 1.228]))
    assert len(said) == 4
    assert "output 3 to input 1: latency 1234.5" in said[0]
    assert "full scale +16.0 dBu out, +17.9 dBu in" in said[3]


def test_a_higher_rate_is_calibrated_alike():
    made = calibrate(loops(Interface(rate=96_000, delay=333.5, noise=NOISE, filters=np.array([[1.0, 0, 0, 1.0, 0, 0]]))))
    assert one(made, "interface_latency").value * 96_000 == pytest.approx(333.5, abs=0.01)
    assert made.sample_rate == 96_000


def test_44_1_khz_is_refused():
    with pytest.raises(StimulusError, match="44100 Hz is below 48000"):
        calibrate(loops(Interface(rate=44_100)))


def test_no_cable():
    interface = Interface(cables=(None,))
    with pytest.raises(SignalError, match=r"input 5 is silent \(-inf dBFS.*put a cable from output 2 to input 5"):
        calibrate(loops(interface, (5,), (2,)))
    assert interface.runs == 1


def test_something_else_at_the_input():
    interface = Interface(noise=0.01)
    interface.gain = 0.0
    with pytest.raises(SignalError, match=r"hears something .* but not what output 1 plays"):
        calibrate(loops(interface))


def test_swapped_cables():
    with pytest.raises(SignalError, match="output 1 plays comes back at input 2 and not at input 1; swap"):
        calibrate(loops(Interface(cables=(1, 0), outputs=2, noise=1e-5), (1, 2), (1, 2)))


def test_clipped():
    interface = Interface(gain=2.0)
    interface.bend = lambda y: np.clip(y, -1.0, 1.0)
    with pytest.raises(SignalError, match=r"input 1 reaches \+0.0 dBFS and is clipped; turn its gain down"):
        calibrate(loops(interface))


def test_a_latency_that_moves_within_a_pass():
    interface = Interface(noise=1e-5)
    interface.bend = lambda y: np.concatenate([y[: y.size // 2], y[y.size // 2 + 64 :], np.zeros(64)])
    with pytest.raises(SignalError, match=r"moves from 1170.\d to 1234.\d samples within a pass, 0.25 are allowed"):
        calibrate(loops(interface))


def test_two_clocks():
    interface = Interface(noise=1e-5, filters=np.array([[1.0, 0, 0, 1.0, 0, 0]]))
    interface.bend = lambda y: np.interp(np.arange(y.size) * (1.0 + 20e-6), np.arange(y.size), y)
    with pytest.raises(SignalError, match="one clock"):
        calibrate(loops(interface))


def test_a_latency_that_another_opening_changes_is_told():
    made = calibrate(loops(Interface(later=32.0, noise=1e-5)))
    latency = one(made, "interface_latency")
    assert "differed by 32.0" in latency.note
    assert latency.uncertainty * RATE == pytest.approx(32.0, abs=0.2)
    assert "differed by 32.0" in summary(made)[-1]


def test_lost_samples():
    interface = Interface()
    interface.lost = (Gap(96_000, 512),)
    with pytest.raises(DeviceError, match=r"'Test 2i2' lost 512 samples, the first at 2.0 s"):
        calibrate(loops(interface))


def test_channels_are_numbered_from_one():
    assert read_channels("1,2", "outputs") == (1, 2)
    for wrong in ("0", "1,1", "a", "", "1;2"):
        with pytest.raises(UsageError, match="--outputs"):
            read_channels(wrong, "outputs")


def test_volts_make_dbu(clean):
    # 1.228 V RMS is +4 dBu; read at -12 dBFS, full scale is +16 dBu.
    assert full_scale_dbu(1.228) == pytest.approx(16.0, abs=0.01)
    assert full_scale_dbu(0.7746) == pytest.approx(12.0, abs=0.001)
    made = with_volts(clean, read_volts("1.228", 1))
    assert one(made, "output_full_scale").value == pytest.approx(16.0, abs=0.01)
    assert one(made, "output_full_scale").unit == "dBu"
    # An input that reads 2 dB lower than what was sent takes 2 dB more to full scale.
    assert one(made, "input_full_scale").value == pytest.approx(16.0 - one(clean, "gain").value, abs=0.01)
    again = with_volts(made, [0.7746])
    assert one(again, "output_full_scale").value == pytest.approx(12.0, abs=0.001)
    assert len(again.results) == len(clean.results) + 2


@pytest.mark.parametrize("text", ["x", "0", "-1", "nan", "1,2,3", "1000", ""])
def test_volts_that_cannot_be(text):
    with pytest.raises(UsageError, match=r"V|volt"):
        read_volts(text, 2)


def test_the_tone_for_the_meter_is_steady_to_the_end():
    tone = MeterTone(48_000, 2, 48_000 * 600)
    last = tone.read(48_000 * 599, 48_000 * 600)
    assert last.shape == (48_000, 2)
    assert np.sqrt(2.0 * np.mean(last**2)) == pytest.approx(10.0 ** (-12.0 / 20.0), rel=1e-6)
    assert np.array_equal(last, tone.read(0, 48_000))
    joined = np.concatenate([tone.read(0, 50_001), tone.read(50_001, 60_000)])
    assert np.array_equal(joined, tone.read(0, 60_000))
    assert np.argmax(np.abs(np.fft.rfft(last[:, 0]))) == 1000
