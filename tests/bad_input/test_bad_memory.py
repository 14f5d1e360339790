"""Not enough memory: one line with the remedy, and nothing half-written."""

import numpy as np
import pytest

from modeling import render
from modeling.cores.hammerstein import HammersteinCore
from reports import measuring


def more_than_there_is(*_, **__):
    return np.ones(1 << 50)


@pytest.mark.parametrize(
    ("place", "name", "arguments"),
    [
        (HammersteinCore, "fit", ("train", "{paired}", "--json")),
        (render._Chain, "push", ("render", "{model}", "{folder}/dry.wav", "{new}.wav")),
        (measuring, "measure_session", ("measure", "{paired}")),
    ],
    ids=["train", "render", "measure"],
)
def test_too_little_memory_is_told(refused, places, monkeypatch, place, name, arguments):
    monkeypatch.setattr(place, name, more_than_there_is)
    done = refused("there is not enough memory: ", *(argument.format(**places) for argument in arguments))
    assert "close other programs, or give less material" in done.refusal
