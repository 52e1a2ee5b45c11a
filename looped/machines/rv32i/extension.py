"""Extension: more instructions than those of RV32I, over one loop or several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from looped.circuit.signals import Signal, Value, disjoint_or, value
from looped.circuit.words import Word, constant
from looped.machines.rv32i.kinds import Kind

__all__ = ["NO_EXTENSION", "Extension", "OperandPorts", "WritePorts", "number_or"]


def number_or(*numbers: Value) -> Value:
    """The bitwise sum of numbers of registers, of as many bits as the widest of them."""
    width = max(map(len, numbers))
    zero = Signal(constant(0))
    filled = (Value((*each.signals, *[zero] * (width - len(each)))) for each in numbers)
    return disjoint_or(*filled)


def _zero(width: int) -> Value:
    return value(0, width)


@dataclass(frozen=True, slots=True)
class OperandPorts:
    """Bits that the decoder adds to its own outputs of the same names.

    A number of a register has at least 5 bits, and as many as the register file needs if the
    extension reads others than x0 to x31.

    | port       | bits | added to                                            |
    |------------|------|-----------------------------------------------------|
    | `rs1`      | 5    | the register that the first operand takes           |
    | `first`    | 32   | the first operand apart from that register          |
    | `rs2_add`  | 5    | the register that is added to the second operand    |
    | `rs2_sub`  | 5    | the register that is subtracted from it             |
    | `second`   | 32   | the second operand apart from those registers       |
    | `inverted` | 1    | the carry into the sum                              |

    A port that is not connected adds zero.
    """

    rs1: Value = field(default_factory=lambda: _zero(5))
    first: Value = field(default_factory=lambda: _zero(32))
    rs2_add: Value = field(default_factory=lambda: _zero(5))
    rs2_sub: Value = field(default_factory=lambda: _zero(5))
    second: Value = field(default_factory=lambda: _zero(32))
    inverted: Value = field(default_factory=lambda: _zero(1))

    def with_those_of(self, other: OperandPorts) -> OperandPorts:
        """The ports of two extensions whose instructions differ."""
        names = (each.name for each in fields(self))
        both = {name: number_or(getattr(self, name), getattr(other, name)) for name in names}
        return OperandPorts(**both)


@dataclass(frozen=True, slots=True)
class WritePorts:
    """What an extension writes by itself, in loops in which RV32I writes nothing.

    | port       | bits | content                                                        |
    |------------|------|----------------------------------------------------------------|
    | `result`   | 32   | the word to write, else zero                                   |
    | `number`   | 6    | the register to write, in every loop                           |
    | `when`     | 1    | whether the extension writes                                   |
    | `to_memory`| 1    | whether it writes to memory, at the address of a load or store |
    | `withheld` | 1 each | flags of loops in which RV32I must not write what it computes  |
    """

    result: Value
    number: Word
    when: Value
    to_memory: Word
    withheld: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Extension:
    """More instructions.

    Those of `mnemonics` are of the R-format; their result is the sum of the operands that
    `operands` makes. `telling_bit` is a bit of the word that is one in all of them and zero in
    every other valid word of the R-format. While the flag `unfinished` is set, nothing is written
    and the program counter stays.

    Others use the units in several loops, in ways of their own: `kinds` are more conditions for the
    flags of the decoder, `probe` is the flag of an access to memory that only reads. While one of
    the flags `idle` is set, RV32I executes nothing.
    """

    mnemonics: tuple[str, ...] = ()
    telling_bit: int = 0
    operands: OperandPorts = field(default_factory=OperandPorts)
    unfinished: Word | None = None
    kinds: Mapping[Kind, Value] = field(default_factory=dict)
    probe: Word | None = None
    idle: tuple[Word, ...] = ()
    writes: WritePorts | None = None


NO_EXTENSION = Extension()
"""RV32I alone."""
