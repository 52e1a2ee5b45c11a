"""Instruction sets as data."""

from looped.isa.isa import Instruction, InstructionSet, Operand
from looped.isa.subleq import SUBLEQ

__all__ = ["INSTRUCTION_SETS", "SUBLEQ", "Instruction", "InstructionSet", "Operand"]

INSTRUCTION_SETS: dict[str, InstructionSet] = {SUBLEQ.name: SUBLEQ}
