"""Files for listening: excerpts of deck, model and plain filter at one loudness, laid out as a MUSHRA test.

The reference, which is the deck, also hides among the conditions (webMUSHRA puts it there by itself); the low anchor is the
reference without what lies above 3.5 kHz.

References
----------
ITU-R BS.1534-3, "Method for the subjective assessment of intermediate quality level of audio systems", 5.1: reference and
anchors. webMUSHRA (audiolabs), configuration in YAML.
"""

import json
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.signal import fftconvolve, firwin, kaiserord

from modeling.held_out import Excerpt
from modeling.likeness import loudness_lufs
from sessions.wave import wave_bytes

MOST_EXCERPTS = 4
LONGEST_S = 10.0
SHORTEST_S = 1.0
LOUDNESS_LUFS = -23.0
PEAK_DBFS = -1.0
ANCHOR_PASS_HZ, ANCHOR_STOP_HZ, ANCHOR_STOP_DB = 3500.0, 4000.0, 60.0
FADE_S = 0.02
CONFIGURATION = "mushra.yaml"
RESOURCES = "configs/resources"
CONDITIONS = ("model", "filter", "anchor35")


def listening_files(excerpts: Sequence[Excerpt], name: str) -> dict[str, bytes]:
    """Sound files and configuration of a listening test by relative path; of excerpts shorter than 1 s there is none.

    Parameters
    ----------
    name : str
        Of the model; the folder goes to ``configs/resources/<name>`` of webMUSHRA, and its configuration to ``configs``.
    """
    files: dict[str, bytes] = {}
    pages: list[tuple[str, str]] = []
    for excerpt in excerpts:
        if excerpt.deck.size >= SHORTEST_S * excerpt.sample_rate:
            folder = f"{len(pages) + 1:02d}"
            pages.append((folder, excerpt.name))
            for condition, wave in _matched(excerpt).items():
                files[f"{folder}/{condition}.wav"] = wave_bytes(wave[:, None], excerpt.sample_rate, "pcm24")
    return files | ({CONFIGURATION: _configuration(name, pages).encode()} if pages else {})


def _matched(excerpt: Excerpt) -> dict[str, np.ndarray]:
    """Reference and conditions, all equally loud, none clipped."""
    sounds = {"reference": excerpt.deck, "model": excerpt.model, "filter": excerpt.plain_filter}
    sounds["anchor35"] = anchor(excerpt.deck, excerpt.sample_rate)
    at_0_lufs = {n: w * 10.0 ** (-loudness_lufs(w, excerpt.sample_rate) / 20.0) for n, w in sounds.items()}
    peak = max(float(np.max(np.abs(wave))) for wave in at_0_lufs.values())
    gain = min(10.0 ** (LOUDNESS_LUFS / 20.0), 10.0 ** (PEAK_DBFS / 20.0) / peak)
    length = round(FADE_S * excerpt.sample_rate)
    fade = np.minimum(1.0, np.arange(excerpt.deck.size) / length)
    return {n: gain * wave * fade * fade[::-1] for n, wave in at_0_lufs.items()}


def anchor(sound: np.ndarray, sample_rate: int) -> np.ndarray:
    """What is left of a sound below 3.5 kHz, shape and time kept."""
    taps, beta = kaiserord(ANCHOR_STOP_DB, (ANCHOR_STOP_HZ - ANCHOR_PASS_HZ) / (sample_rate / 2.0))
    middle_hz = (ANCHOR_PASS_HZ + ANCHOR_STOP_HZ) / 2.0
    lowpass = firwin(taps | 1, middle_hz, window=("kaiser", beta), fs=sample_rate)
    return np.asarray(fftconvolve(sound, lowpass, mode="same"))


def _configuration(name: str, pages: Sequence[tuple[str, str]]) -> str:
    """The test for webMUSHRA. A string in JSON is one in YAML too."""
    head: Mapping[str, object] = {
        "testname": f"{name} against its deck",
        "testId": f"tape-{name}",
        "bufferSize": 2048,
        "stopOnErrors": True,
        "showButtonPreviousPage": True,
        "remoteService": "service/write.php",
    }
    lines = [f"{key}: {json.dumps(value)}" for key, value in head.items()]
    lines += ["pages:", "  -", "    - random"]
    for folder, title in pages:
        place = f"{RESOURCES}/{name}/{folder}"
        entries: Mapping[str, object] = {
            "id": f"excerpt-{folder}",
            "name": title,
            "content": "How close does each come to the reference?",
            "showWaveform": True,
            "enableLooping": True,
            "reference": f"{place}/reference.wav",
            "createAnchor35": False,
            "createAnchor70": False,
        }
        lines += ["    - type: mushra", *(f"      {key}: {json.dumps(value)}" for key, value in entries.items())]
        lines += ["      stimuli:", *(f"        {c}: {json.dumps(f'{place}/{c}.wav')}" for c in CONDITIONS)]
    lines += ["  - type: finish", "    name: Thank you", "    content: That was all.", "    showResults: true"]
    return "\n".join([*lines, "    writeResults: true", ""])
