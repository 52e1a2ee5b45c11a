"""Instruction, Operand, InstructionSet: an instruction set as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["Default", "Instruction", "InstructionSet", "Operand"]


class Default(Enum):
    """What an operand means when it is omitted."""

    REQUIRED = "required"
    NEXT = "the address of the next instruction"
    FIRST = "the same as the first operand"


@dataclass(frozen=True, slots=True)
class Operand:
    """An operand of an instruction: its name in the manual, and its meaning if omitted."""

    name: str
    default: Default = Default.REQUIRED


@dataclass(frozen=True, slots=True)
class Instruction:
    """An instruction whose operands are one word each, in order."""

    mnemonic: str
    operands: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class InstructionSet:
    """A machine language: its name, its instructions, its word widths, its macro library.

    `prelude` names the macro library in `looped/lang/library` that every source may use, if any.
    """

    name: str
    instructions: tuple[Instruction, ...]
    widths: tuple[int, ...]
    prelude: str | None = None

    def instruction(self, mnemonic: str) -> Instruction | None:
        """The instruction of that name, or None."""
        return next((i for i in self.instructions if i.mnemonic == mnemonic), None)
