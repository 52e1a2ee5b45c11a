"""SUBLEQ as the paper lays it out: nine layers, two heads, one instruction a pass (section 5.1).

Columns: the scratchpad (column 0), m memory columns, then one column a command; n = 2^b in all. A
column's lanes are those of the paper: 3b command ∣ N memory ∣ 2N + 3b scratch (mem[a], mem[b], p_a,
p_b, p_c) ∣ b program counter ∣ b position ∣ max(3b, 2N) buffer ∣ 1 scratchpad indicator; and one
lane more that is always 1, for the biases. Position 0 is free for the scratchpad, whose lanes of
position are 0.

| layer | heads | ReLU units                                                        |
|-------|-------|-------------------------------------------------------------------|
| 1     | 1     | the command at the program counter → p_a, p_b, p_c                |
| 2     | 2     | mem[a], mem[b] → scratch                                          |
| 3     | 0     | the bits of mem[a] flipped: 2 relu(-v) - 1 → buffer               |
| 4     | 0     | + 1: -mem[a]                                                      |
| 5     | 0     | mem[b] := mem[b] + (-mem[a]), scratch; mem[a] := 0, buffer := 0   |
| 6     | 1     | mem[b] → memory column b                                          |
| 7     | 0     | flag := [mem[b] ≤ 0]; p_PC := p_{PC+1}                            |
| 8     | 0     | p_PC := flag ? p_c : p_PC; flag := 0                              |
| 9     | 0     | error correction of memory, p_a, p_b, p_c, p_PC                   |

The paper counts nine by letting a step that needs no attention share a layer; here the flag and the
next program counter do, which are independent. Biases that must act in the scratchpad alone read
its indicator, so that all columns share all weights. One scratchpad column only: in a second one
the same biases would act on zeros.

`short_subleq` has seven: mem[b] + ~mem[a] + 1 is one sum of the same adder, so that layers 3 and 4
and the factor 2^N of the second adder in a row are not needed.

Errors, to first order. A fetched pointer is off by δ ≤ 2q in each of b lanes (`memory`). That
breaks the tie of two equal scores by up to λ b δ, so a word is read with an error of up to
e = 2q (1 + λ b). k adders in a row make 2^{kN+1} e of it, and the flag sums N bits. While
N 2^{kN+1} e is below the radius of the error correction, steps are right (`safe_temperature`).

The flag of the two's complement bits b_N … b_1: relu(b_N) + relu(1 - N - Σ b_i) is 1 for a negative
word, 1 for zero, else 0. The branch with bits c and q of p_c and p_{PC+1} in ±1 and a flag f in
{0, 1}: relu(c - 1 + f) - relu(-c - 1 + f) + relu(q - f) - relu(-q - f) is c if f = 1, else q.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from looped.errors import CompileError
from looped.study.paper.adder import sum_units
from looped.study.paper.correction import EPSILON, correction_units
from looped.study.paper.layers import DTYPES, Construction, Lanes, Layer, Unit, cleared, unit_of
from looped.study.paper.memory import (
    code,
    half_permutation,
    leak_bound,
    read_units,
    write_units,
)
from looped.study.paper.programs import Program

__all__ = [
    "decode",
    "embed",
    "safe_temperature",
    "short_subleq",
    "subleq",
    "subleq_lanes",
    "uncorrected",
]


def subleq_lanes(columns: int, bits: int) -> Lanes:
    """The lanes of the paper, for n columns and words of N bits; every word has its MSB first."""
    b = (columns - 1).bit_length()
    return Lanes(
        command=3 * b,
        memory=bits,
        mem_a=bits,
        mem_b=bits,
        p_a=b,
        p_b=b,
        p_c=b,
        pc=b,
        position=b,
        buffer=max(3 * b, 2 * bits),
        scratch=1,
        one=1,
    )


def subleq(columns: int, bits: int, temperature: float) -> Construction:
    """The nine layers of the table above, for n columns, words of N bits, and λ."""
    lanes = subleq_lanes(columns, bits)
    one, scratch = lanes.first("one"), lanes.first("scratch")
    layers = [
        _fetch(lanes, temperature),
        _read(lanes, temperature),
        Layer(units=_flip(lanes)),
        Layer(units=_plus_one(lanes)),
        Layer(units=_add(lanes)),
        _write(lanes, temperature),
        Layer(units=[*_flag(lanes), *_next(lanes, one, scratch)]),
        Layer(units=_branch(lanes)),
        Layer(units=correction_units(one, [*lanes["memory"], *_pointers(lanes), *lanes["pc"]])),
    ]
    return Construction(lanes, layers)


def short_subleq(columns: int, bits: int, temperature: float) -> Construction:
    """The same with one adder for mem[b] - mem[a]: seven layers."""
    long = subleq(columns, bits, temperature)
    fetch, read, _, _, _, *rest = long.layers
    return Construction(long.lanes, [fetch, read, Layer(units=_subtract(long.lanes)), *rest])


def uncorrected(machine: Construction) -> Construction:
    """A machine without its last layer, the error correction."""
    return Construction(machine.lanes, machine.layers[:-1])


def safe_temperature(columns: int, bits: int, adders: int) -> float:
    """The smallest λ, to 0.01, at which the error bound stays within the correction's radius."""
    b, temperature = (columns - 1).bit_length(), 0.0
    error = math.inf
    while bits * 2.0 ** (adders * bits + 1) * error > EPSILON:
        temperature += 0.01
        error = leak_bound(temperature, b) * (1 + temperature * b)
    return temperature


