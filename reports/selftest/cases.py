"""What is measured: decks by their seeds, each captured in one of a few ways."""

from collections.abc import Sequence
from dataclasses import dataclass

from modeling.deck.draw import draw_deck
from modeling.deck.parameters import DeckParameters
from reports.selftest.goals import LOOP, QUIET

PILOT, ALONE, DBX = "pilot", "no pilot", "dbx"
MEANING = {
    PILOT: "programme on tracks 1 and 2, pilot on track 4",
    ALONE: "programme on tracks 1 and 2, no pilot",
    DBX: "every position of the dbx switch; programme on track 1, pilot on track 4",
    QUIET: "deck without flutter and noise; programme on track 1, pilot on track 4",
    LOOP: "a plain wire in place of the deck, one pass",
}
WIRING: dict[str, tuple[tuple[int, ...], int | None]] = {
    PILOT: ((1, 2), 4),
    ALONE: ((1, 2), None),
    DBX: ((1,), 4),
    QUIET: ((1,), 4),
    LOOP: ((1,), 4),
}
"""Programme tracks and pilot track of every case."""

POSITIONS = {DBX: ("off", "on", "encode", "decode")}
"""Positions of the dbx switch in a case; out in those that are not named."""

DECKS_TO_A_CONTROL = 4


@dataclass(frozen=True)
class Case:
    """One deck to be captured and measured.

    Attributes
    ----------
    kind : str
        A key of :data:`MEANING`.
    seed : int
        Everything random follows from it: deck, flutter, noise and the code on the tape.
    quick : bool
        Whether the stimulus is the quick one.
    passes : int
        Play passes.
    """

    kind: str
    seed: int
    quick: bool = True
    passes: int = 1

    @property
    def name(self) -> str:
        """How it is called in print."""
        return f"deck {self.seed} ({self.kind})" if self.kind != LOOP else "the wire"

    def deck(self) -> DeckParameters:
        """The deck that the seed stands for."""
        return draw_deck(self.seed, quiet=self.kind == QUIET)


def cases(seed: int, decks: int, *, quick: bool = True, passes: int = 1, dbx: bool = True) -> Sequence[Case]:
    """What a run measures: `decks` decks from `seed` on, with a pilot and without by turns, and the wire.

    Of every fourth deck the quiet one too, and its compander where `dbx` says so. A deck is captured in the same way
    whatever run it is part of.
    """
    drawn = [Case(PILOT if s % 2 else ALONE, s, quick, passes) for s in range(seed, seed + decks)]
    again = [DBX, QUIET] if dbx else [QUIET]
    more = [Case(kind, s, quick, passes) for kind in again for s in range(seed, seed + decks, DECKS_TO_A_CONTROL)]
    return (*more, *drawn, Case(LOOP, seed, quick, passes))
