"""Register read: the operands of an instruction, the base of a target, and the word to store."""

from __future__ import annotations

from dataclasses import dataclass

from looped.circuit.arithmetic import without
from looped.circuit.circuit import Circuit
from looped.circuit.signals import disjoint_or
from looped.circuit.words import Word

__all__ = ["Operands", "RegisterInputs", "read_registers"]


@dataclass(frozen=True, slots=True)
class RegisterInputs:
    """Ports into the register read; see Decoded, which has all of them.

    | port          | bits | content                                           |
    |---------------|------|---------------------------------------------------|
    | `rs1`         | 5    | the register in the first operand                 |
    | `first`       | 32   | the rest of the first operand                     |
    | `rs2_add`     | 5    | the register added to the second operand          |
    | `rs2_sub`     | 5    | the register subtracted from it                   |
    | `second`      | 32   | the rest of the second operand                    |
    | `target_rs1`  | 5    | the register in the base of a target              |
    | `target_base` | 32   | the rest of that base                             |
    | `rs2`         | 5    | the register that a store writes to memory        |
    """

    rs1: Word
    first: Word
    rs2_add: Word
    rs2_sub: Word
    second: Word
    target_rs1: Word
    target_base: Word
    rs2: Word


@dataclass(frozen=True, slots=True)
class Operands:
    """Ports out of the register read.

    | port   | bits | content                                |
    |--------|------|----------------------------------------|
    | `x`    | 32   | the first operand                      |
    | `y`    | 32   | the second operand or its complement   |
    | `base` | 32   | the base of a target                   |
    | `rs2`  | 32   | x[rs2]                                 |
    """

    x: Word
    y: Word
    base: Word
    rs2: Word


def read_registers(m: Circuit, i: RegisterInputs) -> Operands:
    """Read up to five registers. Of the terms of a sum, at most one has a one in any place, so no
    adder is needed."""
    first = m.read_register("rs1 value", i.rs1)
    added, subtracted = (
        m.read_register("rs2 added", i.rs2_add),
        m.read_register("rs2 subtracted", i.rs2_sub),
    )
    target = m.read_register("target rs1 value", i.target_rs1)
    return Operands(
        x=m.let("x", disjoint_or(i.first, first)),
        y=m.let("y", without(disjoint_or(i.second, added), subtracted)),
        base=m.let("base", disjoint_or(i.target_base, target)),
        rs2=m.read_register("rs2", i.rs2),
    )
