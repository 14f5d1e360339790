"""A model put together from what was learnt: core and generators, at one setting or at several, and the card that tells of them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from modeling.card import Card, Seconds, SettingCard
from modeling.config import Config
from modeling.cores.core import Core, Progress
from modeling.dataset import Dataset
from modeling.doubts import doubts_of
from modeling.evaluation import Evaluation
from modeling.generators.noise import NoiseGenerator
from modeling.generators.trial import noise_of, transport_of
from modeling.model import Family, Model, digest, family_weights, weights_of
from modeling.pairs import Pair, select
from modeling.provenance import limits_of, loudest_db
from modeling.settings import Setting
from sessions.manifest import now, tool_version

SETTLING_S = 0.5
"""After this a detector that began in silence reads the hiss of the tape: ten times the longest time constant that is usual."""


def assemble(
    dataset: Dataset,
    core: Core,
    evaluation: Evaluation,
    name: str,
    trained: bool,
    training: dict[str, str | int | float],
    log: bytes,
    config: Config,
    progress: Callable[[Progress], None],
) -> Model:
    """Join a core, the generators of what it learnt from, and the card that tells of them.

    Parameters
    ----------
    evaluation : Evaluation
        Of the core on held-out material.
    trained : bool
        Whether it beats the linear filter.
    training : dict
        Seed and budget, and what the fit took.
    log : bytes
        Contents of ``training.jsonl``.
    config : Config
        As it is kept in ``config.json``.
    """
    began: dict[str, float] = {}

    def learning(what: str, part: float) -> None:
        elapsed = time.monotonic() - began.setdefault(what, time.monotonic())
        progress(Progress(part, elapsed * (1.0 / part - 1.0) if part > 0.1 else None, what))

    transport, trials = transport_of(dataset.motions or [dataset.trajectory], config.transport, config.seed, learning)
    noise, heard = noise_of(dataset.silence, core.sample_rate, dataset.unevenness, config.noise, config.seed, learning)
    behind, silent = _behind(dataset, noise, core.sample_rate)
    loudest = loudest_db(dataset.pairs, dataset.reference_dbfs)
    card = Card(
        name=name,
        created=now(),
        tool_version=tool_version(),
        core=core.name,
        core_settings=core.settings(),
        companding=dataset.companding,
        sample_rate=core.sample_rate,
        reference_dbfs=core.reference_dbfs,
        look_ahead_samples=core.look_ahead_samples,
        sources=dataset.sources,
        seconds=Seconds(
            train=_seconds(select(dataset.taught, "train")),
            validation=_seconds(select(dataset.taught, "validation")),
            test=_seconds(select(dataset.pairs, "test")),
        ),
        split=dataset.split,
        evaluation=evaluation,
        trained=trained,
        training=training,
        transport_rms_percent=None if transport is None else transport.rms_percent,
        noise_dbfs=None if silent is None else silent.level_dbfs,
        modulation_db=None if noise is None else noise.modulation_db,
        loudest_db=loudest if np.isfinite(loudest) else None,
        weights_sha256=digest(weights_of(core, transport, noise, behind)),
        log_sha256=digest(log),
        config_sha256=digest(config.to_json()),
        generators=[*trials, *heard],
        limits=limits_of(
            dataset.sources,
            loudest,
            trained=trained,
            moves=transport is not None,
            hisses=silent is not None,
            modulates=noise is not None and noise.unevenness is not None,
        ),
        doubts=doubts_of(dataset),
    )
    return Model(card, core, transport, noise, behind)


def _behind(
    dataset: Dataset, noise: NoiseGenerator | None, sample_rate: int
) -> tuple[NoiseGenerator | None, NoiseGenerator | None]:
    """What comes behind a decoder, and what is heard in silence."""
    if dataset.behind is None:
        return None, noise
    silent = behind = NoiseGenerator.fit(dataset.behind, sample_rate)
    if dataset.silence is not None and dataset.companding is not None and behind is not None:
        decoder = dataset.companding.decoder(1, sample_rate, dataset.reference_dbfs)
        decoded = decoder.process((dataset.silence - dataset.silence.mean())[None])[0]
        quiet = NoiseGenerator.fit(decoded[round(SETTLING_S * sample_rate) :], sample_rate)
        behind = behind if quiet is None else behind.less(quiet)
    return behind, silent


def joined(members: Sequence[Model], settings: Sequence[Setting], evaluation: Evaluation | None) -> Family:
    """A model at several settings; of one alone it is that.

    Parameters
    ----------
    members : sequence of Model
        At each setting.
    evaluation : Evaluation or None
        Over all of them.
    """
    first = members[0].card
    if len(members) == 1:
        return Family(first, tuple(members))
    sources = [source for member in members for source in member.card.sources]
    own = {name for name in SettingCard.model_fields if name not in ("values", "sources")}
    cards, at = [], 0
    for member, setting in zip(members, settings, strict=True):
        count = len(member.card.sources)
        kept = {name: getattr(member.card, name) for name in own}
        cards.append(SettingCard(values=dict(setting), sources=list(range(at, at + count)), **kept))
        at += count
    card = first.model_copy(
        update={
            "core_settings": {},
            "companding": None,
            "look_ahead_samples": max(member.card.look_ahead_samples for member in members),
            "sources": sources,
            "seconds": Seconds(
                **{name: sum(getattr(m.card.seconds, name) for m in members) for name in Seconds.model_fields}
            ),
            "evaluation": evaluation,
            "trained": all(member.card.trained for member in members),
            "transport_rms_percent": None,
            "noise_dbfs": None,
            "modulation_db": None,
            "loudest_db": None,
            "generators": [],
            "limits": [],
            "doubts": [],
            "weights_sha256": digest(family_weights(members)),
            "settings": cards,
        }
    )
    return Family(card, tuple(replace(member, card=card.at(number)) for number, member in enumerate(members)))


def _seconds(pairs: Sequence[Pair]) -> float:
    return round(sum(pair.seconds for pair in pairs), 3)
