"""A take that was broken off tells what its stream had lost by then, and keeps the time of all that follows."""

import os
import re
import signal
import time
from multiprocessing import active_children

import numpy as np
import pytest

from capture.device import Gap
from capture.flow import capture
from capture.recorder import PortAudioDevice
from capture.recordings import Plan
from sessions.store import Session
from signals.errors import DeviceError
from tests.capture.conftest import RATE, planned_session
from tests.capture.jack_server import DECK

STALL_S = 2.5
ON_S = 0.5


def ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


def loss():
    for child in active_children():
        child.kill()


@pytest.fixture
def hears_ctrl_c():
    """Whoever runs the tests in the background may have told them to ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("hears_ctrl_c")
@pytest.mark.parametrize(
    ("happens", "raised", "fault"),
    [(ctrl_c, KeyboardInterrupt, "stopped by"), (loss, DeviceError, "'Virtual Deck' was lost")],
)
def test_what_was_lost_before_a_pass_was_broken_off_is_told(jack_at, tmp_path, deck, happens, raised, fault):
    jack_at(RATE).deck("unity")
    session = planned_session(tmp_path / "s", tone_s=12.0)
    device = PortAudioDevice(DECK, RATE, range(2), range(2), ring_s=1.0)
    coming = [happens, lambda: time.sleep(STALL_S)]

    def report(progress):
        """A disk that stands still for longer than the recorder can bear; what happens to the pass comes later."""
        done, lost = progress.done_samples, device.facts.lost
        if (done and len(coming) == 2) or (
            coming and lost and done > lost[0].start_samples + lost[0].length_samples + ON_S * RATE
        ):
            coming.pop()()

    with pytest.raises(raised):
        capture(session, device, deck, Plan.of(loop=True), report)

    opened = Session.open(session.path)
    assert opened.check() == []
    (kept,) = opened.takes(complete=False)
    assert (kept.state, len(kept.faults)) == ("interrupted", 1)
    assert kept.faults[0].startswith(fault)
    assert (kept.samples, kept.clock_hz) == (device.facts.samples, device.facts.clock_hz)
    told = [re.fullmatch(r"(\d+) samples lost at (\d+)", flag) for flag in kept.flags]
    gaps = [Gap(int(words[2]), int(words[1])) for words in told if words]
    assert gaps
    assert sum(gap.length_samples for gap in gaps) > 0.3 * RATE
    with opened.take(kept.id)[1] as audio:
        returned = audio.read(0, audio.samples)
    sent = opened.stimulus()[1].read(0, audio.samples)
    there = np.ones(audio.samples, dtype=bool)
    delay = int(np.argmax(returned[:, 1] != 0.0)) - int(np.argmax(sent[:, 1] != 0.0))
    for gap in gaps:
        after = gap.start_samples + gap.length_samples
        assert not returned[gap.start_samples : after].any()
        there[gap.start_samples : after + delay] = False  # it was not played either
    there[:delay] = False
    at = np.flatnonzero(there)
    assert at[-1] > gaps[0].start_samples + gaps[0].length_samples  # and it went on
    assert np.array_equal(returned[at], sent[at - delay].astype(np.float32))
