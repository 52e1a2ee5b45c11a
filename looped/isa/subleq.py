"""The one instruction of SUBLEQ (dialect: see looped/reference/subleq.py)."""

from __future__ import annotations

from looped.isa.isa import Default, Instruction, InstructionSet, Operand

__all__ = ["SUBLEQ"]

SUBLEQ = InstructionSet(
    name="subleq",
    instructions=(
        Instruction(
            "subleq",
            (Operand("a"), Operand("b", Default.FIRST), Operand("c", Default.NEXT)),
        ),
    ),
    widths=(8, 16, 32),
    prelude="subleq.sasm",
)
