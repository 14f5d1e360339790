"""Which interface a user means, and what one that is there refuses; names are those that real systems list."""

import subprocess
import sys
from ctypes.util import find_library
from pathlib import Path

import pytest

from capture import portaudio
from capture.interfaces import Interface, choose
from signals.errors import DeviceError
from tests.conftest import environment

ALSA = "ALSA"
LINUX = (
    Interface(0, "HDA Intel PCH: ALC257 Analog (hw:0,0)", ALSA, 2, 2),
    Interface(1, "Scarlett 2i2 USB: Audio (hw:1,0)", ALSA, 2, 2),
    Interface(2, "Scarlett 18i20 USB: Audio (hw:2,0)", ALSA, 18, 20),
    Interface(3, "HDMI 0", ALSA, 0, 8),
    Interface(4, "Scarlett 2i2 USB: Audio (hw:1,0)", "JACK Audio Connection Kit", 2, 2),
)
WINDOWS = (
    Interface(0, "Microphone (Focusrite USB Audio)", "MME", 2, 0),
    Interface(1, "Speakers (Focusrite USB Audio)", "MME", 0, 2),
    Interface(2, "Microphone (Focusrite USB Audio)", "Windows WASAPI", 2, 0),
    Interface(3, "Speakers (Focusrite USB Audio)", "Windows WASAPI", 0, 2),
)


@pytest.mark.parametrize(
    ("meant", "listed", "recording", "playing"),
    [
        ("1", LINUX, 1, 1),
        ("Scarlett 2i2 USB: Audio (hw:1,0)", LINUX, 1, 1),
        ("scarlett 2i2", LINUX, 1, 1),
        ("18i20", LINUX, 2, 2),
        ("Scarlett 2i2 USB: Audio (hw:1,0), JACK Audio Connection Kit", LINUX, 4, 4),
        ("0,3", LINUX, 0, 3),
        ("focusrite", WINDOWS, 2, 3),
        ("2", WINDOWS, 2, 3),
        ("1", WINDOWS, 0, 1),
    ],
)
def test_an_interface_is_found(meant, listed, recording, playing):
    found = choose(meant, listed)
    assert (found.recording.index, found.playing.index) == (recording, playing)


@pytest.mark.parametrize(
    ("meant", "listed", "said"),
    [
        ("Scarlet 2i2", LINUX, "'Scarlett 2i2 USB: Audio (hw:1,0)'"),
        ("Minifuse", LINUX, "see 'tape devices'"),
        ("", LINUX, "see 'tape devices'"),
        ("scarlett", LINUX, "could be any of 1 'Scarlett 2i2 USB: Audio (hw:1,0)', 2 'Scarlett 18i20"),
        ("5", LINUX, "from 0 to 4"),
        ("HDMI", LINUX, "has no inputs"),
        ("anything", (), "no audio interface is there"),
    ],
)
def test_an_interface_that_is_not_found_is_told_in_one_line(meant, listed, said):
    with pytest.raises(DeviceError) as refused:
        choose(meant, listed)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_rate_below_that_of_a_session_is_refused_before_anything_is_asked():
    with pytest.raises(DeviceError, match=r"44100 Hz .* use one of 48000, 88200, 96000, 192000 Hz with --rate"):
        portaudio.settle("whatever", 44_100, [0], [0])


def test_interfaces_are_listed_as_they_are(jack_at):
    jack_at(48000).deck("unity")
    (deck,) = [entry for entry in portaudio.interfaces() if entry.name == "Virtual Deck"]
    assert (deck.host_api, deck.inputs, deck.outputs, deck.rates) == ("JACK Audio Connection Kit", 4, 4, (48000,))
    assert sum(entry.default_input for entry in portaudio.interfaces()) == 1


