"""Every path of a function through its branches on unknown conditions.

`explore` runs the function once for each path. Where the function branches on an unknown condition,
a solver says which answers are consistent with those given so far. If both are, this run follows
one and a later run the other. So no path is left out, and the list of its answers describes each
path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import z3

__all__ = ["Path", "Paths"]


@dataclass(frozen=True, slots=True)
class Path:
    """One path through a function: its conditions, and its result or exception."""

    conditions: tuple[z3.BoolRef, ...]
    result: object
    error: Exception | None


class Paths:
    """All paths of a function under conditions that hold at its beginning."""

    def __init__(self, given: Sequence[z3.BoolRef]) -> None:
        self._given = (*given,)
        self._solver = z3.SolverFor("QF_BV")
        self._taken: list[tuple[z3.BoolRef, bool, bool]] = []
        self._at = 0

    def explore(self, function: Callable[[], object]) -> Iterator[Path]:
        """Run the function along each of its paths."""
        self._taken = []
        while True:
            self._solver.reset()
            self._solver.add(*self._given)
            self._at = 0
            result, error = None, None
            try:
                result = function()
            except Exception as found:  # an exception of the function is the result of its path
                error = found
            yield Path(tuple(_answer(c, told) for c, told, _ in self._taken), result, error)
            while self._taken and not self._taken[-1][2]:
                self._taken.pop()
            if not self._taken:
                return
            condition, told, _ = self._taken.pop()
            self._taken.append((condition, not told, False))

    def decide(self, condition: z3.BoolRef) -> bool:
        """Whether a condition holds on this path."""
        condition = z3.simplify(condition)
        if z3.is_true(condition) or z3.is_false(condition):
            return bool(z3.is_true(condition))
        if self._at == len(self._taken):
            self._taken.append(self._choice(condition))
        condition, told, _ = self._taken[self._at]
        self._at += 1
        self._solver.add(_answer(condition, told))
        return told

    def _choice(self, condition: z3.BoolRef) -> tuple[z3.BoolRef, bool, bool]:
        """An answer, and whether the other one is possible as well."""
        if self._solver.check(condition) == z3.unsat:
            return condition, False, False
        return condition, True, self._solver.check(z3.Not(condition)) != z3.unsat


def _answer(condition: z3.BoolRef, told: bool) -> z3.BoolRef:
    return condition if told else z3.Not(condition)
