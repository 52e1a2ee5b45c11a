"""Extension: more instructions of the R-format that are sums, over one loop or several."""

from __future__ import annotations

from dataclasses import dataclass, field

from looped.circuit.signals import Value, value
from looped.circuit.words import Word

__all__ = ["NO_EXTENSION", "Extension", "OperandPorts"]


def _zero(width: int) -> Value:
    return value(0, width)


@dataclass(frozen=True, slots=True)
class OperandPorts:
    """Bits that the decoder adds to its own outputs of the same names.

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


@dataclass(frozen=True, slots=True)
class Extension:
    """Instructions whose result is the sum of the operands that `operands` makes.

    `telling_bit` is a bit of the word that is one in all of them and zero in every other valid word
    of the R-format. While the flag `unfinished` is set, nothing is written and the program counter
    stays.
    """

    mnemonics: tuple[str, ...] = ()
    telling_bit: int = 0
    operands: OperandPorts = field(default_factory=OperandPorts)
    unfinished: Word | None = None


NO_EXTENSION = Extension()
"""RV32I alone."""
