"""SUBLEQ: fetch, read, subtract, write, branch.

    a, b, c = mem[pc], mem[pc+1], mem[pc+2]
    a = -1:     mem[b] = next byte of input; stall until there is one
    b = -1:     write the low byte of mem[a] to the output
    otherwise:  mem[b] -= mem[a]; if mem[b] ≤ 0 goto c
    pc < 0:     halted, a fixed point

Giannou et al. 2023 build such a computer from 13 layers; this one takes three blocks. The input
column has the all-ones address of the device space: an operand of -1 is that address.
"""

from __future__ import annotations

from looped.circuit.arithmetic import all_ones, but_not, neither, nonpositive, table
from looped.circuit.circuit import Circuit
from looped.circuit.signals import Condition, Value, disjoint_or, literal
from looped.circuit.words import Word
from looped.machines.control_flow import ONWARD, TAKEN
from looped.machines.subleq_code import SubleqCode
from looped.number_format import SIGNED
from looped.precision import FLOAT32, Precision

__all__ = ["describe"]


def describe(
    width: int,
    address_bits: int,
    code: SubleqCode | None = None,
    precision: Precision = FLOAT32,
    *,
    order: int = 0,
    input: int = 0,
) -> Circuit:
    """One step of SUBLEQ. With `code` (address → a, b, c) the weights contain the instructions.

    In other dialects b comes before a (`order` 1), or input is added to mem[b] (`input` 1).
    """
    m = Circuit("subleq", width, address_bits, precision=precision, number=SIGNED)

    # state: the program counter, and a pin by which the host says that the input column is full
    pc = m.register("pc", width)
    ready_pin = m.pin("ready")
    ready = literal(ready_pin)
    halted = literal(pc.sign)
    m.halts(pc.sign)

    # fetch and decode
    (a, b, c), takes, gives, subtracts = _decoded(m, pc, code, order)
    reading = m.output("reading", m.select(ready & ~halted, takes, 0))
    waiting = m.output("waiting", m.select(~ready & ~halted, takes, 0))
    writing = m.output("writing", m.select(~halted, gives, 0))
    subtracting = literal(m.let("subtracting", m.select(~halted, subtracts, 0)))

    # read and subtract
    x = m.read("mem_a", a, port=reading)
    y = m.read("mem_b", b)
    if input:
        others = ~subtracting & ~literal(reading)
        sums = m.select(subtracting, m.sub(y, x), 0), m.select(reading, m.add(y, x), 0)
        result = m.let("result", disjoint_or(*sums, m.select(others, y, 0)))
    else:
        kept = m.select(reading, x, y)
        result = m.let("result", m.select(subtracting, m.sub(y, x), kept))
    out = m.output("out", m.select(writing, x[:8], 0), 8)

    # write back and branch
    m.write("result", b, result)
    following = m.let("following", m.select(literal(waiting) | halted, pc, _onward(m, pc, code)))
    m.next(pc, m.select(subtracting & nonpositive(result), c, following))

    # what the host sees
    m.input_port(ready=ready_pin, taken=reading, waiting=waiting)
    m.output_port(out, when=writing)
    return m


def _decoded(
    m: Circuit, pc: Word, code: SubleqCode | None, order: int
) -> tuple[tuple[Word, Word, Word], Condition | Value, Value, Condition | Value]:
    """The operands a, b and c, and whether they take input, write output, subtract."""
    if code is None:
        a, b, c = m.fetch("a", pc, order), m.fetch("b", pc, 1 - order), m.fetch("c", pc, 2)
        takes, gives = all_ones(a), but_not(all_ones(b), all_ones(a))
        return (a, b, c), takes, gives, neither(all_ones(a), all_ones(b))
    a, b = (m.let(name, table(pc, code.operand(i), m.width)) for i, name in enumerate("ab"))
    if code.graph:
        c = m.let(TAKEN, table(pc, code.edges[TAKEN], m.width))
    else:
        c = m.let("c", table(pc, code.operand(2), m.width))
    known = (table(pc, kind, 1) for kind in (code.takes, code.gives, code.subtracts))
    reads, writes, differs = known
    return (a, b, c), reads, writes, differs


def _onward(m: Circuit, pc: Word, code: SubleqCode | None) -> Word | Value:
    """The program counter of the next instruction if there is no branch."""
    if code is None or not code.graph:
        return m.add(pc, 3)
    return m.let(ONWARD, table(pc, code.edges[ONWARD], m.width))
