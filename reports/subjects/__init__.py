"""The subjects of a report, one file each, in the order of their pages.

A subject is a function from a set-up's measurements to its page, or None where the session holds nothing of it.
"""

from collections.abc import Callable, Sequence

from reports.pages import Page
from reports.readings import Setup
from reports.subjects import (
    distortion,
    electronics,
    noise,
    others,
    over_frequency,
    response,
    steadiness,
    timebase,
    tracks,
    wow_flutter,
)

Subject = Callable[[Setup], Page | None]
SUBJECTS: Sequence[Subject] = (
    timebase.page,
    wow_flutter.page,
    response.page,
    distortion.page,
    over_frequency.page,
    noise.page,
    steadiness.page,
    tracks.page,
    electronics.page,
    others.page,
)
