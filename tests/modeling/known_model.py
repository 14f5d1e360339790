"""A model that nobody trained: gain, wow of one line and white hiss as told, so that what it makes of a sound is known."""

import numpy as np

from modeling.card import Card, Seconds, Source
from modeling.cores.linear import LinearCore
from modeling.generators.lines import Lines
from modeling.generators.noise import NoiseGenerator
from modeling.generators.shaped import Shaped
from modeling.generators.transport import TransportGenerator
from modeling.model import Model, digest, save, weights_of

RATE = 48000


def known_model(folder, *, taps=(0.5,), wow=0.002, wow_hz=4.0, hiss=1e-4, rate=RATE):
    """Save such a model into a new folder and give the folder back; `wow` is the peak of the speed deviation."""
    core = LinearCore(np.array(taps), 0, rate, -18.0)
    transport = TransportGenerator(Lines(np.array([wow_hz]), np.array([wow])), np.array([0.3, 1.0]), np.zeros(1))
    shape = np.zeros(256)
    shape[128] = hiss
    noise = NoiseGenerator(Shaped(shape), Lines(np.zeros(0), np.zeros(0)), rate)
    card = Card(
        name=folder.name,
        created="2025-11-21T20:14:05+00:00",
        tool_version="0.1.0",
        core="linear",
        core_settings=core.settings(),
        sample_rate=rate,
        reference_dbfs=-18.0,
        look_ahead_samples=0,
        sources=[Source(session="s", take="play-1", track=1, conditions={"dbx": "off", "speed_cm_s": 9.5})],
        seconds=Seconds(train=1.0, validation=1.0, test=1.0),
        split="none",
        evaluation=None,
        trained=False,
        training={},
        transport_rms_percent=None,
        noise_dbfs=None,
        weights_sha256=digest(weights_of(core, transport, noise)),
    )
    save(Model(card, core, transport, noise), folder)
    return folder
