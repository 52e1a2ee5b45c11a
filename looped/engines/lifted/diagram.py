"""Decision diagrams with numbers at their ends: functions of bits, in a form that is unique.

Bryant 1986, "Graph-based algorithms for Boolean function manipulation"; with numbers in place of
truth values as in Bahar et al. 1993, "Algebraic decision diagrams and their applications". A
diagram is a number, or a `Branch` on the first variable, in the order of the variables, that it
depends on. Equal functions are the same object.

Variables may depend on each other: "the word is 3" excludes "it is 5". What a variable says of
others is used wherever it is decided, so that combinations that never occur do not appear.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import NamedTuple

__all__ = ["Branch", "Diagram", "Diagrams", "TooManyBranches", "Variable", "size", "variables"]

Variable = tuple[int, ...]
"""Variables are ordered as tuples are."""


class Branch(NamedTuple):
    """`high` where the variable is one, else `low`."""

    variable: Variable
    low: Diagram
    high: Diagram
    serial: int


Diagram = float | Branch


_MOST_BRANCHES = 2_000
"""More than that many new ones are taken for a function that is not to be had in this form."""

Facts = Mapping[Variable, int]
"""What is known of variables where another one is decided."""


class TooManyBranches(Exception):
    """A function depends on its bits in too many ways."""


class Diagrams:
    """The place where diagrams are made and kept, so that equal ones are one.

    `implied(variable, bit)` says what follows where a variable has a value.
    """

    def __init__(
        self, implied: Callable[[Variable, int], Facts] = lambda variable, bit: {}
    ) -> None:
        self._implied = implied
        self._branches: dict[Hashable, Branch] = {}
        self._results: dict[Hashable, Diagram] = {}
        self._limit = _MOST_BRANCHES

    def begin(self) -> None:
        """Begin with a function that may take its own number of branches."""
        self._limit = len(self._branches) + _MOST_BRANCHES

    def variable(self, variable: Variable) -> Diagram:
        """The function that is the variable itself, 0 or 1."""
        return self._branch(variable, 0.0, 1.0)

    def add(self, first: Diagram, second: Diagram) -> Diagram:
        """The sum of two functions."""
        return self._combine("+", lambda x, y: x + y, first, second)

    def multiply(self, first: Diagram, second: Diagram) -> Diagram:
        """The product of two functions; of truth values, their conjunction."""
        return self._combine("*", lambda x, y: x * y, first, second)

    def invert(self, truth: Diagram) -> Diagram:
        """1 - truth."""
        return self.add(1.0, self.multiply(-1.0, truth))

    def exclusive_or(self, first: Diagram, second: Diagram) -> Diagram:
        """Whether two truth values differ."""
        return self._combine("^", lambda x, y: float(x != y), first, second)

    def map(self, diagram: Diagram, name: str, function: Callable[[float], float]) -> Diagram:
        """A function applied to every number; `name` tells one such function from another."""
        if not isinstance(diagram, Branch):
            return function(diagram)
        key = (name, diagram.serial)
        if key not in self._results:
            low, high = (self.map(d, name, function) for d in (diagram.low, diagram.high))
            self._results[key] = self._branch(diagram.variable, low, high)
        return self._results[key]

    def _combine(
        self,
        name: str,
        function: Callable[[float, float], float],
        first: Diagram,
        second: Diagram,
    ) -> Diagram:
        branches = [d for d in (first, second) if isinstance(d, Branch)]
        if not branches:
            assert not isinstance(first, Branch) and not isinstance(second, Branch)
            return function(first, second)
        key = (name, _identity(first), _identity(second))
        if key not in self._results:
            top = min(branch.variable for branch in branches)
            low, high = (
                self._combine(name, function, _follow(first, top, bit), _follow(second, top, bit))
                for bit in (0, 1)
            )
            self._results[key] = self._branch(top, low, high)
        return self._results[key]

    def _branch(self, variable: Variable, low: Diagram, high: Diagram) -> Diagram:
        low, high = (self._given(variable, bit, d) for bit, d in ((0, low), (1, high)))
        if _identity(self._given(variable, 1, low)) == _identity(high):
            return low
        key = (variable, _identity(low), _identity(high))
        if key not in self._branches:
            if len(self._branches) == self._limit:
                raise TooManyBranches
            branch = Branch(variable, low, high, len(self._branches))
            self._branches[key] = branch
        return self._branches[key]

    def _given(self, variable: Variable, bit: int, diagram: Diagram) -> Diagram:
        """A function where a variable has a value, and what follows from it."""
        facts = self._implied(variable, bit)
        if not facts or not isinstance(diagram, Branch):
            return diagram
        key = ("given", variable, bit, diagram.serial)
        if key not in self._results:
            if diagram.variable in facts:
                chosen = diagram.high if facts[diagram.variable] else diagram.low
                self._results[key] = self._given(variable, bit, chosen)
            else:
                low, high = (self._given(variable, bit, d) for d in (diagram.low, diagram.high))
                self._results[key] = self._branch(diagram.variable, low, high)
        return self._results[key]


def _identity(diagram: Diagram) -> Hashable:
    """A branch is told by its number; comparing its parts would walk the whole diagram."""
    return (diagram.serial,) if isinstance(diagram, Branch) else diagram


def _follow(diagram: Diagram, variable: Variable, bit: int) -> Diagram:
    if isinstance(diagram, Branch) and diagram.variable == variable:
        return diagram.high if bit else diagram.low
    return diagram


def size(diagram: Diagram) -> int:
    """How many branches a function has."""
    return sum(1 for _ in _branches(diagram))


def variables(diagram: Diagram) -> set[Variable]:
    """The variables that a function depends on."""
    return {branch.variable for branch in _branches(diagram)}


def _branches(diagram: Diagram) -> Iterator[Branch]:
    pending, seen = [diagram], set()
    while pending:
        top = pending.pop()
        if isinstance(top, Branch) and top.serial not in seen:
            seen.add(top.serial)
            yield top
            pending += [top.low, top.high]
