"""Read and write by a half-permutation: one head each, exact up to the softmax's leak.

Columns carry a position code p_i ∈ {±1}^b, b = log2 n; column 0, the scratchpad, carries a pointer
in lanes of its own, and zeros in those of the position. Queries and keys are the same form,
pointer + position, so that scores are λ times a Gram matrix: b for equal codes, b - 2k at Hamming
distance k.

Column 0 attends to itself and to the column i that its pointer names, ½ each: the paper's
half-permutation. With v the data of column i, o the old data of column 0 and u the buffer,

    u = ½ (v + o) + leak,    o += relu(C(s-1) + 2u - 2o) - relu(C(s-1) - 2u + 2o) = 2u - 2o

where s is 1 in the scratchpad and else 0: o becomes v there, and nothing elsewhere. A write is the
same with the gate -C s: column i attends to itself and to column 0. The buffer is cleared.

The leak. The weight of the other columns relative to one of the two is at most, over all codes,
Σ_{k≥1} binom(b, k) e^{-2λk} = (1 + e^{-2λ})^b - 1 =: q. With data within ±1 a read is wrong by

    2 Σ_k w_k v_k - L (v + o) ≤ 2q,    L = Σ_k w_k ≤ q/2.

A column that a write must leave alone attends to itself alone, and the scratchpad is one more that
leaks: 2u - 2o ≤ 4 (q + e^{-2λ}). The paper asks for λ ≥ log(G d n³/ε); 2q ≤ ε holds from about
λ = ½ ln(2b/ε).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from looped.study.paper.layers import DTYPES, Construction, Head, Lanes, Layer, Unit, unit_of
from looped.study.paper.norms import compute

__all__ = [
    "GATE",
    "access",
    "code",
    "half_permutation",
    "leak_bound",
    "least_temperature",
    "paper_error",
    "read_error",
    "read_units",
    "write_bound",
    "write_error",
    "write_units",
]

GATE = 8.0
"""C: a unit that is shut sees at most 2|u| + 2|o| ≤ 4 + leak; the paper's code has 100."""


def code(number: int, bits: int) -> list[float]:
    """The position code of a column: ±1, the most significant bit first."""
    return [1.0 if number >> k & 1 else -1.0 for k in reversed(range(bits))]


def half_permutation(
    temperature: float,
    pointer: Sequence[int],
    position: Sequence[int],
    sources: Sequence[Sequence[int]],
    buffer: Sequence[int],
) -> Head:
    """The head: λ, lanes of the pointer and of the position, groups whose sum goes to `buffer`."""
    pairs = list(zip(pointer, position, strict=True))
    return Head(
        queries=[{a: temperature, p: temperature} for a, p in pairs],
        keys=[{a: 1.0, p: 1.0} for a, p in pairs],
        values=[dict.fromkeys(group, 1.0) for group in zip(*sources, strict=True)],
        outputs=[{lane: 1.0} for lane in buffer],
    )


def read_units(one: int, scratch: int, buffer: Sequence[int], target: Sequence[int]) -> list[Unit]:
    """`target` becomes what the head has read, in the scratchpad; `buffer` becomes 0."""
    return _move(one, {scratch: GATE, one: -GATE}, buffer, target)


def write_units(one: int, scratch: int, buffer: Sequence[int], target: Sequence[int]) -> list[Unit]:
    """`target` becomes what the head has read, off the scratchpad; `buffer` becomes 0."""
    return _move(one, {scratch: -GATE}, buffer, target)


def _move(
    one: int, gate: dict[int, float], buffer: Sequence[int], target: Sequence[int]
) -> list[Unit]:
    units = []
    for u, o in zip(buffer, target, strict=True):
        for sign in (1.0, -1.0):
            units.append(unit_of(one, {**gate, u: 2 * sign, o: -2 * sign}, {o: sign}))
            units.append(unit_of(one, {u: sign}, {u: -sign}))
    return units


def leak_bound(temperature: float, bits: int) -> float:
    """2q: the largest error of a read of data within ±1, in exact arithmetic."""
    return 2 * math.expm1(bits * math.log1p(math.exp(-2 * temperature)))


def write_bound(temperature: float, bits: int) -> float:
    """4 (q + e^{-2λ}): the largest error of a write, in any column, in exact arithmetic."""
    return 2 * leak_bound(temperature, bits) + 4 * math.exp(-2 * temperature)


def least_temperature(columns: int, error: float) -> float:
    """The λ at which 2q is `error`."""
    bits = (columns - 1).bit_length()
    return -math.log(math.expm1(math.log1p(error / 2) / bits)) / 2


def paper_error(columns: int, temperature: float, lanes: int) -> float:
    """ε = G d n³ e^{-λ} for G = 1: what the paper's λ ≥ log(G d n³/ε) promises at this λ."""
    return float(lanes * columns**3 * math.exp(-temperature))


def read_error(columns: int, temperature: float, dtype: str, largest: float | None = None) -> float:
    """The largest error of a read, over all addresses, old data ±1 and the worst other columns.

    `largest` puts it into a pre-norm, as for `norms.compute`.
    """
    machine = access(columns, temperature, writes=False)
    lanes = machine.lanes
    worst = 0.0
    for old in (1.0, -1.0):
        x = _embed(lanes, columns, old, dtype)
        out = compute(machine, x, largest)[:, 0, lanes.first("data")].double()
        worst = max(worst, (out - 1.0).abs().max().item())
    return worst


def write_error(columns: int, temperature: float, dtype: str) -> float:
    """The largest error of a write in any column, over all addresses and worst data.

    One column after the other holds -1 and all others hold +1, the scratchpad included.
    """
    machine = access(columns, temperature, writes=True)
    lanes = machine.lanes
    data = lanes.first("data")
    worst = 0.0
    for victim in range(columns):
        x = _embed(lanes, columns, 1.0, dtype)
        x[:, 1:, data] = 1.0
        x[:, victim, data] = -1.0
        wanted = x[..., data].double().clone()
        for batch in range(columns - 1):
            wanted[batch, batch + 1] = x[batch, 0, data]
        out = compute(machine, x)[..., data].double()
        worst = max(worst, (out - wanted).abs().max().item())
    return worst


def access(columns: int, temperature: float, writes: bool) -> Construction:
    """A machine that reads, or writes, one lane of data."""
    bits = (columns - 1).bit_length()
    lanes = Lanes(one=1, scratch=1, data=1, pointer=bits, position=bits, buffer=1)
    data, buffer = lanes["data"], lanes["buffer"]
    head = half_permutation(temperature, lanes["pointer"], lanes["position"], [data], buffer)
    units = (write_units if writes else read_units)(
        lanes.first("one"), lanes.first("scratch"), buffer, data
    )
    return Construction(lanes, [Layer([head], units)])


def _embed(lanes: Lanes, columns: int, old: float, dtype: str) -> Tensor:
    """One batch for each address 1 … n-1: +1 there, -1 in all others, `old` in column 0."""
    bits = len(lanes["position"])
    x = torch.zeros(columns - 1, columns, lanes.count, dtype=DTYPES[dtype])
    x[..., lanes.first("one")] = 1.0
    x[:, 0, lanes.first("scratch")] = 1.0
    x[..., lanes.first("data")] = -1.0
    x[:, 0, lanes.first("data")] = old
    for column in range(1, columns):
        own = torch.tensor(code(column, bits), dtype=DTYPES[dtype])
        x[:, column, list(lanes["position"])] = own
        x[column - 1, 0, list(lanes["pointer"])] = own
        x[column - 1, column, lanes.first("data")] = 1.0
    return x
