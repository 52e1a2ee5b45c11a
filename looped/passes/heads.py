"""Reads and writes as attention heads over named lanes.

A position is a code of ±1 lanes: the address of a memory column under tag -1; under tag +1 the CPU
(all -1) and the input column (all +1). Codes of n lanes score n where equal, else n - 2 at most.
The position of a register is its number, under tag -1 as well; a tag of its own, `register`,
distinguishes it from memory. On machines with a register file that tag is a lane of the code.

*Read.* The query of the CPU column is an address. The query of every other column is tag +1 and its
idle address lanes, all -1: the position of the CPU, whose memory word is -1, so that the value
`value + 1` is zero. So heads add nothing to these columns. If the bit `when` of a read is not set,
the query has the signs of the CPU's own position: the head subtracts 2 from each lane of the
address, which is then -1 or -3, and adds 2 to the tag. The CPU attends to itself, which adds
nothing either.

*Write.* The query of every column is its own position. The key of the CPU column is the address
that it writes to, and a bias adds one to its score: it wins by 1 exactly where the address matches;
otherwise a column attends to itself, by 1. Device columns have other tags: the CPU and the input
column attend to themselves. Both heads of a write have the value `value + 1` in memory columns and
`new + 1` in the CPU column; the first adds the value of the column that it attends to; in the
second, each column attends to itself and subtracts its own value. If a bit `when` gates the write,
it is that bias: where it is -1, the CPU loses everywhere by 1. The input column, for which the bias
is negative, then attends to itself by a margin of two.

*Workers.* A machine that may have several CPU columns has no input column, but a null column: its
position is that of the CPU columns, its word is zero. In reads and in the second head of a write
every query is -1 in one more dimension, in which keys are +1 in CPU columns and -1 in all others.
So a CPU column scores 2 less than the null column for every query, and the null column takes its
place: whoever attended to the CPU for nothing attends to the null column, workers too. All other
scores grow by 1, so the best one still leads by 2.

In the first head of a write, let n be the lanes of a code, a the keys below and b those of the CPU
columns, which are -1 there and 0 elsewhere. Queries of memory and registers are (1, 0), those of
workers and of the null column (-1, 2).

| key of                         | a  | b  | memory that it names | other memory | workers, null |
|--------------------------------|----|----|----------------------|--------------|---------------|
| a worker that writes           | 1  | -1 | n + 1                | n - 1        | n - 3         |
| a worker that does not         | -1 | -1 | n - 1                | n - 3        | n - 1         |
| the null column                | -1 | 0  |                      | n - 1        | n + 1         |
| memory: its own position       | 0  | 0  | n                    | n - 2        | n             |

(A key with another code than the query scores less by 2 or more; the table has the largest
scores.) A column attends to the only worker that writes to it, else to itself; workers and the null
column attend to the null column: always by a margin of 1. If two workers write to one column the
head is not one-hot. No weight depends on the number of workers.

The inverse temperature β makes the softmax of such scores exactly one-hot: the smallest margin
times β exceeds UNDERFLOW, so that exp is zero in float64, and in every smaller dtype. (float16
cannot hold such scores; its machines use the underflow of float32.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from looped.circuit.circuit import Circuit, Read, Write
from looped.circuit.words import Form, Lane, Word, bit, constant, sign
from looped.errors import CompileError
from looped.passes.allocate import CPU, REGISTER, TAG, VALUE, position
from looped.precision import FLOAT32, FLOAT64, Precision

__all__ = [
    "BETA_STEP",
    "UNDERFLOW",
    "Head",
    "check_beta",
    "erase_head",
    "inverse_temperature",
    "read_head",
    "write_head",
]

UNDERFLOW = FLOAT64.underflow
"""exp(-x) rounds to zero in float64 for x above this: half its smallest subnormal, 2^-1075."""


BETA_STEP = 0.125
"""A chosen inverse temperature is a multiple of this, so that scores keep a coarse grid."""


@dataclass(frozen=True, slots=True)
class Head:
    """One attention head before it has indices: forms of query, key and value, and output lanes.

    `margin` is the least difference between the best score and the next, before scaling by `beta`;
    the head adds `factor` (+1 or -1) times the value of the column that it attends to.
    """

    name: str
    query: tuple[Form, ...]
    key: tuple[Form, ...]
    value: tuple[Form, ...]
    output: tuple[Lane, ...]
    factor: int
    margin: int
    beta: int | float
    meaning: str


def inverse_temperature(margin: int, precision: Precision) -> int:
    """The smallest power of two β with β · margin above the underflow point."""
    wide = precision.exponent >= FLOAT32.exponent
    underflow = UNDERFLOW if wide else precision.underflow
    return 1 << math.ceil(math.log2(underflow / margin))


def check_beta(beta: float) -> None:
    """Raise CompileError unless β is a positive multiple of BETA_STEP."""
    if not 0 < beta < float("inf") or beta % BETA_STEP:
        raise CompileError(
            f"an inverse temperature of {beta:g} is impossible",
            hint=f"a positive multiple of {BETA_STEP:g}",
        )


def read_head(read: Read, circuit: Circuit) -> Head:
    """The CPU column copies the word at an address; the other columns add zero."""
    tag, file = -sign(CPU[0]), sign(CPU[0]) if read.in_registers else constant(-1)
    if read.port is not None:
        tag = tag + sign(read.port[0]) + 1
    codes = position(read.offset, circuit.address_bits)
    rest = [constant(-1)] * (len(codes) - len(read.address))
    off = constant(0) if read.when is None else sign(read.when[0]) - 1
    value = Word.of(VALUE, circuit.width)[read.first : read.first + len(read.result)]
    query_rest, key_rest = _not_a_worker(circuit)
    where = f"{read.address}" + (f" + {read.offset}" if read.offset else "")
    how = ":=" if read.onto is None else "-=" if read.negated else "+="
    return Head(
        name=read.name,
        query=(
            *(sign(lane) + off for lane in read.address),
            *rest,
            *((tag - off, file) if circuit.register_bits else (tag - off,)),
            *query_rest,
        ),
        key=(*map(sign, codes), *_tags(circuit), *key_rest),
        value=tuple(sign(lane) + 1 for lane in value),
        output=read.result.lanes,
        factor=-1 if read.negated else 1,
        margin=2,
        beta=inverse_temperature(2, circuit.precision),
        meaning=f"{read.name} {how} {'x' if read.in_registers else 'mem'}[{where}]"
        + ("" if read.when is None else f" where {read.when.name}"),
    )


def write_head(write: Write, circuit: Circuit) -> Head:
    """Every column attends to the new content of its own position."""
    codes = [*position(0, circuit.address_bits), *(REGISTER if circuit.register_bits else ())]
    address = [sign(lane) + 1 for lane in (*write.address, *(write.in_registers or ()))]
    if circuit.register_bits and write.in_registers is None:
        address.append(constant(0))  # the CPU column, like memory, has -1 in the tag of registers
    tags = _tags_of_write(write, circuit, len(codes))
    query = [*map(sign, codes), *(query for query, _ in tags)]
    key = [sign(p) + a for p, a in zip(codes, address, strict=True)]
    key += [key for _, key in tags]
    target = f"mem[{write.address}]" + (f" or x[{write.address}]" if write.in_registers else "")
    return Head(
        name=f"write {write.name}",
        query=tuple(query),
        key=tuple(key),
        value=_content(write, circuit),
        output=Word.of(VALUE, circuit.width).lanes,
        factor=1,
        margin=1,
        beta=inverse_temperature(1, circuit.precision),
        meaning=f"{target} += {write.value}, others += themselves",
    )


def _tags_of_write(write: Write, circuit: Circuit, code: int) -> list[tuple[Form, Form]]:
    """The dimensions of a write beside those of the code, each as a query and a key."""
    is_cpu = bit(CPU[0])
    if circuit.workers is not None:
        writes = CPU if write.when is None else write.when
        # key: 0 in memory, -1 in the null column, in a worker whether it writes
        asks, answers = -sign(TAG[0]), (-sign(TAG[0]) - 1) * Fraction(1, 2) + sign(writes[0]) + 1
        return [(asks, answers), (sign(TAG[0]) + 1, -is_cpu)]
    # tag of the query: 1 in memory, 0 in the CPU column, -1 in the input column
    query_tag = is_cpu - sign(TAG[0])
    # tag of the key: 0 in memory, 1 in the CPU column, -1 in the input column
    key_tag = (-sign(TAG[0]) + 1) * Fraction(1, 2) + sign(CPU[0])
    # with a tag of its own the CPU attends to itself, whatever address it writes to
    itself = is_cpu * (2 * code + 1)
    if write.when is None:
        return [(query_tag + itself, key_tag)]  # the two are one if the CPU's key is 1 in both
    if circuit.has_input:  # where a bit of -1 would count for the CPU, -2 in the input column
        key_tag = key_tag - (sign(TAG[0]) - sign(CPU[0])) * Fraction(1, 2)
    return [(query_tag, key_tag + sign(write.when[0]) - sign(CPU[0])), (itself, is_cpu)]


def erase_head(write: Write, circuit: Circuit) -> Head:
    """Every column attends to itself and subtracts its old content; a worker has none."""
    codes = (*map(sign, position(0, circuit.address_bits)), *_tags(circuit))
    query_rest, key_rest = _not_a_worker(circuit)
    return Head(
        name=f"erase for {write.name}",
        query=(*codes, *query_rest),
        key=(*codes, *key_rest),
        value=_content(write, circuit),
        output=Word.of(VALUE, circuit.width).lanes,
        factor=-1,
        margin=2,
        beta=inverse_temperature(2, circuit.precision),
        meaning="every column -= its old content",
    )


def _tags(circuit: Circuit) -> tuple[Form, ...]:
    """The lanes that distinguish memory, registers and devices."""
    return (sign(TAG[0]), sign(REGISTER[0])) if circuit.register_bits else (sign(TAG[0]),)


def _not_a_worker(circuit: Circuit) -> tuple[tuple[Form, ...], tuple[Form, ...]]:
    """The dimension of queries and keys in which the CPU columns lose, if there may be several."""
    several = circuit.workers is not None
    return ((constant(-1),), (sign(CPU[0]),)) if several else ((), ())


def _content(write: Write, circuit: Circuit) -> tuple[Form, ...]:
    """`value + 1` in memory columns, `new + 1` in the CPU column: the other of the two is idle."""
    value = Word.of(VALUE, circuit.width)
    return tuple(sign(v) + sign(new) + 2 for v, new in zip(value, write.value, strict=True))
