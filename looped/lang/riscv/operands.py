"""What the operands of RISC-V instructions are: registers, numbers, memory at a register."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field, replace

from looped.errors import LoopedError, Span
from looped.isa.rv32i import REGISTERS
from looped.lang.ast import Group, Memory, Modifier, Symbol, Text
from looped.lang.expressions import Bound
from looped.lang.symbols import SymbolTable

__all__ = ["MODIFIERS", "Operands", "high_part", "is_memory", "is_modified", "low_part", "span_of"]

MODIFIERS = ("%hi", "%lo", "%pcrel_hi", "%pcrel_lo")


def high_part(value: int) -> int:
    """The upper 20 bits of a word for LUI or AUIPC, so that `low_part` can be added to them."""
    return (value + 0x800) >> 12 & 0xFFFFF


def low_part(value: int) -> int:
    """The signed low 12 bits of a word."""
    return (value + 0x800 & 0xFFF) - 0x800


def resolve(bound: Bound) -> Bound:
    """An operand with macro parameters replaced by what they were given."""
    node = bound.expression
    while isinstance(node, Symbol) and node.name in bound.scope.parameters:
        bound = bound.scope.parameters[node.name]
        node = bound.expression
    return bound


def span_of(argument: Bound | Text) -> Span:
    """Where an operand was written."""
    return argument.span if isinstance(argument, Text) else resolve(argument).expression.span


def register_named(argument: Bound | Text) -> int | None:
    """The number of the register that an operand names, None if it names none."""
    if isinstance(argument, Text):
        return None
    node = resolve(argument).expression
    return REGISTERS.get(node.name) if isinstance(node, Symbol) else None


def is_memory(argument: Bound | Text) -> bool:
    """Whether an operand is `offset(register)` or `(register)`."""
    if isinstance(argument, Text):
        return False
    bound = resolve(argument)
    node = bound.expression
    if isinstance(node, Group):
        return register_named(replace(bound, expression=node.inner)) is not None
    return isinstance(node, Memory)


def is_modified(argument: Bound | Text, modifier: str) -> bool:
    """Whether an operand is `modifier(…)`."""
    node = None if isinstance(argument, Text) else resolve(argument).expression
    return isinstance(node, Modifier) and node.name == modifier


@dataclass
class Operands:
    """Operands to numbers; `symbols` knows the names.

    `pcrel` maps the address of each AUIPC with a `%pcrel_hi` to that operand, for the `%pcrel_lo`
    that names the address.
    """

    symbols: SymbolTable
    pcrel: dict[int, Bound | Text] = field(default_factory=dict)

    def register(self, argument: Bound | Text) -> int:
        """A register's number. Raises LoopedError for anything else."""
        number = register_named(argument)
        if number is not None:
            return number
        span = span_of(argument)
        if isinstance(argument, Text):
            raise LoopedError("a text stands where a register is needed", span)
        node = resolve(argument).expression
        if isinstance(node, Symbol) and not self.symbols.defines(argument.scope.key(node.name)):
            near = difflib.get_close_matches(node.name, REGISTERS, 1)
            hint = f"did you mean `{near[0]}`?" if near else "x0 to x31, or zero ra sp … t6"
            raise LoopedError(f"no register named `{node.name}`", span, hint)
        what = "memory" if is_memory(argument) else "a number"
        raise LoopedError(f"{what} stands where a register is needed", span)

    def number(self, argument: Bound | Text) -> int:
        """The value of an operand, modifiers applied. Raises LoopedError."""
        if isinstance(argument, Text):
            raise LoopedError("text stands where a number is needed", argument.span)
        bound = resolve(argument)
        node = bound.expression
        if isinstance(node, Symbol):
            key = bound.scope.key(node.name)
            if node.name in REGISTERS and not self.symbols.defines(key):
                raise LoopedError("a register stands where a number is needed", node.span)
        if isinstance(node, Modifier):
            return self._modified(node, bound)
        if is_memory(bound):
            raise LoopedError("memory stands where a number is needed", node.span)
        return self.symbols.number(bound)

    def memory(self, argument: Bound | Text) -> tuple[int, int, Span]:
        """Offset and base register of `offset(base)`, and where the offset stands.

        Raises LoopedError for anything else.
        """
        if isinstance(argument, Text) or not is_memory(argument):
            message = "memory at a register is needed here, such as 0(a1)"
            raise LoopedError(message, span_of(argument))
        bound = resolve(argument)
        match bound.expression:
            case Memory(offset, base, _):
                number = self.number(replace(bound, expression=offset))
                return number, self.register(replace(bound, expression=base)), offset.span
            case node:
                assert isinstance(node, Group)
                return 0, self.register(replace(bound, expression=node.inner)), node.span

    def _modified(self, node: Modifier, bound: Bound) -> int:
        if node.name not in MODIFIERS:
            near = difflib.get_close_matches(node.name, MODIFIERS, 1)
            known = f"did you mean `{near[0]}`?" if near else " ".join(MODIFIERS)
            raise LoopedError(f"no modifier named `{node.name}`", node.span, known)
        inner = replace(bound, expression=node.operand)
        value = self.symbols.number(inner)
        if node.name == "%pcrel_hi":
            return high_part(value - bound.anchor.address)
        if node.name == "%pcrel_lo":
            return low_part(self._distance(value, node))
        return high_part(value) if node.name == "%hi" else low_part(value)

    def _distance(self, place: int, node: Modifier) -> int:
        """How far from the AUIPC at `place` is what its `%pcrel_hi` names."""
        argument = self.pcrel.get(place)
        if argument is None or isinstance(argument, Text):
            message = "%pcrel_lo needs the label of an auipc with %pcrel_hi"
            raise LoopedError(message, node.span)
        target = resolve(argument)
        assert isinstance(target.expression, Modifier)
        inner = replace(target, expression=target.expression.operand)
        return self.symbols.number(inner) - place
