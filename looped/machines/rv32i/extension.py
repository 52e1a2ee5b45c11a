"""What an extension adds to RV32I: more instructions that are sums, perhaps over several loops."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from looped.compiler.signals import Value
from looped.compiler.words import Word

__all__ = ["NO_EXTENSION", "Extension"]


@dataclass(frozen=True, slots=True)
class Extension:
    """Instructions of the R-format whose result is the sum of what their operands are made to be.

    `telling_bit` is a bit of the word that is one in all of them and zero in every other valid word
    of the R-format. `operands` are bits by the name of an operand in Decoded, to be added to what
    RV32I makes of the word. While the bit `unfinished` is set, nothing is written and the program
    counter stays.
    """

    mnemonics: tuple[str, ...] = ()
    telling_bit: int = 0
    operands: Mapping[str, Value] = field(default_factory=dict)
    unfinished: tuple[Word, ...] = ()

    def adds(self, operand: str) -> tuple[Value, ...]:
        """What is added to an operand: a value or nothing."""
        return (self.operands[operand],) if operand in self.operands else ()


NO_EXTENSION = Extension()
"""RV32I alone."""
