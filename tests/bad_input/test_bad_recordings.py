"""What a user can get wrong with recordings and pairs: it is told in one line, and nothing is changed."""

import numpy as np
import pytest

from tests.bad_input.material import RATE, SHORT, music, save


def with_gap(array):
    return np.concatenate([array[: 20 * RATE], np.zeros((60 * RATE, 2)), array[20 * RATE : 30 * RATE]])


RECORDINGS = {
    "wrong sample rate": (
        lambda a: a,
        {"rate": 44100},
        "has a sample rate of 44100 Hz; the stimulus has 48000 Hz: record at",
    ),
    "too few bits": (lambda a: a, {"subtype": "PCM_16"}, "has 16 bits; at least 24 bits are needed: record to a WAV"),
    "mono": (lambda a: a[:, :1], {}, "has 1 channel(s); 2 are needed: record all returns into one file"),
    "silence": (lambda a: 0.0 * a, {}, "its peak is -200 dBFS and at least -80 dBFS are needed; check cables"),
    "clipping": (lambda a: np.clip(8.0 * a, -1, 1), {}, "no sample may stay at full scale (0 dBFS); lower the input level"),
    "cut at the end": (lambda a: a[: 40 * RATE], {}, "is cut: 38.0 s of the take are there, its end marker comes 7"),
    "cut at the start": (
        lambda a: a[10 * RATE :],
        {},
        "s searched): it comes in at another input (check the cables), is another recording, begins",
    ),
    "tape stopped": (
        with_gap,
        {},
        "is missing: the tape stopped for a while, was edited or runs unevenly; record again without a pause",
    ),
    "swapped": (lambda a: a[:, ::-1], {}, "arrives on channel 2, where the pilot of track 4 is expected"),
    "half speed": (lambda a: np.repeat(a, 2, axis=0), {}, "plays at 0.50 times the speed it was recorded at; 0.78 to 1.28"),
    "other sound": (lambda a: np.stack([music(30.0)] * 2, axis=1), {}, "holds no start marker (30.0 s searched)"),
    "no samples": (lambda a: a[:0], {}, "holds a header but no samples; record or copy it again"),
}


@pytest.mark.parametrize("case", RECORDINGS)
def test_a_recording_that_is_no_take(refused, planned, sent, tmp_path, case):
    make, how, said = RECORDINGS[case]
    refused(said, "import", planned, save(tmp_path / "bad.wav", make(sent), **how))


def test_a_recording_of_another_session(command, refused, planned, folder, tmp_path):
    other = tmp_path / "other"
    assert command("stimulus", other, "--pilot-track", 4, "--music", folder / "music.wav", *SHORT).status == 0
    said = "belongs to another session: its tape says"
    assert (
        "import it into the session it was planned with" in refused(said, "import", planned, other / "stimuli/main.wav").err
    )


def test_a_recording_that_lost_its_end_in_copying(refused, planned, tmp_path):
    whole = (planned / "stimuli/main.wav").read_bytes()
    (tmp_path / "bad.wav").write_bytes(whole[:6_000_000])
    refused("is cut: ", "import", planned, tmp_path / "bad.wav")


@pytest.mark.parametrize(
    ("name", "contents", "said"),
    [
        ("missing.wav", None, "does not exist; check the name"),
        ("empty.wav", b"", "is empty (0 bytes); record or copy it again"),
        ("text.wav", b"no sound at all", "cannot be opened: Format not recognised; give a complete WAV"),
        ("header.wav", b"RIFF\x24\x00\x00\x00WAVEfmt ", "cannot be opened"),
    ],
)
def test_a_file_that_is_no_sound(refused, planned, paired, tmp_path, name, contents, said):
    if contents is not None:
        (tmp_path / name).write_bytes(contents)
    refused(said, "import", planned, tmp_path / name)
    refused(said, "render", paired / "models/linear", tmp_path / name, tmp_path / "out.wav")
    refused(said, "stimulus", tmp_path / "new", "--music", tmp_path / name)
    assert not (tmp_path / "new").exists()


def test_one_bad_recording_among_good_ones(refused, planned, sent, tmp_path):
    good, bad = save(tmp_path / "good.wav", 0.5 * sent), save(tmp_path / "bad.wav", sent[: 40 * RATE])
    refused("bad.wav is cut", "import", planned, good, bad)


# Pairs


@pytest.mark.parametrize(
    ("dry", "wet", "said"),
    [
        ("dry.wav", "missing.wav", "does not exist"),
        ("dry.wav", "44100.wav", "a pair needs one rate: export both at the same one"),
        ("8000.wav", "8000.wav", "8000 Hz; at least 16000 Hz is needed"),
        ("six.wav", "mono.wav", "has 6 channels and"),
        ("silent.wav", "mono.wav", "is silent: its peak is below -80 dBFS"),
        ("music.wav", "mono.wav", "they may differ by a factor of 1.5"),
    ],
)
def test_files_that_are_no_pair(refused, places, dry, wet, said):
    files = ("--dry", places["folder"] / dry, "--wet", places["folder"] / wet)
    refused(said, "import", places["new"], *files)
    assert not places["new"].exists()
    refused(said, "import", places["paired"], *files)


def test_files_that_have_nothing_in_common(command, refused, folder, tmp_path):
    session = tmp_path / "strangers"
    assert command("import", session, "--dry", folder / "dry.wav", "--wet", folder / "stranger.wav").status == 0
    refused("check that they belong together", "measure", session)
    refused("check that they belong together", "train", session)


def test_a_pair_that_is_too_short_to_learn_from(command, refused, tmp_path):
    dry = music(2.5)
    save(tmp_path / "dry.wav", dry), save(tmp_path / "wet.wav", 0.5 * dry)
    session = tmp_path / "short"
    assert command("import", session, "--dry", tmp_path / "dry.wav", "--wet", tmp_path / "wet.wav").status == 0
    refused("give a longer recording", "train", session)
