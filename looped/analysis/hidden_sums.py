"""The proof that the sums of hidden units are exact, for what the columns of a stream can hold."""

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
"""Classes of columns, by their static lanes, that are checked one by one.

The machines have 2: the CPU and all other columns. With more, only what all columns share is
taken for known, which is a weaker premise and never a wrong one."""


def check_hidden_sums(
    model: Model, x: npt.NDArray[np.generic], known: npt.NDArray[np.bool_]
) -> None:
    """Raise CompileError unless the sums of hidden units are exact in columns `x`.

    `x` and `known` are (columns, d_model): where a static lane is known it stays as it is.
    """
    fixed = ~model.written & known.any(axis=0)
    mantissa = min(model.form.mantissa, FLOAT32.mantissa)
    for number, block in enumerate(model.blocks):
        reads = block.mlp_reads
        lanes = np.flatnonzero(reads)
        kinds = np.where(known[:, lanes] & fixed[lanes], x[:, lanes], 0).astype(np.int8)
        units = _UnitGroups.of(block, lanes)
        for kind in _distinct(kinds).astype(np.int64):
            bound, step = units.sums(kind)
            if not (bound <= step << mantissa).all():
                what = f"sums of hidden units of block {number}"
                raise inexact(model.form, f"the {what} reach {bound.max()} in steps of 1")


def _distinct(rows: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """The different rows of a matrix; if they are many, one row of what all have in common."""
    classes = row_classes(rows, _MOST_CLASSES)
    if classes is None:
        return common_values(rows).astype(np.int8)[None]
    return rows[[members[0] for members in classes]]


class _UnitGroups(NamedTuple):
    """The hidden units of a block, those with the same up projection side by side.

    `gate` and `up` are (units, lanes read), `down` (d_model, units). Up projections are the same
    if one is a multiple of the other: `sign` is the sign by which each differs from that of its
    group. Group i begins at unit `groups[i]`. `one` is a lane's 1 in the units of the sums.
    """

    gate: Ints
    up: Ints
    down: Ints
    sign: Ints
    groups: Ints
    one: int

    @classmethod
    def of(cls, block: Block, read: Ints) -> _UnitGroups:
        """Those of a block, which read the lanes `read`."""
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
        """For each lane, a bound on all partial sums of what hidden units add to it and of the
        lane, and the power of two that they are multiples of, where the lanes read are `known`.

        Units with the same up projection share its sign: what one of them adds another takes away.
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
