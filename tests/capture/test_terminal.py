"""What the terminal says of progress."""

import io

from rich.console import Console
from rich.progress import Progress, TimeElapsedColumn

from capture.terminal import Reporter


def test_the_clock_goes_on_after_a_step_that_came_to_its_end():
    now = [0.0]
    console = Console(file=io.StringIO(), force_terminal=True)
    bar = Progress(TimeElapsedColumn(), console=console, auto_refresh=False, get_time=lambda: now[0])
    reporter = Reporter(bar, bar.add_task("", total=None))
    reporter.fraction("trying", 1.0)
    for now[0], part in ((1.0, 0.0), (3.0, 0.5)):
        reporter.fraction("playing", part)
    (task,) = bar.tasks
    assert (task.elapsed, task.percentage) == (2.0, 50.0)
