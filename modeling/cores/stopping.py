"""Being asked to stop: Ctrl-C, or the signal by which a scheduler or ``torchrun`` ends a process, heard between two steps.

A step that is broken off in its middle has moved some weights and not others; what is kept then is no state of the run.
"""

import signal
import threading
from types import FrameType
from typing import Any, Self

ASKING = (signal.SIGINT, signal.SIGTERM)


class Stopping:
    """While entered, the first signal only sets :attr:`asked`; the second one does what it always did."""

    def __init__(self) -> None:
        self.asked = False
        self._usual: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._usual = {number: signal.signal(number, self._ask) for number in ASKING}
        return self

    def __exit__(self, *_: object) -> None:
        for number, usual in self._usual.items():
            signal.signal(number, usual)
        self._usual = {}

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        self.__exit__()
