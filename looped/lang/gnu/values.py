"""Expressions to numbers: after layout, and where possible during reading."""

from __future__ import annotations

from dataclasses import dataclass, field

from looped.errors import LoopedError
from looped.lang.gnu.arithmetic import BINARY, UNARY, wrapped
from looped.lang.gnu.names import Names
from looped.lang.gnu.nodes import (
    Anchor,
    Binary,
    Group,
    Here,
    Memory,
    Modifier,
    Name,
    Node,
    Number,
    Symbol,
    Unary,
)

__all__ = ["Values", "constant", "is_address"]

_LONGEST_CHAIN = 50
_DEEPEST = 400
"""The most nodes on a path, through symbols too, so that no walk exhausts the stack."""

_Known = tuple[int, int]
"""A number, and the stretch from which it counts; 0 for none."""


@dataclass
class Values:
    """Values of expressions, by the addresses of the labels in them.

    `provided` holds names that a source may use or redefine. Call `moved` after moving a label.
    """

    names: Names
    provided: dict[str, int] = field(default_factory=dict)
    _known: dict[int, int] = field(default_factory=dict)
    _evaluating: list[Symbol] = field(default_factory=list)

    def moved(self) -> None:
        """Forget all values, because labels have moved."""
        self._known.clear()

    def value(self, node: Node, here: int, depth: int = 0) -> int:
        """The value of an expression in which `.` is `here`. Raises LoopedError."""
        match node:
            case Number():
                return wrapped(node.value)
            case Name():
                return self._symbol(node, depth)
            case Here():
                return here
            case Group():
                return self.value(node.inner, here, depth + 1)
            case Unary():
                return wrapped(UNARY[node.operator](self.value(node.operand, here, depth + 1)))
            case Binary():
                left = self.value(node.left, here, depth + 1)
                return _applied(node, left, self.value(node.right, here, depth + 1))
            case Modifier():
                message = f"`{node.name}` cannot be part of a larger expression"
                raise LoopedError(message, node.span, f"{node.name}(symbol + 4)")
            case Memory():
                raise LoopedError("a number is needed here, without a register", node.span)

    def constant(self, symbol: Symbol, depth: int = 0) -> int:
        """The value of a symbol that was set. Raises LoopedError."""
        assert symbol.value is not None
        known = self._known.get(id(symbol))
        if known is not None:
            return known
        if symbol in self._evaluating:
            raise LoopedError(f"constant `{symbol.name}` depends on itself", symbol.span)
        if depth > _DEEPEST or len(self._evaluating) >= _LONGEST_CHAIN:
            message = (
                f"constant `{symbol.name}` depends on a chain of more than {_LONGEST_CHAIN} others"
            )
            raise LoopedError(message, symbol.span)
        self._evaluating.append(symbol)
        try:
            value = self.value(symbol.value, symbol.anchor.address, depth + 1)
        finally:
            self._evaluating.pop()
        self._known[id(symbol)] = value
        return value

    def _symbol(self, node: Name, depth: int) -> int:
        symbol = node.symbol
        if symbol.value is not None:
            return self.constant(symbol, depth)
        if symbol.is_defined:
            return symbol.anchor.address
        if symbol.name in self.provided:
            return self.provided[symbol.name]
        if symbol.weak:
            return 0
        raise self.names.unknown(symbol.name, node.span)


def constant(node: Node, here: Anchor) -> int | None:
    """The value of an expression during reading; None if it depends on later statements.

    The distance between two places is known if no statement between them has an open length. Raises
    LoopedError for a division by zero.
    """
    known = _known(node, here, 0)
    return known[0] if known is not None and known[1] == 0 else None


def _known(node: Node, here: Anchor, depth: int) -> _Known | None:
    match node:
        case Number():
            return wrapped(node.value), 0
        case Here():
            return (here.offset, here.stretch) if here.stretch else None
        case Name(symbol, _):
            return _known_symbol(symbol, depth)
        case Group():
            return _known(node.inner, here, depth + 1)
        case Unary():
            operand = _known(node.operand, here, depth + 1)
            if operand is None or operand[1]:
                return None
            return wrapped(UNARY[node.operator](operand[0])), 0
        case Binary():
            left = _known(node.left, here, depth + 1)
            right = None if left is None else _known(node.right, here, depth + 1)
            return None if left is None or right is None else _combined(node, left, right)
        case _:
            return None


def _known_symbol(symbol: Symbol, depth: int) -> _Known | None:
    if symbol.known is None and symbol.is_defined and depth <= _DEEPEST:
        if symbol.value is not None:
            symbol.known = _known(symbol.value, symbol.anchor, depth + 1)
        elif symbol.anchor.stretch:
            symbol.known = symbol.anchor.offset, symbol.anchor.stretch
    return symbol.known


_BETWEEN_PLACES = ("-", "==", "!=", "<>", "<", "<=", ">", ">=")


def _combined(node: Binary, left: _Known, right: _Known) -> _Known | None:
    if left[1] == right[1] and (not left[1] or node.operator in _BETWEEN_PLACES):
        return _applied(node, left[0], right[0]), 0
    if node.operator == "+" and not (left[1] and right[1]):
        return wrapped(left[0] + right[0]), left[1] or right[1]
    if node.operator == "-" and not right[1]:
        return wrapped(left[0] - right[0]), left[1]
    return None


def is_address(node: Node) -> bool:
    """Whether the value of an expression is a place, and not a number or a distance."""
    return _places(node, {}, 0) == 1


def _places(node: Node, counted: dict[int, int], depth: int) -> int:
    """How many addresses an expression adds, minus those that it subtracts."""
    match node:
        case Here():
            return 1
        case Name(symbol, _):
            if symbol.value is None or depth > _DEEPEST:
                return 1
            if id(symbol) not in counted:
                counted[id(symbol)] = 0  # it counts as a number within itself
                counted[id(symbol)] = _places(symbol.value, counted, depth + 1)
            return counted[id(symbol)]
        case Group():
            return _places(node.inner, counted, depth + 1)
        case Binary("+" | "-" as name, left, right, _):
            sign = 1 if name == "+" else -1
            return _places(left, counted, depth + 1) + sign * _places(right, counted, depth + 1)
        case _:
            return 0


def _applied(node: Binary, left: int, right: int) -> int:
    if node.operator in "/%" and right == 0:
        raise LoopedError("division by zero", node.span)
    return wrapped(BINARY[node.operator](left, right))
