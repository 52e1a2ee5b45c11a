"""Reads and writes as attention heads over named lanes.

A position is a code of ±1 lanes: the address of a memory column under tag -1; under tag +1 the CPU
(all -1) and the input column (all +1). Codes of n lanes score n where equal, else n - 2 at most.
Registers have their numbers as positions, under tag -1 as well; a tag of their own, `file`, tells
them from memory. It is a lane of the code like any other, on machines that have it.

*Read.* The CPU asks for an address. Every other column asks for tag +1 and whatever its idle
address lanes hold, all -1: that is the CPU's own position, where the memory word is -1 and
`value + 1` is zero. So they add nothing.

*Write.* Every column asks for its own position. The CPU's key is the address that it writes to, and
one is added to its score: it wins exactly where the address matches, by 1, otherwise a column finds
itself, by 1. To the device columns other tags apply, so that the CPU finds itself and the input
column itself. Both heads carry the same value, `value + 1` of a memory column or `new + 1` of the
CPU; the first adds what is found, the second, in which each column finds itself, subtracts its own.
Where a bit says whether to write at all, that one point is the bit: it is taken away if the bit is
-1, and the CPU loses everywhere by 1. The input column, to which a point is what is taken away,
finds itself by two points then.

The inverse temperature makes the softmax of such scores one-hot to the last bit: the smallest gap
times β lies above UNDERFLOW, where exp is zero in float64, and so in every smaller dtype. (float16
cannot hold the scores that this takes; its machines make do with the underflow of float32.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from looped.circuit.circuit import Circuit, Read, Write
from looped.circuit.words import Form, Lane, Word, bit, constant, sign
from looped.passes.allocate import CPU, FILE, TAG, VALUE, position
from looped.precision import FLOAT32, FLOAT64, Precision

__all__ = [
    "UNDERFLOW",
    "Head",
    "erase_head",
    "inverse_temperature",
    "read_head",
    "write_head",
]

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
    tag, file = -sign(CPU[0]), sign(CPU[0]) if read.file else constant(-1)
    if read.port is not None:
        tag = tag + sign(read.port[0]) + 1
    codes = position(read.offset, circuit.address_bits)
    rest = [constant(-1)] * (len(codes) - len(read.address))
    value = Word.of(VALUE, circuit.width)
    where = f"{read.address}" + (f" + {read.offset}" if read.offset else "")
    how = ":=" if read.onto is None else "-=" if read.negated else "+="
    return Head(
        name=read.name,
        query=(
            *map(sign, read.address),
            *rest,
            *((tag, file) if circuit.register_bits else (tag,)),
        ),
        key=(*map(sign, codes), *_tags(circuit)),
        value=tuple(sign(lane) + 1 for lane in value),
        out=read.result.lanes,
        factor=-1 if read.negated else 1,
        gap=2,
        beta=inverse_temperature(2, circuit.precision),
        explanation=f"{read.name} {how} {'x' if read.file else 'mem'}[{where}]",
    )


def write_head(write: Write, circuit: Circuit) -> Head:
    """Every column finds the new content of its own position."""
    codes = [*position(0, circuit.address_bits), *(FILE if circuit.register_bits else ())]
    address = [sign(lane) + 1 for lane in (*write.address, *(write.file or ()))]
    if circuit.register_bits and write.file is None:
        address.append(constant(0))  # where the file's tag is -1: in the CPU it is
    is_cpu = bit(CPU[0])
    # tag of the query: 1 in memory, 0 in the CPU column, -1 in the input column
    asks = is_cpu - sign(TAG[0])
    # tag of the key: 0 in memory, 1 in the CPU column, -1 in the input column
    answers = (-sign(TAG[0]) + 1) * Fraction(1, 2) + sign(CPU[0])
    # by a tag of its own the CPU finds itself, whatever address it writes to
    itself = is_cpu * (2 * len(codes) + 1)
    if write.when is None:
        tags = [(asks + itself, answers)]  # the two are one if the CPU's key is 1 in both
    else:
        if circuit.has_input:  # where a bit of -1 would count for the CPU, -2 in the input column
            answers = answers - (sign(TAG[0]) - sign(CPU[0])) * Fraction(1, 2)
        tags = [(asks, answers + sign(write.when[0]) - sign(CPU[0])), (itself, is_cpu)]
    query = [*map(sign, codes), *(query for query, _ in tags)]
    key = [sign(p) + a for p, a in zip(codes, address, strict=True)]
    key += [key for _, key in tags]
    target = f"mem[{write.address}]" + (f" or x[{write.address}]" if write.file else "")
    return Head(
        name=f"write {write.name}",
        query=tuple(query),
        key=tuple(key),
        value=_content(write, circuit),
        out=Word.of(VALUE, circuit.width).lanes,
        factor=1,
        gap=1,
        beta=inverse_temperature(1, circuit.precision),
        explanation=f"{target} += {write.value}, others += themselves",
    )


def erase_head(write: Write, circuit: Circuit) -> Head:
    """Every column finds itself, and takes its old content away."""
    codes = (*map(sign, position(0, circuit.address_bits)), *_tags(circuit))
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


def _tags(circuit: Circuit) -> tuple[Form, ...]:
    """The lanes that tell memory, registers and devices apart."""
    return (sign(TAG[0]), sign(FILE[0])) if circuit.register_bits else (sign(TAG[0]),)


def _content(write: Write, circuit: Circuit) -> tuple[Form, ...]:
    """`value + 1` in memory columns, `new + 1` in the CPU column: the other of the two is idle."""
    value = Word.of(VALUE, circuit.width)
    return tuple(sign(v) + sign(new) + 2 for v, new in zip(value, write.value, strict=True))
