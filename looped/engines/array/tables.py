"""Tables: a model as dense matrices of the lanes that matter, for passes in NumPy.

All sums are integers below 2^24 (`looped.analysis.exactness`), so float32 holds them in any order
of summation; those of hidden units are below 2^30, so float64 does.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from looped.analysis.grid import Floats, Ints
from looped.engines.array.product import Product

__all__ = ["BlockTable", "HeadTable", "MlpTable", "Premise", "Singles", "Tables"]

Singles = npt.NDArray[np.float32]


class HeadTable(NamedTuple):
    """One head. `query` and `key` are (d_model, dims). `ov` (lanes read, lanes written) leads from
    the lanes `reads` of the attended column to what is added to the lanes `writes`."""

    query: Singles
    key: Singles
    margin: int
    reads: Ints
    writes: Ints
    ov: Singles


class MlpTable(NamedTuple):
    """The MLP of a block in columns of one kind.

    It reads `reads`. Its hidden units are relu(`gate` · x + `gate_constant`), the first of them
    times (`up` · x + `up_constant`). They are added to the lanes `writes` through `down`. So are
    the terms `linear` · x + `linear_constant`. Matrices are (lanes read or units, results).
    """

    reads: Ints
    gate: Product
    gate_constant: Singles
    up: Product
    up_constant: Singles
    linear: Product
    linear_constant: Floats
    down: Product
    writes: Ints


class BlockTable(NamedTuple):
    """One block. Its heads write to the lanes `writes`, in ascending order. Columns of row r of the
    premise have the MLP `mlps[kind[r]]`. `ov_one` and `down_one` stand for 1."""

    heads: tuple[HeadTable, ...]
    writes: Ints
    ov_one: int
    mlps: tuple[MlpTable, ...]
    kind: Ints
    down_one: int


class Premise(NamedTuple):
    """Rows of known lanes, (rows, d_model): 0 where a lane may vary.

    If a stream has `alike` columns, row 0 stands for all of them. Each other column has a row of
    its own. The rows in one of `groups` are equal; their columns are taken for idle ones, so their
    written lanes are known as well. Row 0 is the first group, if there is one.
    """

    known: npt.NDArray[np.int8]
    alike: int
    groups: tuple[Ints, ...]

    def row(self, column: int) -> int:
        """The row of a column."""
        return max(column - self.alike + (self.alike > 0), 0)

    def columns(self, group: int) -> Ints:
        """The columns of a group."""
        if group == 0 and self.alike:
            return np.arange(self.alike)
        return self.groups[group] + self.alike - (self.alike > 0)


class Tables(NamedTuple):
    """All that a pass needs to know.

    `static` (d_model,) marks the lanes that no matrix writes. The tables are right for streams with
    this premise. `idle` (groups,) says in which of its groups no MLP adds anything, whatever the
    lanes that vary there are.
    """

    blocks: tuple[BlockTable, ...]
    static: npt.NDArray[np.bool_]
    premise: Premise
    idle: npt.NDArray[np.bool_]
