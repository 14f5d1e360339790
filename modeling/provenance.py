"""What a model card says of where a model comes from, and how far it reaches."""

from collections.abc import Collection, Sequence

import numpy as np

from modeling.card import Source
from modeling.pairs import Pair, select
from sessions.store import MEASUREMENTS, Session
from signals.levels import METER_S

LEAST_LEVEL_S = 0.1
"""So much of the material must reach a level before it counts as learnt."""
NEVER_MADE = (
    "Mean speed and its drift, dropouts, print-through and crosstalk are no part of the model; "
    "every channel goes through the same core."
)


def with_digests(source: Source, session: Session, others: Collection[str] = ()) -> Source:
    """A source that names the files it was read from, with the digests that the session keeps of them.

    Parameters
    ----------
    others : collection of str
        Ids of takes that told of motion, noise and floor beside the one that was learnt from.
    """
    names = []
    for take in session.takes():
        if take.id == source.take or take.id in others:
            names += [f"takes/{take.id}/returned.wav", f"takes/{take.id}/sent.wav", f"stimuli/{take.stimulus}.wav"]
    if source.conditions.get("dbx", "off") != "off":
        names.append(MEASUREMENTS)  # where the constants of the compander are from
    known = session.manifest.files
    return source.model_copy(update={"files": {name: known[name].sha256 for name in names if name in known}})


def limits_of(
    sources: Sequence[Source],
    loudest: float,
    *,
    trained: bool,
    moves: bool,
    hisses: bool,
    modulates: bool,
) -> list[str]:
    """What a model does not know, a sentence each.

    Parameters
    ----------
    sources : sequence of Source
        What it learnt from.
    loudest : float
        See :func:`loudest_db`.
    trained : bool
        Whether it beats the linear filter.
    moves, hisses, modulates : bool
        Whether it has wow and flutter, noise, and modulation noise, of its own.
    """
    position = sources[0].conditions.get("dbx")
    like = [source for source in sources if source.conditions.get("dbx") == position]
    plain = [source for source in sources if source not in like]
    between = f"; what lies between the halves of the compander from {' and '.join(map(_where, plain))}" if plain else ""
    said = [f"Learnt from {' and '.join(map(_where, like))}{between}; what other settings do it was not told."]
    level = f"{loudest:+z.0f}".replace("+0", "0")
    said.append(f"The loudest passages it learnt from read {level} dB re 0 VU on a 0.3 s meter; what is louder is a guess.")
    if not trained:
        said.append("It is no better than the linear filter and counts as untrained.")
    if not moves:
        said.append("It has no wow and flutter: the motion was known for less than 5 s.")
    if not hisses:
        said.append("It has no hiss: no silent tape was recorded, or less than a second of it.")
    elif not modulates:
        said.append("It has no modulation noise: no steady tone told of it, without dbx, loud enough and of 900 Hz or more.")
    return [*said, NEVER_MADE]


def _where(source: Source) -> str:
    """Which take of which track, and how it was made."""
    where = [f"dbx {source.conditions['dbx']}"] if "dbx" in source.conditions else []
    where = [f"{source.conditions['speed_cm_s']} cm/s", *where] if "speed_cm_s" in source.conditions else where
    track = "" if source.track is None else f"track {source.track} of "
    return f"{track}take '{source.take}'" + "".join(f", {words}" for words in where)


def loudest_db(pairs: Sequence[Pair], reference_dbfs: float) -> float:
    """Highest reading of a 0.3 s RMS meter over the training material, re a sine at 0 VU; all but the loudest 0.1 s."""
    readings = [np.zeros(0)]
    for pair in select(pairs, "train"):
        length = round(METER_S * pair.sample_rate)
        total = np.concatenate([[0.0], np.cumsum(np.where(pair.mask, pair.dry.astype(np.float64), 0.0) ** 2)])
        readings.append((total[length:] - total[:-length]) / length)
    power = np.concatenate(readings)
    if not power.size:
        return float("-inf")
    rank = min(power.size - 1, round(LEAST_LEVEL_S * pairs[0].sample_rate))
    return (
        10.0 * float(np.log10(2.0 * np.partition(power, power.size - 1 - rank)[power.size - 1 - rank] + 1e-20))
        - reference_dbfs
    )
