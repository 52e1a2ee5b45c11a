"""Which words of a SUBLEQ image are instructions, and whether they ever change.

Every operand of an instruction is a constant if nothing writes to an instruction. So the
instructions that are reachable from the entry of a program, and the addresses that they write to,
are known without a run. The next one is at pc + 3 or at c: only at pc + 3 if it reads or writes a
byte, only at c if it subtracts a word from itself (a jump). This module decides whether a program
never writes to its instructions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

from looped.errors import CompileError
from looped.image import Image
from looped.machines.control_flow import ONWARD, TAKEN, Edges

__all__ = ["SubleqCode", "read_code"]


@dataclass(frozen=True, slots=True)
class SubleqCode:
    """Reachable instructions: program counter → (a, b, c), and the words that are code and not
    data. With `graph` the control-flow graph is the program counter."""

    width: int
    instructions: dict[int, tuple[int, int, int]]
    addresses: frozenset[int]
    graph: bool = False

    def as_graph(self) -> Self:
        """The same code, whose control-flow graph is the program counter."""
        return replace(self, graph=True)

    @property
    def edges(self) -> Mapping[str, Edges]:
        """Where each instruction branches to, and the next one, if there is an instruction or the
        machine halts there."""
        ones, halted = (1 << self.width) - 1, 1 << (self.width - 1)
        onward = {pc: pc + 3 & ones for pc in self.instructions}
        return {
            TAKEN: {pc: c for pc, c in self.operand(2).items() if self.subtracts[pc]},
            ONWARD: {pc: v for pc, v in onward.items() if v in self.instructions or v & halted},
        }

    @property
    def nodes(self) -> frozenset[int]:
        """The program counters in either graph."""
        return frozenset(
            pc for edges in self.edges.values() for edge in edges.items() for pc in edge
        )

    def operand(self, index: int) -> dict[int, int]:
        """Program counter → operand a (0), b (1) or c (2)."""
        return {pc: operands[index] for pc, operands in self.instructions.items()}

    @property
    def takes(self) -> dict[int, int]:
        """Program counter → 1 if the instruction there takes input."""
        ones = (1 << self.width) - 1
        return {pc: int(a == ones) for pc, (a, _, _) in self.instructions.items()}

    @property
    def gives(self) -> dict[int, int]:
        """Program counter → 1 if the instruction there writes a byte of output."""
        ones = (1 << self.width) - 1
        return {pc: int(b == ones != a) for pc, (a, b, _) in self.instructions.items()}

    @property
    def subtracts(self) -> dict[int, int]:
        """Program counter → 1 if the instruction there neither reads nor writes a byte."""
        ones = (1 << self.width) - 1
        return {pc: int(ones not in (a, b)) for pc, (a, b, _) in self.instructions.items()}


def read_code(image: Image, memory: int) -> SubleqCode:
    """The instructions that are reachable from an image's entry, for a memory of `memory` words.

    Raises CompileError if one of them writes to a word of one of them.
    """
    words = image.padded(memory)
    order, adds = image.parameter("order") or 0, image.parameter("input") or 0
    instructions = _reachable(words, image.width, image.entry, order)
    owner = {(pc + k) % memory: pc for pc in instructions for k in range(3)}
    ones = (1 << image.width) - 1
    read = set()
    for pc, (a, b, _) in instructions.items():
        target = b % memory
        if (a == ones or b != ones) and target in owner:
            raise _self_modification(image, pc, target)
        if adds and a == ones:
            read.add(target)
        if a != ones:
            read.update({a % memory} if b == ones else {a % memory, target})
    return SubleqCode(image.width, instructions, frozenset(owner) - read)


def _reachable(
    words: tuple[int, ...], width: int, entry: int, order: int
) -> dict[int, tuple[int, int, int]]:
    ones, halted = (1 << width) - 1, 1 << (width - 1)
    instructions: dict[int, tuple[int, int, int]] = {}
    pending = [entry]
    while pending:
        pc = pending.pop()
        if pc in instructions or pc & halted:
            continue
        a, b, c = (words[(pc + k) % len(words)] for k in (order, 1 - order, 2))
        instructions[pc] = (a, b, c)
        transfers = ones in (a, b)
        if transfers or a % len(words) != b % len(words):
            pending.append((pc + 3) & ones)
        if not transfers:
            pending.append(c)
    return instructions


def _self_modification(image: Image, pc: int, target: int) -> CompileError:
    def place(address: int) -> str:
        location = image.location(address)
        return f"address {address}" + (f" ({location})" if location else "")

    return CompileError(
        f"the instruction at {place(pc)} writes to {place(target)}, which is an instruction too: "
        "a baked program cannot change itself",
        hint="run it on the universal machine: leave out --bake",
    )
