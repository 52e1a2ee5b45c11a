"""Instruction sets as data."""

from looped.isa.isa import Instruction, InstructionSet, Operand

__all__ = ["Instruction", "InstructionSet", "Operand"]
