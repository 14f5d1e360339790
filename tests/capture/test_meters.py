import numpy as np
import pytest

from capture.meters import Meter, Zone, drawn, verdict

RATE = 48000
ZONE = Zone(-25.0, -13.0)


def tone(level_dbfs, seconds=0.1, channels=1):
    wave = 10.0 ** (level_dbfs / 20.0) * np.sin(2 * np.pi * 1000.0 * np.arange(round(seconds * RATE)) / RATE)
    return np.repeat(wave[:, None], channels, axis=1)


def test_a_sine_at_full_scale_reads_0_dbfs_and_another_its_level():
    meter = Meter(RATE, 2)
    meter.hear(tone(0.0, channels=2) * [1.0, 0.1])
    one, two = meter.readings()
    assert (one.peak_dbfs, two.peak_dbfs) == pytest.approx((0.0, -20.0), abs=0.02)
    assert (one.clipped > 0, two.clipped) == (True, 0)


def test_a_peak_is_held_for_two_seconds_while_the_bar_falls():
    meter = Meter(RATE, 1)
    meter.hear(tone(-6.0))
    for _ in range(15):
        meter.hear(np.zeros((RATE // 10, 1)))
    (reading,) = meter.readings()
    assert reading.held_dbfs == pytest.approx(-6.0, abs=0.02)
    assert reading.peak_dbfs == pytest.approx(-6.0 - 1.5 * 24.0, abs=0.1)
    for _ in range(6):
        meter.hear(np.zeros((RATE // 10, 1)))
    assert meter.readings()[0].held_dbfs < -60.0


def test_clipping_is_told_while_it_is_recent_and_counted_for_good():
    meter = Meter(RATE, 1)
    meter.hear(tone(0.0))
    clipped = meter.readings()[0].clipped
    for _ in range(25):
        meter.hear(tone(-20.0))
    (reading,) = meter.readings()
    assert (reading.clips, reading.clipped) == (False, clipped)
    assert verdict(reading, ZONE) == (f"good (clipped before: {clipped} samples)", "green")


def test_blocks_of_any_length_read_the_same():
    wave = tone(-12.0, 0.5)
    at_once, in_pieces = Meter(RATE, 1), Meter(RATE, 1)
    at_once.hear(wave)
    for start in range(0, len(wave), 1000):
        in_pieces.hear(wave[start : start + 1000])
    in_pieces.hear(wave[:0])
    assert in_pieces.readings()[0].held_dbfs == at_once.readings()[0].held_dbfs


@pytest.mark.parametrize(
    ("level_dbfs", "words"),
    [
        (-70.0, "nothing comes back"),
        (-37.0, "turn up by 12 dB or more"),
        (-20.0, "good"),
        (-10.0, "turn down by 3 dB or more"),
        (0.0, "CLIPPED"),
    ],
)
def test_the_meter_says_what_to_do(level_dbfs, words):
    meter = Meter(RATE, 1)
    meter.hear(tone(level_dbfs))
    assert verdict(meter.readings()[0], ZONE)[0].startswith(words)


def test_bars_fill_to_the_level_and_mark_the_zone():
    meter = Meter(RATE, 1)
    meter.hear(tone(-30.0))
    table = drawn(meter.readings(), ["input 1"], ZONE)
    bar = list(table.columns[1].cells)[1].plain
    assert len(bar) == 48
    narrow = list(drawn(meter.readings(), ["input 1"], ZONE, 20).columns[1].cells)
    assert (len(narrow[1].plain), narrow[1].plain.count("█"), narrow[0].plain.split()) == (20, 10, ["-60", "-30", "0"])
    assert bar.count("█") == 24  # half of 60 dB
    assert bar.index("░") == 28  # -25 dBFS
    assert bar.rindex("░") == 37  # up to -13 dBFS