def embed(program: Program, columns: int, bits: int, dtype: str) -> Tensor:
    """The state before the first step, (n, d): the punchcard of the paper."""
    lanes = subleq_lanes(columns, bits)
    b, first = len(lanes["pc"]), 1 + len(program.memory)
    if first + len(program.commands) > columns:
        raise CompileError(f"{program.name} does not fit into {columns} columns")
    x = torch.zeros(columns, lanes.count, dtype=DTYPES[dtype])
    x[:, lanes.first("one")] = 1.0
    x[0, lanes.first("scratch")] = 1.0
    for column in range(1, columns):
        _put(x, column, lanes["position"], column)
    for cell, value in enumerate(program.memory):
        _put(x, 1 + cell, lanes["memory"], value)
    for number, (a, b_, c) in enumerate(program.commands):
        targets = (1 + a, 1 + b_, first + c)
        for k, target in enumerate(targets):
            _put(x, first + number, lanes["command"][k * b : (k + 1) * b], target)
    for group in ("mem_a", "mem_b"):
        _put(x, 0, lanes[group], 0)
    for group in ("p_a", "p_b", "p_c"):
        _put(x, 0, lanes[group], 1)
    _put(x, 0, lanes["pc"], first)
    return x


def decode(x: Tensor, lanes: Lanes, program: Program) -> tuple[list[int], int]:
    """Memory, unsigned, and the number of the command at the program counter, by signs."""
    memory = x[1 : 1 + len(program.memory), list(lanes["memory"])] > 0
    pc = x[0, list(lanes["pc"])] > 0
    return _words(memory), _words(pc[None])[0] - 1 - len(program.memory)


def _put(x: Tensor, column: int, lanes: Sequence[int], value: int) -> None:
    x[column, list(lanes)] = torch.tensor(code(value, len(lanes)), dtype=x.dtype)


def _words(bits: Tensor) -> list[int]:
    return [int("".join("1" if bit else "0" for bit in row), 2) for row in bits.tolist()]


def _pointers(lanes: Lanes) -> list[int]:
    return [*lanes["p_a"], *lanes["p_b"], *lanes["p_c"]]


def _fetch(lanes: Lanes, temperature: float) -> Layer:
    target = _pointers(lanes)
    buffer = lanes["buffer"][: len(target)]
    sources = [lanes["command"], target]
    head = half_permutation(temperature, lanes["pc"], lanes["position"], sources, buffer)
    return Layer([head], read_units(lanes.first("one"), lanes.first("scratch"), buffer, target))


