"""FLEQ: mem[c] = f(mem[a], mem[b]); if mem[flag] ≤ 0 goto p, as a circuit of four blocks.

Giannou et al. 2023, "Looped Transformers as Programmable Computers", FLEQ. One worker or several
sweep over the elements of the result.

| block | attention                             | MLP                                              |
|-------|---------------------------------------|--------------------------------------------------|
| 1     | fetch op a b c flag p; read x         | decode; which terms count; result; offsets       |
| 2     | read terms, mem[flag]; write          | lowest places, ones counted; addresses; control  |
| 3     |                                       | middle places                                    |
| 4     |                                       | highest places                                   |

A loop begins an element, another writes it, a third judges the branch after the last one. Between
the first two a product takes 8 loops for each k, every other function one.
"""

from __future__ import annotations

from looped.circuit.circuit import Circuit
from looped.circuit.signals import any_of_disjoint
from looped.errors import CompileError
from looped.isa.fleq import Format
from looped.machines.fleq import control, index
from looped.machines.fleq.accumulator import accumulate, result
from looped.machines.fleq.adder import adder
from looped.machines.fleq.decode import fetch
from looped.machines.fleq.operands import operands
from looped.machines.fleq.state import registers
from looped.precision import FLOAT32, Precision

__all__ = ["FRACTION", "IMPLEMENTED", "SIDE", "describe"]

IMPLEMENTED = ("mul", "relu", "add", "sub", "copy")
"""The functions that the machine has; every other one traps."""

FRACTION, SIDE = 16, 8
"""The word format and the row stride of a machine that is asked for nothing else."""


def describe(
    width: int,
    address_bits: int,
    code: None = None,
    precision: Precision = FLOAT32,
    *,
    fraction: int = FRACTION,
    side: int = SIDE,
) -> Circuit:
    """One loop of FLEQ with 2^address_bits words of memory, rows of `side` words.

    Raises CompileError for a word format or a memory that FLEQ cannot have, and for a number format
    that cannot hold the sums of its adder.
    """
    _check(width, address_bits, precision, fraction, side)
    side_bits = side.bit_length() - 1
    m = Circuit("fleq", width, address_bits, precision=precision)
    s = registers(m, side_bits)
    i = fetch(m, s.pc, side_bits)
    trap = control.trapping(m, i, s, IMPLEMENTED)
    element = index.index(m, i, s, trap)
    terms = operands(m, i, s)
    kept = accumulate(m, i, s, fraction)
    m.write(
        "result",
        element.place,
        result(m, i, s, fraction),
        when=m.let("stores", any_of_disjoint([s.writes & element.inside])),
    )
    m.next(s.accumulator, adder(m, kept, terms))
    index.advance(m, s, element, trap)
    control.advance(m, i, s, element, trap, IMPLEMENTED)
    return m


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
