"""The smallest program that still fails, found by leaving things out.

Zeller and Hildebrandt 2002, "Simplifying and isolating failure-inducing input": first many words at
once become zero, then fewer and fewer, then single bits of the remaining words.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

from looped.profiles.case import Case

__all__ = ["shrink"]


def shrink(case: Case, fails: Callable[[Case], bool]) -> Case:
    """A case that fails, but passes with a shorter input or with one more word or bit of zeros.

    `case` must fail. `shrink` calls `fails` some hundred times.
    """
    while True:
        smaller = _next(case, fails)
        if smaller is None:
            return case
        case = smaller


def _next(case: Case, fails: Callable[[Case], bool]) -> Case | None:
    """One round over all that could be left out; None if nothing can."""
    best = case
    for part in _parts(case):
        candidate = part(best)
        if candidate != best and fails(candidate):
            best = candidate
    return None if best is case else best


def _parts(case: Case) -> Iterator[Callable[[Case], Case]]:
    """What to leave out, the largest parts first."""
    yield lambda c: dataclasses.replace(c, data=b"")
    yield lambda c: dataclasses.replace(c, data=c.data[:-1])
    words = case.image.words
    used = [place for place, word in enumerate(words) if word]
    size = len(used)
    while size:
        for first in range(0, len(used), size):
            yield _without(used[first : first + size], 0)
        size //= 2
    if len(used) <= _FEW:
        for place in used:
            for bit in range(words[place].bit_length() - 1, -1, -1):
                yield _without([place], ~(1 << bit))


_FEW = 16
"""The most words whose single bits are tried."""


def _without(places: list[int], mask: int) -> Callable[[Case], Case]:
    """Some words keep only their bits in a mask."""

    def apply(case: Case) -> Case:
        words = list(case.image.words)
        for place in places:
            words[place] &= mask
        image = dataclasses.replace(case.image, words=tuple(words))
        return dataclasses.replace(case, image=image)

    return apply
