"""What a training tells of itself while it runs: a line of JSON for each record, and the same numbers for TensorBoard.

Both are written at once, so that a run can be watched. A run that is resumed begins both anew and writes what it had told
before its checkpoint again; so they hold no step twice.
"""

import json
import time
from pathlib import Path
from typing import Any

from modeling import events
from sessions.disk import told_as_session_error

LINES = "training.jsonl"
EVENTS = "events.out.tfevents.tape"
COUNTS = ("step", "iteration")


class Journal:
    """Two files in a folder, and their contents.

    Parameters
    ----------
    folder : Path or None
        Where they are written; None to keep the contents alone.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self.records: list[dict[str, Any]] = []
        self.contents = {LINES: b"", EVENTS: events.head(time.time())}
        if folder is not None:
            with told_as_session_error(folder):
                for name, contents in self.contents.items():
                    (folder / name).write_bytes(contents)

    def tell(self, record: dict[str, Any]) -> None:
        """Add a record; numbers of one that has no step, a rung, go under names of their own.

        Raises
        ------
        SessionError
            The disk is full.
        """
        self.records.append(record)
        count = next((record[name] for name in COUNTS if name in record), None)
        numbers = {
            name if count is not None else f"rung/{name}": float(value)
            for name, value in record.items()
            if isinstance(value, int | float) and not isinstance(value, bool) and name not in COUNTS
        }
        self._add(LINES, (json.dumps(record) + "\n").encode())
        if numbers:
            self._add(EVENTS, events.numbers_at(len(self.records) if count is None else count, numbers, time.time()))

    def _add(self, name: str, contents: bytes) -> None:
        self.contents[name] += contents
        if self._folder is not None:
            with told_as_session_error(self._folder / name), (self._folder / name).open("ab") as file:
                file.write(contents)
