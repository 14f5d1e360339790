"""The recorder over PortAudio and JACK: what is sent is random, so a sample that is lost, shifted or swapped is seen."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from capture.recorder import PortAudioDevice
from capture.shared import PASSED
from capture.stream import clock_hz
from signals.audio import ArrayAudio
from signals.errors import DeviceError
from tests.capture.jack_server import DECK, PERIOD
from tests.conftest import environment


def noise(rate, seconds, channels=4):
    samples = round(rate * seconds)
    return 0.1 * np.random.default_rng(7).standard_normal((samples, channels), dtype=np.float32)


class Sink:
    """Keeps what is handed over; may be slow."""

    def __init__(self, slow=None):
        self.blocks, self.times_s = [], []
        self.slow = slow

    def __call__(self, block):
        self.blocks.append(block)
        self.times_s.append(time.monotonic())
        if self.slow is not None:
            self.slow(len(self.blocks))

    @property
    def returned(self):
        return np.concatenate(self.blocks)


def delay_of(returned):
    """Samples until something comes back: some JACK periods."""
    delay = int(np.argmax(returned[:, 0] != 0.0))
    assert delay in (PERIOD, 2 * PERIOD, 3 * PERIOD)
    return delay


def with_gaps(sent, lost, delay, samples):
    """What comes back when nothing was played and nothing recorded during the gaps."""
    played, returned = np.zeros((samples, sent.shape[1]), np.float32), np.zeros((samples, sent.shape[1]), np.float32)
    played[: len(sent)] = sent
    gaps = [slice(gap.start_samples, gap.start_samples + gap.length_samples) for gap in lost]
    for gap in gaps:
        played[gap] = 0.0
    returned[delay:] = played[: samples - delay]
    for gap in gaps:
        returned[gap] = 0.0
    return returned


@pytest.mark.parametrize("rate", [pytest.param(48000, marks=pytest.mark.slow), 96000])
def test_four_channels_come_back_bit_for_bit(jack_at, rate):
    jack_at(rate).deck("unity")
    sent, sink = noise(rate, 3.0), Sink()
    device = PortAudioDevice(DECK, rate, outputs=[2, 0, 3, 1], inputs=[1, 3, 0, 2])
    facts = device.run(ArrayAudio(sent, rate), sink, 0.25)
    delay = delay_of(sink.returned)
    assert device.input_channels == 4
    assert facts.samples == len(sink.returned) == round(3.25 * rate)
    assert facts.lost == ()
    # output 1 is played by stimulus channel 4, output 3 by 3, output 0 by 2, output 2 by 1
    assert np.array_equal(sink.returned[delay : delay + len(sent)], sent[:, [3, 2, 1, 0]])
    assert not sink.returned[delay + len(sent) :].any()
    if facts.clock_hz is not None:  # on a busy computer the server's clock itself stumbles
        seen_hz = np.polyfit(sink.times_s, np.cumsum([len(block) for block in sink.blocks]), 1)[0]
        assert facts.clock_hz == pytest.approx(seen_hz, rel=1e-2)


@pytest.fixture
def busy():
    """Six programs that want all of every core."""
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(6)]
    yield
    for hog in hogs:
        hog.kill()
        hog.wait()


@pytest.mark.slow
@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("rate", [48000, 96000])
def test_a_busy_computer_loses_nothing_in_a_minute(jack_at, rate):
    jack_at(rate).deck("unity")
    sent, sink = noise(rate, 60.0), Sink()
    facts = PortAudioDevice(DECK, rate, range(4), range(4)).run(ArrayAudio(sent, rate), sink, 0.25)
    delay = delay_of(sink.returned)
    assert np.array_equal(sink.returned[delay : delay + len(sent)], sent)
    assert facts.lost == ()


@pytest.mark.parametrize("rate", [88200, 192000])
def test_other_rates_of_a_session_come_back_bit_for_bit(jack_at, rate):
    jack_at(rate).deck("unity").freewheel(True)
    sent, sink = noise(rate, 2.0, channels=2), Sink()
    facts = PortAudioDevice(DECK, rate, (0, 1), (0, 1)).run(ArrayAudio(sent, rate), sink, 0.25)
    delay = delay_of(sink.returned)
    assert np.array_equal(sink.returned[delay : delay + len(sent)], sent)
    assert facts.lost == ()


def test_one_channel_out_and_two_in(jack_at):
    jack_at(48000).deck("unity").freewheel(True)
    sent, sink = noise(48000, 3.0, channels=1), Sink()
    PortAudioDevice(DECK, 48000, outputs=[3], inputs=[3, 1]).run(ArrayAudio(sent, 48000), sink, 0.25)
    delay = delay_of(sink.returned)
    assert np.array_equal(sink.returned[delay : delay + len(sent), 0], sent[:, 0])
    assert not sink.returned[:, 1].any()


def test_a_server_that_runs_free_waits_for_a_slow_disk(jack_at):
    jack_at(48000).deck("unity").freewheel(True)
    sent, sink = noise(48000, 40.0), Sink(lambda number: time.sleep(0.02))
    device = PortAudioDevice(DECK, 48000, range(4), range(4), ring_s=3.0)
    began = time.monotonic()
    facts = device.run(ArrayAudio(sent, 48000), sink, 0.25)
    assert time.monotonic() - began < 30.0
    delay = delay_of(sink.returned)
    assert np.array_equal(sink.returned[delay : delay + len(sent)], sent)
    assert (facts.lost, facts.clock_hz) == ((), None)


def test_a_disk_that_stands_still_for_seconds_loses_nothing(jack_at):
    jack_at(48000).deck("unity")
    sent, sink = noise(48000, 3.5), Sink(lambda number: time.sleep(3.0 if number == 5 else 0.0))
    facts = PortAudioDevice(DECK, 48000, range(4), range(4)).run(ArrayAudio(sent, 48000), sink, 0.25)
    delay = delay_of(sink.returned)
    assert np.array_equal(sink.returned[delay : delay + len(sent)], sent)
    assert facts.lost == ()


def test_what_is_lost_is_marked_and_the_rest_keeps_its_place(jack_at):
    jack_at(48000).deck("unity")
    sent, sink = noise(48000, 5.0), Sink(lambda number: time.sleep(2.5 if number == 5 else 0.0))
    device = PortAudioDevice(DECK, 48000, range(4), range(4), ring_s=1.0)
    facts = device.run(ArrayAudio(sent, 48000), sink, 0.25)
    assert facts == device.facts
    assert facts.samples == len(sink.returned) == round(5.25 * 48000)
    # A busy computer may lose more, in several places, or its server be late and so lose less.
    assert sum(gap.length_samples for gap in facts.lost) > 0.3 * 48000
    last = facts.lost[-1]
    assert last.start_samples + last.length_samples < 5.0 * 48000
    assert np.array_equal(sink.returned, with_gaps(sent, facts.lost, delay_of(sink.returned), facts.samples))


def test_a_pass_ends_early_when_asked(jack_at):
    jack_at(48000).deck("unity").freewheel(True)
    sink = Sink()
    device = PortAudioDevice(DECK, 48000, range(4), range(4), ring_s=2.0)
    facts = device.run(ArrayAudio(noise(48000, 60.0), 48000), sink, 0.0, lambda: len(sink.blocks) >= 3)
    assert 0 < facts.samples == len(sink.returned) < 30 * 48000


@pytest.mark.parametrize("asking", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_keeps_what_had_arrived(jack_at, asking):
    jack_at(48000).deck("unity")
    before = signal.signal(asking, signal.default_int_handler)
    sent, sink = noise(48000, 20.0), Sink(lambda number: number == 1 and timer.start())
    device = PortAudioDevice(DECK, 48000, range(4), range(4))
    timer = threading.Timer(1.5, os.kill, (os.getpid(), asking))
    try:
        with pytest.raises(KeyboardInterrupt):
            device.run(ArrayAudio(sent, 48000), sink, 0.25)
        assert signal.getsignal(asking) is signal.default_int_handler
    finally:
        timer.cancel()
        signal.signal(asking, before)
    delay = delay_of(sink.returned)
    assert 0.25 * 48000 < len(sink.returned) == device.facts.samples < len(sent)
    assert np.array_equal(sink.returned[delay:], sent[: len(sink.returned) - delay])


def test_a_stimulus_that_does_not_fit_the_outputs_is_refused(jack_at):
    jack_at(48000).deck("unity")
    device = PortAudioDevice(DECK, 48000, outputs=[0, 1], inputs=[0])
    with pytest.raises(DeviceError, match=r"3 channel.* 2 output.*--outputs"):
        device.run(ArrayAudio(noise(48000, 1.0, channels=3), 48000), Sink(), 0.0)


def test_an_interface_that_went_away_is_told_in_one_line(jack_at):
    server = jack_at(48000)
    deck = server.deck("unity")
    device = PortAudioDevice(DECK, 48000, range(4), range(4))
    deck.stop()
    with pytest.raises(DeviceError, match="'Virtual Deck' is no longer there"):
        device.run(ArrayAudio(noise(48000, 1.0), 48000), Sink(), 0.0)


def test_a_sound_server_that_hangs_is_told_after_a_second(jack_at):
    server = jack_at(48000)
    server.deck("unity")
    sent, sink = noise(48000, 20.0), Sink(lambda number: number == 1 and timer.start())
    device = PortAudioDevice(DECK, 48000, range(4), range(4))
    timer = threading.Timer(1.5, server.process.send_signal, (signal.SIGSTOP,))
    with pytest.raises(DeviceError, match=r"'Virtual Deck' was lost \d\.\d s into the pass: nothing has come") as lost:
        device.run(ArrayAudio(sent, 48000), sink, 0.25)
    server.kill()
    assert "\n" not in str(lost.value)
    delay = delay_of(sink.returned)
    assert len(sink.returned) > 0.25 * 48000
    assert np.array_equal(sink.returned[delay:], sent[: len(sink.returned) - delay])


def broken(pipe, shared, order):
    """A stream that records a tenth of a second and then meets a defect."""
    shared.input[:4800], shared.counts[PASSED] = 0.5, 4800
    raise ValueError("odd")


def test_a_defect_of_the_stream_leaves_what_had_arrived(jack_at, monkeypatch):
    jack_at(48000).deck("unity")
    sink, device = Sink(), PortAudioDevice(DECK, 48000, range(4), range(4))
    monkeypatch.setattr("capture.recorder.stream.run", broken)
    with pytest.raises(RuntimeError, match="ValueError in the process that plays and records: odd"):
        device.run(ArrayAudio(noise(48000, 1.0), 48000), sink, 0.25)
    assert np.array_equal(sink.returned, np.full((4800, 4), 0.5))


def test_the_simulated_tape_records_and_plays(jack_at):
    deck = jack_at(48000).deck("tape", "--tracks", "1,2")
    deck.freewheel(True)
    time_s = np.arange(3 * 48000)[:, None] / 48000
    tone = ArrayAudio(0.1 * np.sin(2.0 * np.pi * 315.0 * time_s) * [1.0, 0.0], 48000)
    device = PortAudioDevice(DECK, 48000, outputs=[0, 1], inputs=[0, 1])
    device.run(tone, Sink(), 0.5)
    deck.wait_for("stopped", 20.0)
    sink = Sink()
    device.run(ArrayAudio(np.zeros((3 * 48000, 2)), 48000), sink, 0.5)
    assert [said for said in deck.said if "freewheel" not in said] == ["ready", "record", "stopped", "play 1", "stopped"]
    level = 20.0 * np.log10(np.sqrt(2.0) * sink.returned[48000:96000].std(axis=0) / 0.1)
    assert level[0] == pytest.approx(0.0, abs=3.0)
    assert level[1] < -30.0


ORPHAN = """
import sys, threading, numpy as np
from multiprocessing import active_children
from capture.recorder import PortAudioDevice
from signals.audio import ArrayAudio

