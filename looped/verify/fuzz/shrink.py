"""A program that fails, made as small as it gets while it still fails: delta debugging.

Zeller and Hildebrandt 2002, "Simplifying and isolating failure-inducing input". Whatever makes the
transformer and the reference differ will do, not only the difference that was found first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from looped.verify.fuzz.case import Case
from looped.verify.lockstep import Difference

__all__ = ["shrink"]

_MOST_TRIES = 2000
"""Programs that are tried at most: a slow engine shall come to an end."""


def shrink(
    fails: Callable[[Case, int], Difference | None],
    case: Case,
    difference: Difference,
    leaps: Callable[[Case, int], Iterator[Case]],
    blanks: Sequence[int],
) -> tuple[Case, Difference]:
    """A smaller program that fails, and how.

    `fails(case, steps)` runs a program for so many steps at most; `leaps(case, steps)` are bold
    guesses from the state after so many steps; `blanks` are words that say nothing, the emptiest
    first.
    """
    smaller = _Shrinking(fails, case, difference, tuple(blanks))
    for leap in leaps(case, difference.step - 1):
        if smaller.take(leap):
            break
    while smaller.round():
        pass
    return smaller.case, smaller.difference


class _Shrinking:
    """The smallest failing program so far, and its difference.

    Candidates are made one by one from the program as it is when their turn comes.
    """

    def __init__(
        self,
        fails: Callable[[Case, int], Difference | None],
        case: Case,
        difference: Difference,
        blanks: tuple[int, ...],
    ) -> None:
        self.fails = fails
        self.case, self.difference = case, difference
        self.blanks = blanks
        self.tries = 0

    @property
    def words(self) -> tuple[int, ...]:
        """The words of the program as it is."""
        return self.case.image.words

    def take(self, candidate: Case) -> bool:
        """Go on with a candidate if it fails, in no more steps."""
        self.tries += 1
        difference = self.fails(candidate, self.difference.step)
        if difference is None:
            return False
        self.case, self.difference = candidate, difference
        return True

    def round(self) -> bool:
        """Try every candidate once; returns whether any was taken and another round is due."""
        taken = False
        for candidates in (self._less_input, self._blanked, self._closed_up, self._lowered):
            for candidate in candidates():
                if self.tries >= _MOST_TRIES:
                    return False
                taken |= self.take(candidate)
        return taken

    def _less_input(self) -> Iterator[Case]:
        for length in range(len(self.case.data)):
            if length < len(self.case.data):
                yield replace(self.case, data=self.case.data[:length])

    def _blanked(self) -> Iterator[Case]:
        """Runs of words made blank, long runs first."""
        size = count = len(self.words)
        while size:
            for first in range(0, count, size):
                for i, blank in enumerate(self.blanks):
                    run = self.words[first : first + size]
                    if not set(run) <= set(self.blanks[: i + 1]):
                        yield self._with(first, (blank,) * len(run))
            size //= 2

    def _closed_up(self) -> Iterator[Case]:
        """A word taken out, and those behind it moved up; the last one first."""
        used = [place for place, word in enumerate(self.words) if word]
        for place in reversed(range(max(used, default=0))):
            yield self._with(place, (*self.words[place + 1 :], 0))

    def _lowered(self) -> Iterator[Case]:
        """One bit less in one word, the highest bit first."""
        for place in range(len(self.words)):
            for bit in reversed(range(self.case.image.width)):
                if self.words[place] >> bit & 1:
                    yield self._with(place, (self.words[place] ^ 1 << bit,))

    def _with(self, place: int, new: tuple[int, ...]) -> Case:
        """The program with other words from a place on."""
        words = (*self.words[:place], *new, *self.words[place + len(new) :])
        return replace(self.case, image=replace(self.case.image, words=words))
