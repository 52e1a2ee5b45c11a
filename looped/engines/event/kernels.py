"""Compiled operations on packed lanes and small vectors, the parts of the passes.

Indices in inner loops are unsigned: LLVM then need not handle negative indices and vectorises the
loops. These functions allocate nothing, so they do without numba's runtime (`_nrt`). numba does not
cache them one by one: it caches `passes.advance`, into which it compiles them all.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from looped.engines.event.columns import FLIPS, WORK
from looped.engines.event.index import BIT, CLEARANCE, MAGNITUDE

__all__ = [
    "OPTIONS", "add_forms", "address", "all_zero", "clear", "compiled", "copy_row", "dot", "flip",
    "inlined", "leaf", "same_lanes",
]  # fmt: skip

OPTIONS: dict[str, Any] = {"_nrt": False}
compiled = njit(**OPTIONS)
inlined = njit(inline="always", **OPTIONS)
leaf = njit(forceinline=True, **OPTIONS)


@leaf
def add_forms(start, chunk, table, k, x, at, out):
    """Add the values of bank k's forms, for the lanes packed in row `at` of x, to `out`."""
    for i in range(start[k], start[k + 1]):
        first, count = chunk[i, 3], chunk[i, 4]
        row = chunk[i, 5] + ((x[at, chunk[i, 0]] >> chunk[i, 1]) & chunk[i, 2]) * count
        for j in range(count):
            out[first + j] += table[row + j]


@leaf
def clear(numbers):
    """Set all numbers to zero."""
    for i in range(np.uint64(numbers.shape[0])):
        numbers[i] = 0


@leaf
def all_zero(numbers):
    """Whether all numbers are zero."""
    zero = True
    for i in range(np.uint64(numbers.shape[0])):
        zero &= numbers[i] == 0
    return zero


@leaf
def copy_row(x, i, y, j):
    """Copy row j of y to row i of x."""
    for w in range(x.shape[1]):
        x[i, w] = y[j, w]


@leaf
def same_lanes(x, i, y, j, masks, m):
    """Whether row i of x and row j of y have equal lanes where mask m has ones."""
    different = np.uint64(0)
    for w in range(x.shape[1]):
        different |= (x[i, w] ^ y[j, w]) & masks[m, w]
    return different == 0


@leaf
def flip(lanes, at):
    """Flip the lanes of a dirty column that are noted; returns whether there are any."""
    changed = False
    for w in range(lanes.shape[2]):
        flips = lanes[FLIPS, at, w]
        lanes[WORK, at, w] ^= flips
        changed |= flips != 0
    return changed


@leaf
def address(dims, h, vector):
    """The score of a column whose signs in the code dimensions are those of a vector; its code; and
    half the least difference of its score to any other column's of its group."""
    score, code, half_step = np.int32(0), np.int32(0), np.int32(1 << 30)
    for d in range(np.uint64(vector.shape[0])):
        size = np.int32(abs(vector[d]) * dims[MAGNITUDE, h, d])
        score = np.int32(score + size)
        half_step = min(half_step, np.int32(size + dims[CLEARANCE, h, d]))
        code = np.int32(code + (dims[BIT, h, d] if vector[d] > 0 else np.int32(0)))
    return np.int64(score), np.int64(code), np.int64(half_step)


@leaf
def dot(x, i, y):
    """Row i of x times y."""
    total = np.int32(0)
    for d in range(np.uint64(y.shape[0])):
        total = np.int32(total + x[i, d] * y[d])
    return np.int64(total)
