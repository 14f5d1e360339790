"""Sessions on disk compared: opened, put beside each other, and the report written where nothing stood."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reports.comparison.figures import Member
from reports.comparison.report import LETTERS, MOST_SESSIONS, build_comparison
from reports.header import ReportHeader
from sessions import calibration as calibrations
from sessions.disk import told_as_session_error, write_together
from sessions.names import refuse_program_folder
from sessions.store import Session
from signals.errors import UsageError

DEFAULT_NAME = "comparison.pdf"


def compare_sessions(paths: Sequence[Path], output: Path | None = None) -> Mapping[str, Any]:
    """Compare sessions and write the report.

    Parameters
    ----------
    paths : sequence of Path
        Two to six sessions that were measured; the first is what the others are compared with.
    output : Path, optional
        New file; by default ``comparison.pdf``, or ``comparison-2.pdf`` and so on, beside the first session.

    Returns
    -------
    mapping
        ``report``, the file written, beside the contents of the comparison.

    Raises
    ------
    UsageError
        A session is named twice, there are too many, or the file exists.
    SessionError
        A session was not measured, or the file cannot be written.
    """
    if len(paths) > MOST_SESSIONS:
        raise UsageError(f"{len(paths)} sessions are more than the {MOST_SESSIONS} that can be told apart; name fewer.")
    if len({path.resolve() for path in paths}) < len(paths):
        raise UsageError("A session is named twice; name sessions that differ.")
    target = _target(output, paths[0])
    names = _names(paths)
    members = [_member(*known) for known in zip(LETTERS, names, paths, strict=False)]
    report = build_comparison(members)
    with told_as_session_error(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    write_together({target: report.pdf})
    return {"report": str(target), **report.data}


def _member(letter: str, name: str, path: Path) -> Member:
    session = Session.open(path)
    header = ReportHeader.of_manifest(session.manifest, calibration=calibrations.of_session(session))
    return Member(letter, name, header, session.read_measurements())


def _names(paths: Sequence[Path]) -> list[str]:
    """The folders' names; where two are called the same, with the folder that they stand in."""
    names = [path.resolve().name for path in paths]
    return [
        name if names.count(name) == 1 else f"{path.resolve().parent.name}/{name}"
        for name, path in zip(names, paths, strict=True)
    ]


def _target(output: Path | None, first: Path) -> Path:
    if output is not None:
        refuse_program_folder(output)
        if output.exists():
            raise UsageError(f"{output} exists already and is never overwritten; name a new file with --output.")
        return output
    # Inside a session nothing of another belongs, and the folder one happens to be in may be any.
    target, copy = first.resolve().parent / DEFAULT_NAME, 1
    while target.exists():
        copy += 1
        target = target.with_name(f"{Path(DEFAULT_NAME).stem}-{copy}.pdf")
    refuse_program_folder(target)
    return target
