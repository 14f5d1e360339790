"""A model that nobody trained: gain, wow of one line and white hiss as told, so that what it makes of a sound is known."""

import numpy as np

from modeling.assembly import joined
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
    save(known(folder.name, taps=taps, wow=wow, wow_hz=wow_hz, hiss=hiss, rate=rate), folder)
    return folder


def known_family(folder, gains, *, wow=0.0, hiss=0.0, taps=64):
    """The same of a model of several settings, each with a gain of its own: pairs of setting and gain; hiss of all, or of each."""
    members = []
    for (setting, gain), hiss_of_it in zip(gains, np.broadcast_to(hiss, len(gains)).tolist(), strict=True):
        h = np.zeros(taps)
        h[8] = gain
        conditions = {"dbx": "off", "speed_cm_s": 9.5, **setting}
        reference_dbfs = -18.0 - setting.get("level_db", 0.0)
        members.append(
            known(
                folder.name, taps=h, ahead=8, wow=wow, hiss=hiss_of_it, conditions=conditions, reference_dbfs=reference_dbfs
            )
        )
    save(joined(members, [setting for setting, _ in gains], None), folder)
    return folder


def known(name, *, taps, ahead=0, wow=0.0, wow_hz=4.0, hiss=0.0, rate=RATE, conditions=None, reference_dbfs=-18.0):
    core = LinearCore(np.array(taps), ahead, rate, reference_dbfs)
    transport = TransportGenerator(Lines(np.array([wow_hz]), np.array([wow])), np.array([0.3, 1.0]), np.zeros(1))
    shape = np.zeros(256)
    shape[128] = hiss
    noise = NoiseGenerator(Shaped(shape), Lines(np.zeros(0), np.zeros(0)), rate)
    conditions = conditions or {"dbx": "off", "speed_cm_s": 9.5}
    card = Card(
        name=name,
        created="2025-11-21T20:14:05+00:00",
        tool_version="0.1.0",
        core="linear",
        core_settings=core.settings(),
        sample_rate=rate,
        reference_dbfs=reference_dbfs,
        look_ahead_samples=ahead,
        sources=[Source(session="s", take="play-1", track=1, conditions=conditions)],
        seconds=Seconds(train=1.0, validation=1.0, test=1.0),
        split="none",
        evaluation=None,
        trained=False,
        training={},
        transport_rms_percent=None,
        noise_dbfs=None,
        weights_sha256=digest(weights_of(core, transport, noise)),
    )
    return Model(card, core, transport, noise)
