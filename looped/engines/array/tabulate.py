"""A model as tables for the passes in NumPy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from looped.analysis.grid import Ints
from looped.analysis.hidden_sums import check_hidden_sums
from looped.analysis.kinds import columns_by_class
from looped.analysis.model import Block, Head, Model
from looped.analysis.restricted import RestrictedMlp, restrict_mlp
from looped.artefact.residual import Residual
from looped.engines.array.premise import premise_of
from looped.engines.array.product import Product
from looped.engines.array.tables import BlockTable, HeadTable, MlpTable, Singles, Tables
from looped.errors import CompileError

__all__ = ["tabulate"]

_MOST_ROWS = 4096
"""Columns that are not alike. Each pass evaluates them all, with scores for each pair."""


def tabulate(model: Model, x: Residual) -> Tables:
    """The tables of a model for a stream.

    Raises CompileError if the sums of hidden units are not exact in it, or if too few of its
    columns are alike.
    """
    static = ~model.written
    heads = [tuple(map(_head, block.heads)) for block in model.blocks]
    premise = premise_of(x, static, [head for own in heads for head in own])
    known = premise.known
    if len(known) > _MOST_ROWS:
        raise CompileError(f"more than {_MOST_ROWS} columns have nothing in common")
    check_hidden_sums(model, known, known != 0)
    lanes = static & (known != 0).all(axis=0)
    blocks = tuple(_block(b, own, lanes, known) for b, own in zip(model.blocks, heads, strict=True))
    idle = [all(_is_idle(block, known[rows[0]]) for block in model.blocks)
            for rows in premise.groups]  # fmt: skip
    return Tables(blocks, static, premise, np.array(idle, np.bool_))


def _is_idle(block: Block, known: npt.NDArray[np.int8]) -> bool:
    """Whether the MLP of a block adds nothing to columns with these known lanes."""
    return not len(restrict_mlp(block, known.astype(np.int64)).lanes)


def _block(
    block: Block,
    heads: tuple[HeadTable, ...],
    lanes: npt.NDArray[np.bool_],
    known: npt.NDArray[np.int8],
) -> BlockTable:
    classes, kind = columns_by_class(block, lanes, known)
    mlps = (_mlp(restrict_mlp(block, np.array(known, np.int64))) for known in classes)
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
        Product(_single(gate)),
        _single(mlp.gate.constant),
        Product(_single(up)),
        _single(mlp.up.constant),
        Product(np.ascontiguousarray(linear, np.float64)),
        mlp.linear.constant.astype(np.float64),
        Product(np.ascontiguousarray(mlp.down.T, np.float64)),
        mlp.lanes,
    )


def _single(matrix: Ints) -> Singles:
    return np.ascontiguousarray(matrix, np.float32)
