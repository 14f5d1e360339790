"""The truth table as a page of the documentation."""

from collections.abc import Sequence

from reports.selftest.cases import MEANING
from reports.selftest.goals import COVERAGE, LOOP
from reports.selftest.running import Outcome
from reports.selftest.statistics import CHANCE
from reports.selftest.table import HEADINGS, cells
from reports.selftest.verdict import Verdict
from sessions.manifest import now, tool_version

PAGE = """# Truth table

Virtual decks drawn at random, captured and measured as any other deck, against their own truth: tape {version}, {date}. \
This page is written by the program. The same decks again, or others with other seeds:

```sh
{command} --write docs/truth-table.md
```

Each deck follows from its seed alone. What is drawn, and between which limits, stands in \
[modeling/deck/draw.py](../modeling/deck/draw.py). Measuring sees a session on disk that holds neither parameters nor seed \
of the deck; the truth is worked out afterwards.

{cases}

Errors are measured less true; n is the number of figures, or of points of curves; times are in microseconds. "95 % below" \
is the 95th percentile of the magnitude, which is what the goal is for. Coverage is how often the truth lay within the \
stated 95 % uncertainty, and how many independent readings that is worth; {low} to {high} % is right, and what chance \
would bring about less than once in {chance} times is marked. Invalid, missing: there is a truth and no figure. Unfounded: \
there is a figure where no truth can be. A goal "from 0.1 of 0 dB" or "from -60 of 0 dB" is counted re the reference tone: \
of a tone sent 20 dB lower, THD is held to its goal from 1 % of that tone on and a harmonic from -40 dB, for the hiss does \
not fall with the tone.

{table}

## What is not as it should be

{failures}

Measured too, but not held against a truth: {untold}.
"""


def markdown(verdict: Verdict, outcomes: Sequence[Outcome], command: str) -> str:
    """The page, with the command that makes it again."""
    kinds = [kind for kind in MEANING if any(o.case.kind == kind for o in outcomes)]
    seeds = {kind: ", ".join(str(o.case.seed) for o in outcomes if o.case.kind == kind) for kind in kinds}
    rows = (HEADINGS, ["---"] * len(HEADINGS), *map(cells, verdict.lines))
    low, high = (f"{100.0 * part:.0f}" for part in COVERAGE)
    return PAGE.format(
        version=tool_version(),
        date=now()[:10],
        command=command,
        cases="\n".join(f"- **{k}**: {MEANING[k]}{'' if k == LOOP else f'; seeds {seeds[k]}'}" for k in kinds),
        low=low,
        high=high,
        chance=f"{1.0 / CHANCE:.0f}",
        table="\n".join("| " + " | ".join(row) + " |" for row in rows),
        failures="\n".join(f"- {text}" for text in verdict.failures) or "Nothing.",
        untold=", ".join(verdict.untold) or "nothing",
    )
