"""The motion of a deck in every pass that was made alike: what a transport generator is fitted to."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from analysis.alignment import Alignment, align_take
from analysis.take import Take
from analysis.timebase import Timebase
from modeling.aligned import returned_channels
from modeling.card import Source
from sessions.manifest import TakeRecord
from sessions.store import Session
from signals.errors import SignalError


def aligned_passes(
    session: Session, progress: Callable[[str], None] = lambda _: None, dbx: str = "off"
) -> dict[str, list[Alignment]]:
    """Time bases of all play passes (else passes in a loop) in a position of the dbx switch, by take.

    One that cannot be had is left out.
    """
    known = {}
    for record in session.takes("play") or session.takes("loop"):
        if _conditions(record)["dbx"] == dbx:
            sheet, sent = session.stimulus(record.stimulus or "main")
            inputs = returned_channels(sheet, record)
            with suppress(SignalError):
                progress(f"aligning take {record.id}")
                known[record.id] = list(align_take(sent, session.take(record.id)[1], sheet, inputs, progress))
    return known


def motions_of(session: Session, source: Source, known: Mapping[str, Sequence[Alignment]]) -> list[Timebase]:
    """Motion of each pass that was made as that which a model learns from; all tracks of a pass share it.

    Parameters
    ----------
    known : mapping
        Time bases by take.
    """
    takes = {record.id: record for record in session.takes()}
    first = takes[source.take]
    alike = [
        take
        for name, take in takes.items()
        if known.get(name) and take.stimulus == first.stimulus and _conditions(take) == _conditions(first)
    ]
    return [_running(session, take, known[take.id][0]) for take in alike]


def _running(session: Session, record: TakeRecord, alignment: Alignment) -> Timebase:
    """The trajectory between start and end marker, where the tape ran without a loss; elsewhere it is drawn out, and calmer."""
    sheet, _ = session.stimulus(record.stimulus or "main")
    start_s, stop_s = Take(session.take(record.id)[1], sheet, alignment, {}).longest_s()
    return alignment.base.between(start_s, stop_s)


def _conditions(take: TakeRecord) -> dict[str, str | int | float]:
    """A switch that is not spoken of is off."""
    return {"dbx": "off", **take.conditions}
