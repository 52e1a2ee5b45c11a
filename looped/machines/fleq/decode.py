"""Decode: the instruction at the program counter, and the fields of its op word."""

from __future__ import annotations

from dataclasses import dataclass

from looped.circuit.arithmetic import equal
from looped.circuit.circuit import Circuit
from looped.circuit.signals import Condition, literal
from looped.circuit.words import Word
from looped.isa.fleq import FIELDS, FUNCTIONS, WORDS

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


def fetch(m: Circuit, pc: Word, side_bits: int) -> Instruction:
    """Fetch the instruction at the program counter."""
    fields = max(field.at + field.width for field in FIELDS.values())
    sizes = {"op": fields, "p": m.address_bits + 1}
    words = {
        name: m.fetch(name, pc, i, slice(sizes.get(name, m.address_bits)))
        for i, name in enumerate(WORDS)
    }
    return Instruction(**words, side_bits=side_bits)
