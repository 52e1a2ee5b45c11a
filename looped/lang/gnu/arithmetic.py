"""The operators of GNU as on numbers of 64 bits, as its `expr.c` computes them.

Numbers are -2^63 to 2^63 - 1. True comparisons are -1, true `&&` and `||` are 1. `>>` shifts in
zeros, shifts by 64 and more are 0, and quotients round towards zero.
"""

from __future__ import annotations

import operator
from collections.abc import Callable

__all__ = ["BINARY", "PRECEDENCE", "UNARY", "wrapped"]

_BITS = 64
_MASK = (1 << _BITS) - 1


def wrapped(value: int) -> int:
    """A number wrapped to 64 signed bits."""
    return (value + (1 << _BITS - 1) & _MASK) - (1 << _BITS - 1)


def _left(value: int, count: int) -> int:
    return value << (count & _MASK) if count & _MASK < _BITS else 0


def _right(value: int, count: int) -> int:
    return (value & _MASK) >> (count & _MASK) if count & _MASK < _BITS else 0


def _quotient(left: int, right: int) -> int:
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _remainder(left: int, right: int) -> int:
    return left - right * _quotient(left, right)


UNARY: dict[str, Callable[[int], int]] = {
    "-": operator.neg,
    "+": operator.pos,
    "~": operator.invert,
    "!": lambda value: int(value == 0),
}
"""Operators before a value, which bind stronger than all others."""

BINARY: dict[str, Callable[[int, int], int]] = {
    "||": lambda left, right: int(left != 0 or right != 0),
    "&&": lambda left, right: int(left != 0 and right != 0),
    "==": lambda left, right: -(left == right),
    "!=": lambda left, right: -(left != right),
    "<>": lambda left, right: -(left != right),
    "<": lambda left, right: -(left < right),
    "<=": lambda left, right: -(left <= right),
    ">": lambda left, right: -(left > right),
    ">=": lambda left, right: -(left >= right),
    "+": operator.add,
    "-": operator.sub,
    "&": operator.and_,
    "^": operator.xor,
    "|": operator.or_,
    "!": lambda left, right: left | ~right,
    "*": operator.mul,
    "/": _quotient,
    "%": _remainder,
    "<<": _left,
    ">>": _right,
}
"""Operators between two values; a divisor is not 0."""

_LEVELS = (
    ("||",),
    ("&&",),
    ("==", "!=", "<>", "<", "<=", ">", ">="),
    ("+", "-"),
    ("&", "^", "|", "!"),
    ("*", "/", "%", "<<", ">>"),
)
PRECEDENCE = {name: level for level, names in enumerate(_LEVELS, 1) for name in names}
"""How strongly each of them binds; those of a level are taken from the left."""
