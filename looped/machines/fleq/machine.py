"""FLEQ: mem[c] = f(mem[a], mem[b]); if mem[flag] ≤ 0 goto p, as a circuit of four blocks.

Giannou et al. 2023, "Looped Transformers as Programmable Computers", FLEQ. One worker or several
sweep over the elements of the result.

| block | attention                             | MLP                                              |
|-------|---------------------------------------|--------------------------------------------------|
| 1     | fetch op a b c flag p; read x, y < 0  | decode; what is on the bus; result; offsets      |
| 2     | read y in terms, mem[flag]; write     | lowest places, ones counted; segment; control    |
| 3     |                                       | middle places; look up the segment               |
| 4     |                                       | highest places; the next coefficient             |

A loop begins an element, another writes or prints it, a third judges the branch after the last one.
Between the first two a function takes as many loops as `modes` says.
"""

from __future__ import annotations

from looped.circuit.circuit import Circuit
from looped.circuit.signals import Value, any_of_disjoint, disjoint_or, gated, literal
from looped.circuit.words import Word
from looped.errors import CompileError
from looped.isa.fleq import Format
from looped.machines.fleq import control, index
from looped.machines.fleq.accumulator import accumulate, result
from looped.machines.fleq.adder import adder
from looped.machines.fleq.bus import ONE, Bus, bits
from looped.machines.fleq.code import FleqCode
from looped.machines.fleq.decode import Instruction, fetch
from looped.machines.fleq.division import divide, overflow
from looped.machines.fleq.index import IndexOutputs
from looped.machines.fleq.modes import Lengths
from looped.machines.fleq.operands import LOW, TERMS, add_or_subtract, counts, multiply, read_terms
from looped.machines.fleq.quadratics import evaluate, next_coefficient
from looped.machines.fleq.root import take_root
from looped.machines.fleq.state import DIGIT, State, registers
from looped.number_format import NumberFormat, WordKind
from looped.precision import FLOAT32, Precision

__all__ = ["FRACTION", "SIDE", "describe"]

FRACTION, SIDE = 16, 8
"""The word format and the row stride of a machine that is asked for nothing else."""


def describe(
    width: int,
    address_bits: int,
    code: FleqCode | None = None,
    precision: Precision = FLOAT32,
    *,
    fraction: int = FRACTION,
    side: int = SIDE,
) -> Circuit:
    """One loop of FLEQ with 2^address_bits words of memory, rows of `side` words.

    With `code` the weights contain the instructions of a program, and there is a block more.
    Raises CompileError for a word format or a memory that FLEQ cannot have, and for a number format
    that cannot hold the sums of its adder.
    """
    _check(width, address_bits, precision, fraction, side)
    side_bits = side.bit_length() - 1
    m = Circuit("fleq", width, address_bits, precision=precision)
    length = Lengths(width, fraction, DIGIT)
    s = registers(m, side_bits, length)
    i = fetch(m, s.pc, side_bits, code)
    trap = control.trapping(m, i, s)
    element = index.index(m, i, s, trap)
    m.next(s.accumulator, _datapath(m, i, s, length))
    _store(m, i, s, element, result(m, i, s, length.digits, fraction), fraction)
    index.advance(m, s, element, trap)
    control.advance(m, i, s, element, trap, length)
    return m


def _datapath(m: Circuit, i: Instruction, s: State, length: Lengths) -> Value:
    """What all functions put on the bus, and the sum of it."""
    words = {"kept": len(s.accumulator), "low": m.width, "partial": m.width}
    words |= dict.fromkeys((LOW, *TERMS), m.width)
    bus = Bus(words | {counts(term): 1 for term in (LOW, *TERMS)})
    x = m.read("x", s.place_x)
    y_sign = m.read("sign of y", s.place_y, bits=slice(m.width - 1, m.width))
    accumulate(bus, i, x, s, length.fraction)
    multiply(bus, x, s, length.digits)
    add_or_subtract(bus, i, s)
    divide(bus, x, y_sign, s)
    take_root(bus, x, s, length.fraction)
    segment = evaluate(m, bus, x, s, length)
    overflow(m, s)
    next_coefficient(m, bus, i, s, segment, length)
    m.next(s.low, bus.value("low"))
    return adder(m, m.let("kept", bus.value("kept")), read_terms(m, bus, s))


def _store(
    m: Circuit, i: Instruction, s: State, element: IndexOutputs, word: Word, fraction: int
) -> None:
    """Write the result, or print it."""
    inside = s.writes & element.inside
    prints = inside & i.calls("print")
    printing = m.output("printing", any_of_disjoint([prints]))
    stores = disjoint_or(any_of_disjoint([inside]), gated(prints, -ONE))
    m.write("result", element.place, word, when=m.let("stores", stores))
    signed = NumberFormat(WordKind.SIGNED, fraction)
    printed = m.output("printed", gated(literal(printing), *bits(word)), m.width, signed)
    ends = m.output("line end", literal(printing) & element.ends_row)
    m.print_port(printed, when=printing, ends_line=ends)


def _check(width: int, address_bits: int, precision: Precision, fraction: int, side: int) -> None:
    Format(width, fraction)
    if side not in (2, 4, 8, 16):
        raise CompileError(f"fleq has no side of {side}", hint="sides: 2, 4, 8, 16")
    if 1 << address_bits < side * side:
        raise CompileError(
            f"a memory of {1 << address_bits} words is impossible with rows of {side} words",
            hint=f"at least {side * side} words",
        )
    if precision.mantissa < FLOAT32.mantissa:
        raise CompileError(f"fleq cannot be compiled for {precision.name}", hint="--dtype float32")