def sink(block):
    print(*(child.pid for child in active_children()), flush=True)

if __name__ == "__main__":
    device = PortAudioDevice("Virtual Deck", 48000, [0], [0])
    device.run(ArrayAudio(np.zeros((48000 * 60, 1)), 48000), sink, 0.0)
"""


@pytest.mark.parametrize("asking", [signal.SIGINT, signal.SIGTERM])
def test_the_stream_ignores_ctrl_c_and_ends_with_its_parent(jack_at, tmp_path, asking):
    jack_at(48000).deck("unity")
    script = tmp_path / "orphan.py"
    script.write_text(ORPHAN)
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True, env=environment()) as parent:
        child = int(parent.stdout.readline())
        os.kill(child, asking)
        for _ in range(5):
            assert int(parent.stdout.readline()) == child  # it left the interrupt to its parent and records on
        parent.kill()
    give_up = time.monotonic() + 5.0
    while running(child) and time.monotonic() < give_up:
        time.sleep(0.05)
    assert not running(child)


def running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_clock_is_the_slope_of_samples_over_time():
    readings = [(100.0 + 0.5 * k, round(0.5 * k * 48003)) for k in range(20)]
    assert clock_hz(readings, 48000) == pytest.approx(48003, abs=0.2)
    assert clock_hz(readings[:4], 48000) is None  # too short
    assert clock_hz([(time_s / 10, passed) for time_s, passed in readings], 48000) is None  # runs free
    assert clock_hz([], 48000) is None
