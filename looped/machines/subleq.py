"""SUBLEQ: fetch, read, subtract, write, branch.

    a, b, c = mem[pc], mem[pc+1], mem[pc+2]
    a = -1:     mem[b] = next byte of input; stall until there is one
    b = -1:     put out the low byte of mem[a]
    otherwise:  mem[b] -= mem[a]; if mem[b] ≤ 0 goto c
    pc < 0:     halted, a fixed point

Giannou et al. 2023 build such a computer from 13 layers; here it takes three blocks. The input
column has the all-ones address of the device space: an operand of -1 names it as it stands.
"""

from __future__ import annotations

from looped.compiler.arithmetic import all_ones, nonpositive, table
from looped.compiler.circuit import Circuit
from looped.compiler.signals import Condition, Value, literal
from looped.machines.machine import Machine
from looped.machines.subleq_code import SubleqCode, read_code

__all__ = ["SUBLEQ", "describe"]


def describe(width: int, address_bits: int, code: SubleqCode | None = None) -> Circuit:
    """One step of SUBLEQ. With `code` (address → a, b, c) instructions come from the weights."""
    m = Circuit("subleq", width, address_bits)

    # state: the program counter, and a pin by which the host says that the input column is full
    pc = m.register("pc", width)
    ready = literal(m.pin("ready"))
    halted = literal(pc.sign)
    m.halts(pc.sign)

    # fetch and decode
    takes: Condition | Value
    gives: Condition | Value
    if code is None:
        a, b, c = m.fetch("a", pc), m.fetch("b", pc, 1), m.fetch("c", pc, 2)
        takes, gives = all_ones(a), all_ones(b) & ~all_ones(a)
    else:
        a, b, c = (m.let(name, table(pc, code.operand(i), width)) for i, name in enumerate("abc"))
        takes, gives = table(pc, code.takes, 1), table(pc, code.gives, 1)
    reading = m.output("reading", m.select(ready & ~halted, takes, 0))
    waiting = m.output("waiting", m.select(~ready & ~halted, takes, 0))
    writing = m.output("writing", m.select(~halted, gives, 0))
    idle = literal(waiting) | halted

    # read and subtract
    x = m.read("mem_a", a, port=reading)
    y = m.read("mem_b", b)
    kept = m.select(literal(writing) | idle, y, m.sub(y, x))
    result = m.let("result", m.select(reading, x, kept))
    m.output("out", m.select(writing, x[:8], 0), 8)

    # write back and branch
    m.write("result", b, result)
    following = m.let("following", m.select(idle, pc, m.add(pc, 3)))
    straight = literal(reading) | literal(writing) | idle
    taken = ~straight & nonpositive(result)
    m.next(pc, m.select(taken, c, following))
    return m


SUBLEQ = Machine("subleq", (8, 16, 32), describe, read_code)
