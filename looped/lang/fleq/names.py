"""The names of a program: matrices, labels, constants; and what an unknown one may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import dataclass, field
from fractions import Fraction

from looped.errors import LoopedError, Span
from looped.image import Location
from looped.lang.fleq.nodes import Name, Number

__all__ = ["Matrix", "Names", "shown"]

_LONGEST_SEARCH = 5000
"""A "did you mean" compares at most this many names; more would slow down every error."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """A matrix in memory: signed words by rows, and the line that each row comes from."""

    name: str
    rows: tuple[tuple[int, ...], ...]
    lines: tuple[Location, ...]
    span: Span

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.rows), len(self.rows[0])


@dataclass
class Names:
    """Everything that a program names. A label is known by the number of its instruction."""

    matrices: dict[str, Matrix] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)
    constants: dict[str, Fraction] = field(default_factory=dict)
    _spans: dict[str, Span] = field(default_factory=dict)

    def define(self, name: Name) -> None:
        """Take note of a name. Raises LoopedError if there is one already."""
        first = self._spans.get(name.name)
        if first is not None:
            raise LoopedError(f"`{name.name}` is defined twice", name.span, f"first at {first}")
        self._spans[name.name] = name.span

    def matrix(self, name: Name) -> Matrix:
        """The matrix of that name. Raises LoopedError."""
        found = self.matrices.get(name.name)
        if found is None:
            raise self._unknown(name, "matrix")
        return found

    def label(self, name: Name) -> int:
        """The number of the instruction behind a label. Raises LoopedError."""
        found = self.labels.get(name.name)
        if found is None:
            raise self._unknown(name, "label")
        return found

    def value(self, number: Number | Name) -> Fraction:
        """A number, or the constant of that name. Raises LoopedError."""
        if isinstance(number, Number):
            return number.value
        found = self.constants.get(number.name)
        if found is None:
            raise self._unknown(number, "constant")
        return found

    def whole(self, number: Number | Name) -> int:
        """A whole number. Raises LoopedError."""
        value = self.value(number)
        if value.denominator != 1:
            raise LoopedError(f"{float(value):g} is not a whole number", number.span)
        return int(value)

    def _unknown(self, name: Name, wanted: str) -> LoopedError:
        kinds: dict[str, Collection[str]] = {
            "matrix": self.matrices,
            "label": self.labels,
            "constant": self.constants,
        }
        found = next((kind for kind, names in kinds.items() if name.name in names), None)
        if found is not None:
            hint = f"defined at {self._spans[name.name]}"
            message = f"`{name.name}` is a {found}, and a {wanted} is needed"
            return LoopedError(message, name.span, hint)
        if name.name in self._spans:
            hint = f"see its definition at {self._spans[name.name]}"
            return LoopedError(f"`{name.name}` has no value here", name.span, hint)
        near: list[str] = []
        if len(self._spans) <= _LONGEST_SEARCH:
            near = difflib.get_close_matches(name.name, kinds[wanted], 1)
        hint_near = None
        if near:
            hint_near = f"did you mean `{near[0]}`, defined at {self._spans[near[0]]}?"
        return LoopedError(f"no {wanted} named `{name.name}`", name.span, hint_near)


def shown(shape: tuple[int, int]) -> str:
    """A shape as it is written: 4x4."""
    return f"{shape[0]}x{shape[1]}"
