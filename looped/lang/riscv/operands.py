"""Operands of RISC-V instructions: registers, numbers, memory at a register."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field

from looped.errors import LoopedError, Span
from looped.isa.control_registers import CONTROL_REGISTERS
from looped.isa.rv32i import REGISTERS
from looped.lang.gnu.items import span_of
from looped.lang.gnu.nodes import Group, Memory, Missing, Modifier, Name, Operand, Text
from looped.lang.gnu.values import Values

__all__ = [
    "MODIFIERS",
    "Operands",
    "high_part",
    "is_memory",
    "is_modified",
    "low_part",
    "register_named",
]

MODIFIERS = ("%hi", "%lo", "%pcrel_hi", "%pcrel_lo")


def high_part(value: int) -> int:
    """The upper 20 bits of a word for LUI or AUIPC, so that `low_part` can be added to them."""
    return (value + 0x800) >> 12 & 0xFFFFF


def low_part(value: int) -> int:
    """The signed low 12 bits of a word."""
    return (value + 0x800 & 0xFFF) - 0x800


def register_named(operand: Operand) -> int | None:
    """The number of the register that an operand names; None for other operands."""
    return REGISTERS.get(operand.symbol.name) if isinstance(operand, Name) else None


def is_memory(operand: Operand) -> bool:
    """Whether an operand is `offset(register)` or `(register)`."""
    if isinstance(operand, Group):
        return register_named(operand.inner) is not None
    return isinstance(operand, Memory)


def is_modified(operand: Operand, modifier: str) -> bool:
    """Whether an operand is `modifier(…)`."""
    return isinstance(operand, Modifier) and operand.name == modifier


@dataclass
class Operands:
    """Operands to numbers; `values` evaluates symbols.

    `pcrel` maps the address of each AUIPC with a `%pcrel_hi` to that operand; a `%pcrel_lo` names
    the address.
    """

    values: Values
    pcrel: dict[int, Modifier] = field(default_factory=dict)

    def register(self, operand: Operand) -> int:
        """A register's number. Raises LoopedError for anything else."""
        number = register_named(operand)
        if number is not None:
            return number
        span = span_of(operand)
        if isinstance(operand, Text):
            raise LoopedError("text stands where a register is needed", span)
        if isinstance(operand, Name) and not operand.symbol.is_defined:
            name = operand.symbol.name
            near = difflib.get_close_matches(name, REGISTERS, 1)
            hint = f"did you mean `{near[0]}`?" if near else "x0 to x31, or zero ra sp … t6"
            raise LoopedError(f"no register named `{name}`", span, hint)
        what = "memory" if is_memory(operand) else "a number"
        raise LoopedError(f"{what} stands where a register is needed", span)

    def control_register(self, operand: Operand) -> int:
        """The number of a control and status register. Raises LoopedError for anything else."""
        if isinstance(operand, Name) and not operand.symbol.is_defined:
            name = operand.symbol.name
            if name in CONTROL_REGISTERS:
                return CONTROL_REGISTERS[name]
            near = difflib.get_close_matches(name, CONTROL_REGISTERS, 1)
            hint = f"did you mean `{near[0]}`?" if near else "a name, or a number from 0 to 4095"
            raise LoopedError(f"no control register named `{name}`", operand.span, hint)
        number = self.number(operand, 0)
        if not 0 <= number < 1 << 12:
            raise LoopedError(f"no control register {number}", span_of(operand), "0 to 4095")
        return number

    def number(self, operand: Operand, here: int) -> int:
        """The value of an operand in which `.` is `here`, modifiers applied. Raises LoopedError."""
        if isinstance(operand, Missing):
            raise LoopedError("an operand is missing", operand.span)
        if isinstance(operand, Text):
            raise LoopedError("text stands where a number is needed", operand.span)
        if isinstance(operand, Modifier):
            return self._modified(operand, here)
        if register_named(operand) is not None:
            assert isinstance(operand, Name)
            if not operand.symbol.is_defined:
                raise LoopedError("a register stands where a number is needed", operand.span)
        if is_memory(operand):
            raise LoopedError("memory stands where a number is needed", operand.span)
        return self.values.value(operand, here)

    def memory(self, operand: Operand, here: int) -> tuple[int, int, Span]:
        """Offset and base register of `offset(base)`, and the span of the offset.

        Raises LoopedError for anything else.
        """
        if isinstance(operand, Memory):
            number = self.number(operand.offset, here)
            return number, self.register(operand.base), operand.offset.span
        if isinstance(operand, Group) and is_memory(operand):
            return 0, self.register(operand.inner), operand.span
        message = "memory at a register is needed here, such as 0(a1)"
        raise LoopedError(message, span_of(operand))

    def _modified(self, node: Modifier, here: int) -> int:
        if node.name not in MODIFIERS:
            near = difflib.get_close_matches(node.name, MODIFIERS, 1)
            known = f"did you mean `{near[0]}`?" if near else " ".join(MODIFIERS)
            raise LoopedError(f"no modifier named `{node.name}`", node.span, known)
        value = self.values.value(node.operand, here)
        if node.name == "%pcrel_hi":
            return high_part(value - here)
        if node.name == "%pcrel_lo":
            return low_part(self._distance(value, node))
        return high_part(value) if node.name == "%hi" else low_part(value)

    def _distance(self, place: int, node: Modifier) -> int:
        """The distance from the AUIPC at `place` to the symbol of its `%pcrel_hi`."""
        target = self.pcrel.get(place)
        if target is None:
            message = "%pcrel_lo needs the label of an auipc with %pcrel_hi"
            raise LoopedError(message, node.span)
        return self.values.value(target.operand, place) - place
