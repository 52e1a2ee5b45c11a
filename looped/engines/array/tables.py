"""Tables: a model as dense matrices of the lanes that matter, for passes in NumPy.

All sums are integers below 2^24 (`looped.analysis.exactness`), so float32 holds them in any order
of summation; those of hidden units are below 2^30, so float64 does.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from looped.analysis.grid import Floats, Ints
from looped.analysis.hidden_sums import check_hidden_sums
from looped.analysis.kinds import columns_by_class
from looped.analysis.model import Block, Head, Model
from looped.analysis.restricted import RestrictedMlp, restrict_mlp

__all__ = ["BlockTable", "HeadTable", "MlpTable", "Tables", "tabulate"]

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
    gate: Singles
    gate_constant: Singles
    up: Singles
    up_constant: Singles
    linear: Floats
    linear_constant: Floats
    down: Floats
    writes: Ints


class BlockTable(NamedTuple):
    """One block. Its heads write to the lanes `writes`, in ascending order. Column c has the MLP
    `mlps[kind[c]]`. `ov_one` and `down_one` stand for 1."""

    heads: tuple[HeadTable, ...]
    writes: Ints
    ov_one: int
    mlps: tuple[MlpTable, ...]
    kind: Ints
    down_one: int


class Tables(NamedTuple):
    """All that a pass needs to know; `static` (d_model,) marks the lanes that no matrix writes."""

    blocks: tuple[BlockTable, ...]
    static: npt.NDArray[np.bool_]


def tabulate(model: Model, x: npt.NDArray[np.int8]) -> Tables:
    """The tables of a model for a stream with the static lanes of `x` (columns, d_model).

    Raises CompileError if the sums of hidden units are not exact in such a stream.
    """
    check_hidden_sums(model, x, np.ones(x.shape, np.bool_))
    static = ~model.written
    return Tables(tuple(_block(block, static, x) for block in model.blocks), static)


def _block(block: Block, static: npt.NDArray[np.bool_], x: npt.NDArray[np.int8]) -> BlockTable:
    classes, kind = columns_by_class(block, static, x)
    mlps = (_mlp(restrict_mlp(block, np.array(known, np.int64))) for known in classes)
    heads = tuple(map(_head, block.heads))
    writes = np.array(sorted({lane for head in heads for lane in head.writes.tolist()}), int)
    return BlockTable(heads, writes, block.ov_one, tuple(mlps), kind, block.down_one)


def _head(head: Head) -> HeadTable:
    reads, writes = np.flatnonzero(head.reads), np.flatnonzero(head.writes)
    ov = head.w_ov[np.ix_(writes, reads)].T
    return HeadTable(_single(head.query.T), _single(head.key.T), head.margin, reads, writes,
                     _single(ov))  # fmt: skip


def _mlp(mlp: RestrictedMlp) -> MlpTable:
    forms = mlp.gate, mlp.up, mlp.linear
    reads = np.flatnonzero(np.concatenate([form.matrix for form in forms]).any(axis=0))
    gate, up, linear = (form.matrix[:, reads].T for form in forms)
    return MlpTable(
        reads,
        _single(gate),
        _single(mlp.gate.constant),
        _single(up),
        _single(mlp.up.constant),
        np.ascontiguousarray(linear, np.float64),
        mlp.linear.constant.astype(np.float64),
        np.ascontiguousarray(mlp.down.T, np.float64),
        mlp.lanes,
    )


def _single(matrix: Ints) -> Singles:
    return np.ascontiguousarray(matrix, np.float32)
