"""``tape devices`` and ``tape capture`` through PortAudio, as a script runs them."""

import json

import numpy as np
import pytest

from sessions.store import Session
from sessions.wave import write_wave
from signals.audio import ArrayAudio

ALONE = ("--quick", "--levels", "0:0:1", "--yes", "--loop", "--passes", 1)


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    """Six seconds of noise, so that a stimulus is short."""
    path = tmp_path_factory.mktemp("music") / "short.wav"
    write_wave(path, ArrayAudio(0.1 * np.random.default_rng(3).standard_normal((6 * 48000, 1)), 48000), "pcm24")
    return ("--music", path)


@pytest.fixture
def unity(jack_at):
    """A function that switches on a deck that returns what it is sent."""

    def at(*options):
        deck = jack_at(48000).deck("unity", *options)
        deck.freewheel(True)
        return deck

    return at


def test_devices_are_listed_with_what_they_can_do(jack_at, command):
    jack_at(48000).deck("unity")
    listed = command("devices")
    assert listed.status == 0
    (line,) = [line for line in listed.out.splitlines() if "Virtual Deck" in line]
    assert line.split("Virtual Deck")[1].split() == ["JACK", "Audio", "Connection", "Kit", "4", "4", "48000"]
    entries = json.loads(command("devices", "--json").out)["devices"]
    (entry,) = [entry for entry in entries if entry["name"] == "Virtual Deck"]
    assert (entry["inputs"], entry["outputs"], entry["rates"]) == (4, 4, [48000])


def test_one_pass_through_a_loop(unity, command, tmp_path, music):
    unity("--delay", 480)
    session = tmp_path / "s"
    wires = ("--device", "virtual deck", "--pilot-track", 4, "--outputs", "2,3", "--inputs", "2,3")
    done = command("capture", session, *wires, *ALONE, *music)
    assert done.status == 0, done.err
    assert "loop-1: markers found, level +0.0 dB re sent, speed" in done.err.replace("-0.0 dB", "+0.0 dB")
    assert done.out.splitlines()[-1] == f"next: tape measure {session}"
    opened = Session.open(session)
    (take,) = opened.takes(complete=False)
    assert (take.id, take.state, take.flags, take.faults, take.inputs) == ("loop-1", "complete", (), (), {0: 1, 1: 4})
    sheet, sent = opened.stimulus()
    _, returned = opened.take("loop-1")
    # JACK passes a block on in a later cycle: a whole number of periods, and the deck's delay.
    start = sheet.of_kind("marker_start")[0].start_samples
    wave, back = sent.read(start, start + 4800), returned.read(0, sent.samples)
    (delay,) = [d for d in (k * 1024 + 480 for k in range(5)) if (abs(back[start + d :][:4800] - wave) < 1e-6).all()]
    assert (abs(returned.read(delay, sent.samples) - sent.read(0, sent.samples - delay)) < 1e-6).all()
    settings = opened.manifest.interface.settings
    assert (settings["outputs"], settings["inputs"], settings["passes"]) == ("2,3", "2,3", 1)
    again = command("capture", session, "--device", "virtual deck", "--yes", "--loop")  # with the outputs it was begun with
    assert again.status == 0, again.err
    assert Session.open(session).manifest.takes == opened.manifest.takes
    for changed, words in (
        (("--loop", "--inputs", "1,3"), "was begun with inputs 2,3 of the interface, not 1,3; go on with --inputs 2,3"),
        (("--loop", "--device", "system"), "was begun with 'Virtual Deck', not 'system'; go on with that one"),
        ((), "was begun with --loop; go on with --loop, or name a new session"),
        (("--loop", "--tracks", "2"), "--tracks 2 contradicts "),
        (("--loop", "--speed", "4.8"), "which was planned with 9.5; leave --speed out"),
    ):
        refused = command("capture", session, "--device", "virtual deck", *changed, "--yes", "--passes", 2)
        assert (refused.status in (1, 2), words in refused.refusal) == (True, True), refused.err
    assert opened.check() == []


@pytest.mark.parametrize(
    ("deck", "wires", "words"),
    [
        (("--gain-db", 40), (), "clipped"),
        pytest.param(("--gain-db", -160), (), "is silent", marks=pytest.mark.slow),
        pytest.param((), ("--inputs", "2,1"), "channel 2", marks=pytest.mark.slow),
    ],
)
def test_what_cannot_be_used_is_kept_and_does_not_count(unity, command, tmp_path, music, deck, wires, words):
    unity(*deck)
    session = tmp_path / "s"
    done = command("capture", session, "--device", "virtual deck", "--pilot-track", 4, *wires, *ALONE, *music)
    assert (done.status, words in done.refusal) == (1, True), done.err
    opened = Session.open(session)
    (kept,) = opened.takes(complete=False)
    assert kept.state == "interrupted"
    assert words in kept.faults[0]
    assert opened.check() == []


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("--device", "virtul dek"), 1, "No audio interface is called 'virtul dek'; there is 'Virtual Deck'"),
        (("--device", "17"), 1, "There is no interface 17; the list goes from 0 to 1"),
        (("--device", "virtual deck", "--outputs", "9"), 1, "has 4 output(s) and output 9 was asked for"),
        (("--device", "virtual deck", "--inputs", "5"), 1, "has 4 input(s) and input 5 was asked for"),
        (("--device", "virtual deck", "--outputs", "1,2"), 2, "--outputs '1,2' names 2 channel(s) and the stimulus has 1"),
        (("--device", "virtual deck", "--outputs", "one"), 2, "'one' is no list of channels; write it as 1,2"),
        (("--device", "virtual deck", "--outputs", "0"), 2, "channels are numbered from 1"),
        (("--device", "virtual deck", "--rate", "44100"), 1, "44100 Hz is no sample rate of a session; use one of 48000"),
        (("--device", "virtual deck", "--rate", "96000"), 1, "does not run at 96000 Hz but at 48000 Hz"),
        (("--device", "virtual deck", "--levels", "0:40:10"), 1, "dBFS"),
        (("--device", "virtual deck", "--levels", "-10:x:1"), 2, "is no ladder; write it as LO:HI:STEP"),
        (("--device", "virtual deck", "--cassette", "C-61"), 1, "cassette 'C-61' is not known"),
        (("--device", "virtual deck", "--tracks", "1,5"), 1, "there is no track 5 on a Tascam"),
        (("--device", "virtual deck", "--loop", "--dbx", "off,on"), 2, "--loop has no tape"),
        (("--device", "virtual deck", "--dbx", "offf"), 2, "'offf' is no position of the dbx switch"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_written(jack_at, command, tmp_path, arguments, status, words):
    jack_at(48000).deck("unity")
    done = command("capture", tmp_path / "s", *arguments, "--yes")
    assert (done.status, words in done.refusal) == (status, True), done.err
    assert not (tmp_path / "s").exists()


def test_nobody_can_be_asked_where_there_is_no_terminal(command, tmp_path):
    done = command("capture", tmp_path / "s", "--device", "anything")
    assert done.status == 2
    assert done.refusal.endswith("run this in a terminal, or add --yes")


@pytest.mark.parametrize(
    "arguments", [("--levels",), ("--levels", "-20:0:10"), ("--quick", "--levels"), ("--levels", "--quick")]
)
def test_levels_may_stand_alone(command, tmp_path, arguments):
    session = tmp_path / "s"
    done = command("capture", *arguments, session, "--device", "virtual:nowhere")
    assert done.status == 1
    assert "nowhere" in done.refusal  # the ladder was understood
