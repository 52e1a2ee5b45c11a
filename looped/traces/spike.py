"""Traces as the commit log of Spike, the reference simulator of RISC-V."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import BinaryIO

from looped.errors import FileError
from looped.registry import machine
from looped.traces.record import Record

__all__ = ["check_spike", "write_spike"]


def check_spike(name: str) -> None:
    """Raise FileError if a machine has no commit log."""
    if machine(name).commit_line is None:
        raise FileError(
            f"a trace of {name} cannot be a commit log of Spike, which simulates RISC-V",
            hint="--trace-format jsonl",
        )


def write_spike(
    records: Iterable[Record], file: BinaryIO, name: str, registers: Sequence[int]
) -> None:
    """Write a line for each instruction that completes; `registers` are those before the first one.

    Spike writes no line for an instruction that traps. So one that the host serves has none, and
    what the host sets is not in the log.
    """
    described, held = machine(name), list(registers)
    assert described.commit_line is not None
    for record in records:
        written = [(write.register, write.new) for write in record.registers]
        if record.trap is None or record.trap in described.causes_of_next:
            line = described.commit_line(record.pc, record.code[0], written, held)
            file.write(f"{line}\n".encode())
        for number, value in written:
            held[number] = value
