"""Small programs under the debugger, and the reference for what they do."""

from __future__ import annotations

import functools
import io

from looped import api, registry
from looped.debug.debugger import Debugger
from looped.debug.timeline import Timeline
from looped.engines.engine import Engine
from looped.errors import Source
from looped.image import Image
from tests.conftest import compiled

__all__ = ["ADDER", "CALLS", "MEMORY", "an_engine", "debugger", "image", "timeline"]

MEMORY = 128
"""Words of memory of the machines; CALLS has its stack at the end."""

ADDER = """
.machine subleq
.width 8
loop:   in   byte
        sub  byte, sum
        putc '.'
        inc  count
        dec  left
        jgt  left, loop
        halt
sum:    .word 0
byte:   .word 0
count:  .word 0
left:   .word 5
"""
"""Subtracts five bytes of input from a sum, and writes a dot for each."""

CALLS = """
.machine rv32i
start:  li   sp, 512
        li   a0, 4
        jal  ra, double
        sw   a0, 256(zero)
        jal  ra, double
        sw   a0, 256(zero)
        li   a7, 93
        ecall
double: addi sp, sp, -4
        sw   ra, 0(sp)
        jal  ra, once
        lw   ra, 0(sp)
        addi sp, sp, 4
        ret
once:   add  a0, a0, a0
        ret
"""
"""A function that calls another, twice; the word at 256 becomes 8, then 16; exits with 16."""


def image(text: str) -> Image:
    """The program in a source."""
    return registry.assemble(Source("program.s", text))


def timeline(
    text: str, source: bytes = b"", engine: str = "lifted", show: object = lambda content: None
) -> Timeline:
    """A program at its beginning."""
    program = image(text)
    machine = compiled(program.machine, program.width, MEMORY)
    chosen = an_engine(program.machine, program.width, engine)
    return Timeline(machine, program, chosen, io.BytesIO(source), show)  # type: ignore[arg-type]


@functools.cache
def an_engine(machine: str, width: int, name: str) -> Engine:
    """An engine, which every timeline loads again: only one of them runs at a time.

    On RV32I to lift the weights takes three seconds, but to restore a snapshot then takes no time.
    """
    return api.choose_engine(compiled(machine, width, MEMORY), name)


def debugger(text: str, source: bytes = b"", engine: str = "lifted") -> Debugger:
    """A debugger of a program at its beginning."""
    return Debugger(timeline(text, source, engine))
