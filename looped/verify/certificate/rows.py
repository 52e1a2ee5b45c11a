"""Weights as exact numbers: the rows of a block's matrices, zeros left out.

The certificate has its own exact rows, ranges and margins, on purpose: `looped.analysis` and the
engines do not share its code, so that a mistake in one of them is not repeated in the other.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from looped.artefact.plan import CompiledMachine
from looped.diagrams import Number

__all__ = ["BlockRows", "Row", "block_rows", "combined", "grid_of", "matrix_rows", "over", "whole"]

Row = Mapping[int, Number]
"""A linear form over the lanes of a column: lane to coefficient."""


@dataclass(frozen=True)
class BlockRows:
    """One block. `query` to `value` have a row for each dimension of each head, `gate` and `up` one
    for each hidden unit; `out` and `down` have a row for each lane. `scale` is 1/√d_head, or None
    if that is not a power of two."""

    query: tuple[Row, ...]
    key: tuple[Row, ...]
    value: tuple[Row, ...]
    out: tuple[Row, ...]
    gate: tuple[Row, ...]
    up: tuple[Row, ...]
    down: tuple[Row, ...]
    d_head: int
    scale: Fraction | None

    @property
    def heads(self) -> int:
        """The number of heads, idle ones included."""
        return len(self.query) // self.d_head

    def dimensions(self, head: int) -> range:
        """The rows of a head."""
        return range(head * self.d_head, (head + 1) * self.d_head)

    def w_ov(self, head: int) -> dict[int, Row]:
        """W_O W_V: for each lane, the form of the attended column that a head adds to it.

        It has all lanes that some dimension writes, even where the form is zero: a head is idle
        only if each dimension has no value or writes no lane. The products cancel only in exact
        arithmetic, and only if the head attends to one column, not to a mean of several.
        """
        rows: dict[int, Row] = {}
        own = {d for d in self.dimensions(head) if self.value[d]}
        for lane, row in enumerate(self.out):
            terms = [(factor, self.value[d]) for d, factor in row.items() if d in own]
            if terms:
                rows[lane] = combined(terms)
        return rows


def block_rows(machine: CompiledMachine, block: int) -> BlockRows:
    """The rows of one block of a machine. All weights must be finite."""
    names = {"query": "self_attn.q", "key": "self_attn.k", "value": "self_attn.v"}
    names |= {"out": "self_attn.o", "gate": "mlp.gate", "up": "mlp.up", "down": "mlp.down"}
    weights = machine.arrays
    rows = {
        part: matrix_rows(weights[f"layers.{block}.{name}_proj.weight"])
        for part, name in names.items()
    }
    size = machine.plan.d_head
    root = math.isqrt(size)
    exact = root * root == size and root & (root - 1) == 0
    return BlockRows(**rows, d_head=size, scale=Fraction(1, root) if exact else None)


def matrix_rows(weight: npt.NDArray[np.float32]) -> tuple[Row, ...]:
    """The rows of a matrix, each without its zeros. All weights must be finite."""
    rows: list[dict[int, Number]] = [{} for _ in range(weight.shape[0])]
    places = np.nonzero(weight)
    numbers = weight[places].tolist()
    for row, column, number in zip(*map(np.ndarray.tolist, places), numbers, strict=True):
        rows[row][column] = int(number) if number.is_integer() else Fraction(number)
    return tuple(rows)


def combined(terms: Iterable[tuple[Number, Row]]) -> dict[int, Number]:
    """The sum of forms, each times a number."""
    result: dict[int, Number] = {}
    for factor, row in terms:
        for lane, coefficient in row.items():
            result[lane] = result.get(lane, 0) + factor * coefficient
    return {lane: c for lane, c in result.items() if c != 0}


def grid_of(numbers: Iterable[Number]) -> Number:
    """The largest power of two of which all dyadic numbers are multiples; 0 if all are zero."""
    found = set(numbers)
    denominator = max((x.denominator for x in found if type(x) is not int), default=1)
    bits = 0
    for x in found:
        bits |= x.numerator * (denominator // x.denominator)
    grid = bits & -bits
    return grid if denominator == 1 else over(grid, denominator)


def whole(row: Row) -> tuple[list[tuple[int, int]], int]:
    """A form as (lane, integer) pairs, and the common denominator of its coefficients."""
    unit = math.lcm(*[c.denominator for c in row.values()])
    return [(lane, c.numerator * (unit // c.denominator)) for lane, c in row.items()], unit


def over(number: int, unit: int) -> Number:
    """The quotient, an int if it is whole."""
    return number // unit if number % unit == 0 else Fraction(number, unit)
