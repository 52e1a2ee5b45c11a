"""Record: all that one instruction did, in the words of people and of files."""

from __future__ import annotations

import msgspec

__all__ = ["NAMES", "Read", "Record", "RegisterWrite", "Write"]


class Read(msgspec.Struct, frozen=True, gc=False):
    """A word of memory that an instruction read."""

    address: int
    value: int


class Write(msgspec.Struct, frozen=True, gc=False):
    """A word of memory that an instruction wrote, and what was there before."""

    address: int
    old: int
    new: int


class RegisterWrite(msgspec.Struct, frozen=True, gc=False):
    """A register that an instruction wrote, and what was there before."""

    register: int
    old: int
    new: int


class Record(msgspec.Struct, frozen=True, gc=False):
    """One instruction of a trace. (msgspec makes a struct in a fraction of a dataclass's time.)

    `step` counts instructions from the beginning of the program, `loop` the passes that they took,
    up to this one and from the beginning of the trace. A pass in which the machine waits for input
    does not count. `code` are the words of the instruction, `text` is its disassembly, `source` its
    file and line; `code` and `text` are empty outside memory. Addresses are those of the machine,
    so bytes on one whose addresses count bytes; all values are unsigned words. `branch` is true if
    the next instruction is not the one that follows. `input` is the word that the instruction took,
    all ones at the end of the input; `output` has one character per byte, code points 0 to 255.
    `trap` is the cause of a trap. What the host set while it served the trap is among `writes` and
    `registers`.
    """

    step: int
    loop: int
    pc: int
    next_pc: int
    code: tuple[int, ...]
    text: str
    source: str | None
    reads: tuple[Read, ...]
    writes: tuple[Write, ...]
    registers: tuple[RegisterWrite, ...]
    branch: bool
    input: int | None
    output: str
    trap: int | None


NAMES = Record.__struct_fields__
"""The names of the fields, in the order of files."""