@pytest.mark.parametrize(
    ("device", "rate", "outputs", "inputs", "said"),
    [
        ("Virtual Dekc", 48000, [0], [0], "'Virtual Deck'"),
        ("Virtual Deck", 96000, [0], [0], "does not run at 96000 Hz but at 48000 Hz"),
        ("Virtual Deck", 48000, [0, 4], [0], "has 4 output(s) and output 5 was asked for"),
        ("Virtual Deck", 48000, [0], [7], "has 4 input(s) and input 8 was asked for"),
        ("Virtual Deck", 48000, [1, 1], [0], "Channels 2, 2 cannot be the outputs"),
        ("Virtual Deck", 48000, [0], [], "Channels none cannot be the inputs"),
        ("Virtual Deck", 48000, [-1], [0], "Channels 0 cannot be the outputs"),
    ],
)
def test_what_an_interface_cannot_do_is_told_in_one_line(jack_at, device, rate, outputs, inputs, said):
    jack_at(48000).deck("unity")
    with pytest.raises(DeviceError) as refused:
        portaudio.settle(device, rate, outputs, inputs)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


ASK = """
from capture.portaudio import interfaces
if __name__ == "__main__":
    try:
        interfaces()
    except Exception as error:
        print(f"{type(error).__name__}: {error}")
"""


def test_a_missing_library_is_told_with_the_remedy(tmp_path):
    """In a mount namespace of its own, where the library's file is empty."""
    libraries = [*Path("/usr/lib").glob("*/libportaudio.so.2"), *Path("/usr/lib64").glob("libportaudio.so.2")]
    if not libraries or subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
        pytest.skip("needs libportaudio2, and the right to hide it (root on Linux)")
    script = tmp_path / "ask.py"
    script.write_text(ASK)
    hidden = " && ".join(f"mount --bind /dev/null {library.resolve()}" for library in libraries)
    line = ["unshare", "-m", "sh", "-c", f"{hidden} && exec {sys.executable} {script}"]
    done = subprocess.run(line, capture_output=True, text=True, env=environment(), check=True)
    assert done.stdout.startswith("DeviceError: The PortAudio library")
    assert done.stdout.endswith("install it: apt-get install libportaudio2\n")


def asked_with(tmp_path, configuration, script):
    """What a script says where ALSA is configured so, beside what the system says."""
    system = Path("/usr/share/alsa/alsa.conf")
    if not system.exists() or find_library("portaudio") is None:
        pytest.skip("needs ALSA and libportaudio2")
    (tmp_path / "alsa.conf").write_text(configuration)
    (tmp_path / "ask.py").write_text(script)
    how = {**environment(), "ALSA_CONFIG_PATH": f"{system}:{tmp_path / 'alsa.conf'}", "JACK_NO_START_SERVER": "1"}
    done = subprocess.run([sys.executable, tmp_path / "ask.py"], capture_output=True, text=True, env=how, check=True)
    return done.stdout


def test_a_sound_system_that_does_not_start_is_told_in_one_line(tmp_path):
    said = asked_with(tmp_path, "pcm.broken {", ASK)
    assert said.startswith("DeviceError: The sound system cannot be reached (Error initializing PortAudio")
    assert said.endswith("restart the sound server, and mend what is wrong in .asoundrc where there is one.\n")
    assert said.count("\n") == 1


# An interface that can be opened when PortAudio lists it, and then no longer.
TAKEN = "pcm.taken { type copy slave.pcm { @func getenv vars [ TAKEN ] default null } hint { show on description Taken } }"
ASK_TAKEN = """
import os
from capture import portaudio
from signals.errors import DeviceError

portaudio._listed()
os.environ["TAKEN"] = "nothing"
try:
    portaudio._settle("taken", 48000, (0,), (0,))
except DeviceError as error:
    print(error)
(taken,) = [entry for entry in portaudio._with_rates() if entry.name == "taken"]
print(taken.rates, taken.refusal)
"""


def test_an_interface_that_cannot_be_opened_now_is_not_said_to_lack_a_rate(tmp_path):
    told, listed = asked_with(tmp_path, TAKEN, ASK_TAKEN).splitlines()
    assert told.startswith("'taken' cannot be opened at 48000 Hz (")
    assert "; close other programs that use it" in told
    assert listed.startswith("() ")
    assert listed[3:] in told


def test_sounddevice_is_loaded_by_nobody_who_only_imports():
    line = "import sys, tape, capture.recorder, capture.portaudio; assert 'sounddevice' not in sys.modules"
    subprocess.run([sys.executable, "-c", line], env=environment(), check=True)
