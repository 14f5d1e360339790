"""Which test files share a worker and which begin first, when several processes share the tests; a plugin of pytest."""

import pytest
from xdist.scheduler import LoadFileScheduling

TOGETHER = {
    # They learn from the same models, which are trained once.
    "trained models": [
        f"tests/modeling/test_{name}.py"
        for name in ("between", "cores", "hammerstein", "held_out", "leftover", "model", "render", "training")
    ],
    # One JACK server runs at a time, and whoever needs it would wait for whoever has it.
    "interfaces": [
        f"tests/capture/test_{name}.py"
        for name in (
            "calibrate_command",
            "capture_command",
            "guided_capture",
            "interfaces",
            "interrupted_take",
            "losses",
            "recorder",
        )
    ],
    "bad input": ["tests/bad_input/"],
    "captured sessions": ["tests/test_doubts.py", "tests/test_export.py"],
}
"""Files or folders that have something costly in common, by what it is."""

LONGEST = (
    "trained models",
    "bad input",
    "interfaces",
    "tests/test_demo.py",
    "tests/test_command.py",
    "tests/modeling/test_compander.py",
    "tests/reports/evaluation/test_evaluating.py",
    "tests/test_pair_import.py",
    "captured sessions",
    "tests/test_sox.py",
    "tests/capture/test_pitch.py",
)
"""What takes longest, and long for so few tests, in the order in which it begins: begun late, it would leave a process idle."""


class Grouped(LoadFileScheduling):
    """The tests of a file, or of several that belong together, share one worker."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return next((group for group, places in TOGETHER.items() if file.startswith(tuple(places))), file)

    def _assign_work_unit(self, node) -> None:
        for scope in reversed(LONGEST):
            if scope in self.workqueue:
                self.workqueue.move_to_end(scope, last=False)
        super()._assign_work_unit(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return Grouped(config, log)
