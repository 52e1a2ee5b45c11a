"""Decode: the instruction at the program counter, and the fields of its op word.

The weights of a baked program contain the instructions; a word that the program changes, as it
moves a pointer, stays in memory. Then the first MLP looks the instruction up, and all that is
decoded from it comes a block later.
"""

from __future__ import annotations

from dataclasses import dataclass

from looped.circuit.arithmetic import equal, table
from looped.circuit.circuit import Circuit
from looped.circuit.signals import Condition, disjoint_or, literal
from looped.circuit.words import Word
from looped.isa.fleq import FIELDS, FUNCTIONS, WORDS
from looped.machines.fleq.code import FleqCode

__all__ = ["Instruction", "fetch"]


@dataclass(frozen=True, slots=True)
class Instruction:
    """The words of an instruction: of `op` its fields, of addresses the bits that count.

    | port                         | bits         | content                                     |
    |------------------------------|--------------|---------------------------------------------|
    | `op`                         | 26           | the fields                                  |
    | `a`, `b`, `c`, `flag`        | address      | operands, result, what the branch judges    |
    | `p`                          | address + 1  | where it leads                              |
    | `side_bits`                  |              | the bits of a size that count: an int       |
    """

    op: Word
    a: Word
    b: Word
    c: Word
    flag: Word
    p: Word
    side_bits: int

    def field(self, name: str) -> Word:
        """A field of the op word; of a size the bits that count."""
        at, width = FIELDS[name].at, FIELDS[name].width
        if name in ("rows", "cols", "inner"):
            width = self.side_bits
        return self.op[at : at + width]

    def calls(self, function: str) -> Condition:
        """Whether the instruction calls a function."""
        return equal(self.field("function"), FUNCTIONS[function].number)

    @property
    def judges(self) -> Condition:
        """Whether the branch is judged."""
        return literal(self.field("judge"))


def fetch(m: Circuit, pc: Word, side_bits: int, code: FleqCode | None) -> Instruction:
    """Fetch the instruction at the program counter: of a baked program, `code`, from the MLP."""
    fields = max(field.at + field.width for field in FIELDS.values())
    sizes = {"op": fields, "p": m.address_bits + 1}
    words = {}
    for i, name in enumerate(WORDS):
        bits = sizes.get(name, m.address_bits)
        if code is None:
            words[name] = m.fetch(name, pc, i, slice(bits))
        else:
            words[name] = _look_up(m, name, pc, i, bits, code)
    return Instruction(**words, side_bits=side_bits)


def _look_up(m: Circuit, name: str, pc: Word, i: int, bits: int, code: FleqCode) -> Word:
    """Word `i` of the instruction; if the program moves some, a head adds those to zeros."""
    in_memory = code.in_memory(i)
    if not in_memory:
        return m.let(name, table(pc, code.constant(i, bits), bits))
    held = m.let(f"{name} in the weights", table(pc, code.constant(i, bits), m.width))
    moves = m.let(f"{name} moves", table(pc, in_memory, 1))
    word = m.let(name, disjoint_or(held, m.fetch(f"{name} in memory", pc, i, when=moves)))
    return word[:bits]