def _read(lanes: Lanes, temperature: float) -> Layer:
    bits = len(lanes["memory"])
    heads, units = [], []
    for k, (pointer, target) in enumerate((("p_a", "mem_a"), ("p_b", "mem_b"))):
        buffer = lanes["buffer"][k * bits : (k + 1) * bits]
        sources = [lanes["memory"], lanes[target]]
        heads.append(
            half_permutation(temperature, lanes[pointer], lanes["position"], sources, buffer)
        )
        units += read_units(lanes.first("one"), lanes.first("scratch"), buffer, lanes[target])
    return Layer(heads, units)


def _write(lanes: Lanes, temperature: float) -> Layer:
    buffer = lanes["buffer"][: len(lanes["memory"])]
    sources = [lanes["memory"], lanes["mem_b"]]
    head = half_permutation(temperature, lanes["p_b"], lanes["position"], sources, buffer)
    units = write_units(lanes.first("one"), lanes.first("scratch"), buffer, lanes["memory"])
    return Layer([head], units)


def _flip(lanes: Lanes) -> list[Unit]:
    one, scratch = lanes.first("one"), lanes.first("scratch")
    units = []
    for source, target in zip(lanes["mem_a"], lanes["buffer"], strict=False):
        units.append(unit_of(one, {source: -1.0}, {target: 2.0}))
        units.append(unit_of(one, {scratch: 1.0}, {target: -1.0}))
    return units


def _plus_one(lanes: Lanes) -> list[Unit]:
    bits = len(lanes["memory"])
    flipped, negated = lanes["buffer"][:bits], lanes["buffer"][bits : 2 * bits]
    one, scratch = lanes.first("one"), lanes.first("scratch")
    return sum_units(one, scratch, [flipped[::-1]], negated[::-1], plus=1.0)


def _add(lanes: Lanes) -> list[Unit]:
    bits = len(lanes["memory"])
    negated, mem_b = lanes["buffer"][bits : 2 * bits], lanes["mem_b"]
    one, scratch = lanes.first("one"), lanes.first("scratch")
    old = [*lanes["buffer"][: 2 * bits], *lanes["mem_a"], *mem_b]
    return [
        *sum_units(one, scratch, [negated[::-1], mem_b[::-1]], mem_b[::-1]),
        *cleared(one, old),
    ]


def _subtract(lanes: Lanes) -> list[Unit]:
    one, scratch, mem_b = lanes.first("one"), lanes.first("scratch"), lanes["mem_b"]
    words, flipped = [mem_b[::-1]], [lanes["mem_a"][::-1]]
    difference = sum_units(one, scratch, words, mem_b[::-1], flipped, plus=1.0)
    return [*difference, *cleared(one, [*lanes["mem_a"], *mem_b])]


def _flag(lanes: Lanes) -> list[Unit]:
    """The flag, in the first lane of mem[a], which is 0 by now; mem[b] is cleared."""
    one, scratch, flag = lanes.first("one"), lanes.first("scratch"), lanes.first("mem_a")
    word = lanes["mem_b"]
    zero = {**dict.fromkeys(word, -1.0), scratch: 1.0 - len(word)}
    return [
        unit_of(one, {word[0]: 1.0}, {flag: 1.0}),
        unit_of(one, zero, {flag: 1.0}),
        *cleared(one, word),
    ]


def _next(lanes: Lanes, one: int, scratch: int) -> list[Unit]:
    pc = lanes["pc"]
    return [*sum_units(one, scratch, [pc[::-1]], pc[::-1], plus=1.0), *cleared(one, pc)]


def _branch(lanes: Lanes) -> list[Unit]:
    one, scratch, flag = lanes.first("one"), lanes.first("scratch"), lanes.first("mem_a")
    units = cleared(one, [*lanes["pc"], flag])
    for c, pc in zip(lanes["p_c"], lanes["pc"], strict=True):
        for sign in (1.0, -1.0):
            units.append(unit_of(one, {c: sign, flag: 1.0, scratch: -1.0}, {pc: sign}))
            units.append(unit_of(one, {pc: sign, flag: -1.0}, {pc: sign}))
    return units
