"""The subjects of a report, one file each, in the order of their pages.

A subject is a function from a set-up's measurements to its page, or None where the session holds nothing of it. It is asked for
the set-up that the report describes in full at each speed: dbx off where that was measured. A gathered subject gets all
positions of the dbx switch at one speed, that one first.
"""

from collections.abc import Callable, Sequence

from reports.pages import Page
from reports.readings import Setup
from reports.subjects import (
    dbx,
    distortion,
    electronics,
    noise,
    others,
    over_frequency,
    positions,
    response,
    steadiness,
    timebase,
    tracks,
    wow_flutter,
)

Subject = Callable[[Setup], Page | None]
Gathered = Callable[[Sequence[Setup]], Page | None]
GATHERED: Sequence[Gathered] = (positions.page, dbx.page)
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
