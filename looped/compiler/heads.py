"""Reads and writes as attention heads over named lanes.

A position is a code of ±1 lanes: the address of a memory column under tag -1; under tag +1 the CPU
(all -1) and the input column (all +1). Codes of n lanes score n where equal, else n - 2 at most.

*Read.* The CPU asks for an address. Every other column asks for tag +1 and whatever its idle
address lanes hold, all -1: that is the CPU's own position, where the memory word is -1 and
`value + 1` is zero. So they add nothing.

*Write.* Every column asks for its own position. The CPU's key is the address that it writes to, and
one is added to its score: it wins exactly where the address matches, by 1, otherwise a column finds
itself, by 1. To the device columns other tags apply, so that the CPU finds itself and the input
column itself. Both heads carry the same value, `value + 1` of a memory column or `new + 1` of the
CPU; the first adds what is found, the second, in which each column finds itself, subtracts its own.

The inverse temperature makes the softmax of such scores one-hot to the last bit: the smallest gap
times β lies above UNDERFLOW, where exp is zero in float64, and so in every smaller dtype. (float16
cannot hold the scores that this takes; its machines make do with the underflow of float32.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from looped.compiler.circuit import Circuit, Read, Write
from looped.compiler.layout import CPU, TAG, VALUE, position
from looped.compiler.precision import FLOAT32, FLOAT64, Precision
from looped.compiler.words import Form, Lane, Word, sign

__all__ = ["UNDERFLOW", "Head", "erase_head", "inverse_temperature", "read_head", "write_head"]

UNDERFLOW = FLOAT64.underflow
"""exp(-x) rounds to zero in float64 for x above this: half its smallest subnormal, 2^-1075."""


@dataclass(frozen=True, slots=True)
class Head:
    """One attention head before it has indices: forms for q, k, v and the lanes that v goes to.

    `gap` is the least difference between the best score and the next, before scaling by `beta`;
    `factor` says whether what is found is added (+1) or subtracted (-1).
    """

    name: str
    query: tuple[Form, ...]
    key: tuple[Form, ...]
    value: tuple[Form, ...]
    out: tuple[Lane, ...]
    factor: int
    gap: int
    beta: int
    explanation: str


def inverse_temperature(gap: int, precision: Precision) -> int:
    """The smallest power of two β with β · gap above the underflow."""
    wide = precision.exponent >= FLOAT32.exponent
    underflow = UNDERFLOW if wide else precision.underflow
    return 1 << math.ceil(math.log2(underflow / gap))


def read_head(read: Read, circuit: Circuit) -> Head:
    """The CPU column copies the word at an address; all others find zero."""
    tag = -sign(CPU[0])
    if read.port is not None:
        tag = tag + sign(read.port[0]) + 1
    value = Word.of(VALUE, circuit.width)
    where = f"{read.address}" + (f" + {read.offset}" if read.offset else "")
    return Head(
        name=read.name,
        query=(*map(sign, read.address), tag),
        key=(*map(sign, position(read.offset, circuit.address_bits)), sign(TAG[0])),
        value=tuple(sign(lane) + 1 for lane in value),
        out=read.result.lanes,
        factor=1,
        gap=2,
        beta=inverse_temperature(2, circuit.precision),
        explanation=f"{read.name} := mem[{where}]",
    )


def write_head(write: Write, circuit: Circuit) -> Head:
    """Every column finds the new content of its own position."""
    n = circuit.address_bits
    codes = position(0, n)
    # tag of the query: 1 in memory, -1 in the input column, 2n + 1 in the CPU column
    asks = (sign(CPU[0]) + 1) * (n + 1) - sign(TAG[0])
    # tag of the key: 0 in memory, -1 in the input column, 1 in the CPU column
    answers = (-sign(TAG[0]) + 1) * Fraction(1, 2) + sign(CPU[0])
    return Head(
        name=f"write {write.name}",
        query=(*map(sign, codes), asks),
        key=(*(sign(p) + sign(a) + 1 for p, a in zip(codes, write.address, strict=True)), answers),
        value=_content(write, circuit),
        out=Word.of(VALUE, circuit.width).lanes,
        factor=1,
        gap=1,
        beta=inverse_temperature(1, circuit.precision),
        explanation=f"mem[{write.address}] += {write.value}, others += themselves",
    )


def erase_head(write: Write, circuit: Circuit) -> Head:
    """Every column finds itself, and takes its old content away."""
    codes = tuple(map(sign, (*position(0, circuit.address_bits), *TAG)))
    return Head(
        name=f"erase for {write.name}",
        query=codes,
        key=codes,
        value=_content(write, circuit),
        out=Word.of(VALUE, circuit.width).lanes,
        factor=-1,
        gap=2,
        beta=inverse_temperature(2, circuit.precision),
        explanation="every column -= its old content",
    )


def _content(write: Write, circuit: Circuit) -> tuple[Form, ...]:
    """`value + 1` in memory columns, `new + 1` in the CPU column: the other of the two is idle."""
    value = Word.of(VALUE, circuit.width)
    return tuple(sign(v) + sign(new) + 2 for v, new in zip(value, write.value, strict=True))
