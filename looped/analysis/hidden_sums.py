"""The proof that the sums of hidden units are exact in all states that a stream can have."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from looped.analysis.classes import row_classes
from looped.analysis.exactness import inexact
from looped.analysis.forms import common_values, restricted_to
from looped.analysis.grid import Ints
from looped.analysis.model import Block, Model
from looped.precision import FLOAT32

__all__ = ["check_hidden_sums"]

_MOST_CLASSES = 64
"""Up to this many classes of columns with equal static lanes are checked one by one.

The machines have 2: the CPU and all other columns. With more classes, only lanes that all columns
share count as known. That is a weaker premise, never a wrong one."""


def check_hidden_sums(
    model: Model, x: npt.NDArray[np.generic], known: npt.NDArray[np.bool_]
) -> None:
    """Raise CompileError unless the sums of hidden units are exact in columns `x`.

    `x` and `known` are (columns, d_model): a static lane that is known keeps its value in `x`.
    """
    fixed = ~model.written & known.any(axis=0)
    mantissa = min(model.precision.mantissa, FLOAT32.mantissa)
    for number, block in enumerate(model.blocks):
        reads = block.mlp_reads
        lanes = np.flatnonzero(reads)
        kinds = np.where(known[:, lanes] & fixed[lanes], x[:, lanes], 0).astype(np.int8)
        units = _UnitGroups.of(block, lanes)
        for kind in _distinct(kinds).astype(np.int64):
            bound, step = units.sums(kind)
            if not (bound <= step << mantissa).all():
                what = f"sums of hidden units of block {number}"
                raise inexact(model.precision, f"the {what} reach {bound.max()} in steps of 1")


def _distinct(rows: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """The different rows of a matrix; if they are too many, one row of what all have in common."""
    classes = row_classes(rows, _MOST_CLASSES)
    if classes is None:
        return common_values(rows).astype(np.int8)[None]
    return rows[[members[0] for members in classes]]


class _UnitGroups(NamedTuple):
    """The hidden units of a block, grouped by their up projection.

    `gate` and `up` are (units, lanes read), `down` is (d_model, units). Two up projections belong
    to one group if one is a multiple of the other; `sign` (units,) is the sign of each relative to
    its group. Group i begins at unit `groups[i]`. The integer `one` stands for a lane's 1 in sums.
    """

    gate: Ints
    up: Ints
    down: Ints
    sign: Ints
    groups: Ints
    one: int

    @classmethod
    def of(cls, block: Block, read: Ints) -> _UnitGroups:
        """The units of a block, whose MLP reads the lanes `read`."""
        gate, up = block.gate[:, read], block.up[:, read]
        first = (block.up != 0).argmax(axis=1)[:, None]
        sign = np.sign(np.take_along_axis(block.up, first, axis=1))[:, 0]
        shared = up // (np.gcd.reduce(block.up, axis=1) * sign)[:, None]
        number: dict[bytes, int] = {}
        group = [number.setdefault(row.tobytes(), len(number)) for row in shared]
        order = np.argsort(group, kind="stable")
        groups = np.flatnonzero(np.diff(np.array(group, np.int64)[order], prepend=-1))
        return cls(
            gate[order], up[order], block.down[:, order], sign[order], groups, block.down_one
        )

    def sums(self, known: Ints) -> tuple[Ints, Ints]:
        """A bound on all partial sums of a lane and its hidden units, and their grid, (d_model,).

        `known` are the lanes read. Units of one group share the sign of the up projection: its two
        signs are two cases, and the bound is the larger of both.
        """
        gates, ups = restricted_to(self.gate, known), restricted_to(self.up, known)
        down = self.down * np.maximum(gates.high, 0)
        first, last = np.where(self.sign > 0, (ups.high, ups.low), (ups.low, ups.high))
        terms = down * first, down * last
        above, below = (
            [np.add.reduceat(limit(term, 0), self.groups, axis=1) for term in terms]
            for limit in (np.maximum, np.minimum)
        )
        high, low = np.maximum(*above).sum(axis=1), np.minimum(*below).sum(axis=1)
        steps = np.where(down != 0, self.down * gates.divisor * ups.divisor, 0)
        one = np.full((len(down), 1), self.one)
        step = np.gcd.reduce(np.concatenate([steps, one], axis=1), axis=1)
        return np.maximum(high, -low) + self.one, step & -step
