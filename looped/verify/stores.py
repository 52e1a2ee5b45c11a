"""Changes: the words that a reference changes in many steps, beside those that a tape stored."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

__all__ = ["Changes"]

Numbers = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]


@dataclass(slots=True)
class Changes:
    """Words that have changed, in order: by which step, in which column, from what to what."""

    steps: list[int] = field(default_factory=list)
    columns: list[int] = field(default_factory=list)
    old: list[int] = field(default_factory=list)
    new: list[int] = field(default_factory=list)

    def add(self, step: int, column: int, old: int, new: int) -> None:
        """Add the latest change."""
        self.steps.append(step)
        self.columns.append(column)
        self.old.append(old)
        self.new.append(new)

    def first_wrong(
        self, columns: Numbers, values: Words, words: list[int]
    ) -> tuple[int, int, int, int] | None:
        """The first pass whose stores are not these changes: its number, a column, the word there
        and the word that should be there; None if there is none.

        Pass i has stored `values[i]` to `columns[i]`, both (passes, stores); a column of -1 stands
        for no store. `words` are those of all columns after the last pass.
        """
        passes, stores = columns.shape
        at = np.repeat(np.arange(passes), stores)[columns.ravel() >= 0]
        column = columns.ravel()[columns.ravel() >= 0]
        held = values.ravel()[columns.ravel() >= 0]
        stored = column * passes + at
        own = np.array(self.columns, np.int64) * passes + np.array(self.steps, np.int64)
        new, old = np.array(self.new, np.uint64), np.array(self.old, np.uint64)
        order = np.argsort(own, kind="stable")
        sorted_own = own[order]
        wanted = _wanted(sorted_own, new[order], old[order], stored, column, passes, words)
        wrong = np.flatnonzero(held != wanted)
        missing = np.flatnonzero(~np.isin(own, stored))
        found = [(int(at[n]), int(column[n]), int(held[n]), int(wanted[n])) for n in wrong[:1]]
        found += [
            (self.steps[n], self.columns[n], self.old[n], self.new[n])
            for n in missing[:1].tolist()
            if self.old[n] != self.new[n]
        ]
        return min(found, default=None)


def _wanted(
    changes: Numbers,
    new: Words,
    old: Words,
    stored: Numbers,
    column: Numbers,
    passes: int,
    words: list[int],
) -> Words:
    """What should be in the column of each store then, by the changes in the order of columns, each
    with its steps in order: what the last one has left, or what the next one has found."""
    last = np.searchsorted(changes, stored, side="right") - 1
    following = last + 1
    wanted = np.zeros(len(stored), np.uint64)
    has_last = last >= 0
    has_last[has_last] = changes[last[has_last]] // passes == column[has_last]
    wanted[has_last] = new[last[has_last]]
    has_next = ~has_last & (following < len(changes))
    has_next[has_next] = changes[following[has_next]] // passes == column[has_next]
    wanted[has_next] = old[following[has_next]]
    neither = np.flatnonzero(~has_last & ~has_next)
    wanted[neither] = [words[c] for c in column[neither].tolist()]
    return wanted
