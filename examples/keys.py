"""Work the keys of the virtual deck: a mix from the busses, an overdub, a stop, and a tone without and with scrape flutter.

    python examples/keys.py FOLDER

It writes a WAV file of each into the folder. PYTHONPATH names the folder of tape.
"""

# ruff: noqa: T201
import sys
from pathlib import Path

import numpy as np
from scipy.io import wavfile

from modeling.deck.deck import VirtualDeck, transfer
from modeling.deck.parameters import load_parameters
from modeling.deck.routing import Faders, Function

RATE = 48_000
REFERENCE_DBFS = -18.0
SECONDS = 2.0
TONES_HZ = (220.0, 277.2, 329.6, 440.0)

folder = Path(sys.argv[1])
time_s = np.arange(round(SECONDS * RATE)) / RATE
four = 10.0 ** (REFERENCE_DBFS / 20.0) * np.sin(2.0 * np.pi * np.outer(time_s, TONES_HZ))
silence = np.zeros_like(four)


def write(name: str, heard: np.ndarray) -> None:
    """Save what is heard."""
    wavfile.write(folder / f"{name}.wav", RATE, heard.astype(np.float32))
    print(f"{name}.wav, {heard.shape[1]} tracks, {heard.shape[0] / RATE:.1f} s")


worn = load_parameters("neglected").changed({"transport.stop_ms": 800.0, "transport.rewind_max_s": 0.3})
deck = VirtualDeck(worn, RATE, REFERENCE_DBFS, seed=1)
deck.arm({1: Function.BUSS, 2: Function.BUSS}, Faders(pan=(-1.0, 1.0, -0.5, 0.5), master_db=-3.0))
write("mix", deck.process(four))
deck.arm([3], overdub=True)
write("overdub", deck.process(four))
deck.play(1)
played = deck.process(silence[:RATE])
deck.stop()
write("stop", np.concatenate([played, deck.process(silence)]))
deck.close()

tone = 0.1 * np.sin(2.0 * np.pi * 6000.0 * time_s)[:, None]
steady = load_parameters("fresh")
scraping = steady.changed({"transport.scrape_percent": 0.5, "transport.scrape_span_mm": 280.0})
write("scrape", np.concatenate([transfer(deck, tone, RATE, REFERENCE_DBFS, 1) for deck in (steady, scraping)]))
