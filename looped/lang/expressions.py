"""Constant expressions over symbols, evaluated in the scope of their text."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field

from looped.errors import LoopedError
from looped.lang.ast import (
    Binary,
    Expression,
    Here,
    Number,
    Symbol,
    Unary,
)

__all__ = ["Anchor", "Bound", "Scope", "evaluate"]

_LARGEST = 1 << 128
_MOST_STEPS = 10_000
"""The most nodes visited for one value: parameters of nested macros can double at every level."""


@dataclass(slots=True)
class Anchor:
    """A place in the image; its address is known after layout."""

    address: int = 0


@dataclass(frozen=True, slots=True)
class Scope:
    """The place where a statement stands, and the meaning of its names there.

    `local` distinguishes equal local labels. `parameters` maps a macro's parameters to arguments.
    """

    local: str
    parameters: dict[str, Bound] = field(default_factory=dict)

    def key(self, name: str) -> str:
        """The key of a name in the symbol table: a local label includes its scope."""
        return f"{self.local}{name}" if name.startswith("@") else name


@dataclass(frozen=True, slots=True)
class Bound:
    """An expression with its scope and the address of `$`."""

    expression: Expression
    scope: Scope
    anchor: Anchor


def evaluate(bound: Bound, look_up: Callable[[str, Symbol], int]) -> int:
    """The value of an expression; `look_up(key, symbol)` gives the value of a name.

    Raises LoopedError with the span of the faulty part.
    """
    return _Evaluation(look_up).value(bound.expression, bound)


class _Evaluation:
    """One evaluation of at most _MOST_STEPS nodes."""

    def __init__(self, look_up: Callable[[str, Symbol], int]) -> None:
        self._look_up = look_up
        self._steps = 0

    def value(self, node: Expression, bound: Bound) -> int:
        """The value of a node in the scope of `bound`."""
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise LoopedError("this value takes too long to compute", node.span)
        match node:
            case Number():
                return node.value
            case Here():
                return bound.anchor.address
            case Symbol():
                parameter = bound.scope.parameters.get(node.name)
                if parameter is not None:
                    return self.value(parameter.expression, parameter)
                return self._look_up(bound.scope.key(node.name), node)
            case Unary():
                return _UNARY[node.operator](self.value(node.operand, bound))
            case Binary():
                left = self.value(node.left, bound)
                return _apply(node, left, self.value(node.right, bound))


def _apply(node: Binary, left: int, right: int) -> int:
    """Division rounds down and the remainder has the divisor's sign, as in mathematics."""
    if node.operator in "/%" and right == 0:
        raise LoopedError("division by zero", node.span)
    if node.operator in ("<<", ">>") and not 0 <= right <= 128:
        raise LoopedError(f"a value cannot be shifted by {right} bits", node.right.span, "0 to 128")
    result = _OPERATORS[node.operator](left, right)
    if abs(result) >= _LARGEST:
        raise LoopedError("this value is too large", node.span, "values stay below 2^128")
    return result


_UNARY: dict[str, Callable[[int], int]] = {
    "-": operator.neg,
    "+": operator.pos,
    "~": operator.invert,
}

_OPERATORS: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.floordiv,
    "%": operator.mod,
    "<<": operator.lshift,
    ">>": operator.rshift,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
}
