"""Premise: which lanes of which columns are known, and which columns are alike in them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from looped.artefact.residual import Residual
from looped.engines.array.tables import HeadTable, Premise

__all__ = ["premise_of"]


def premise_of(x: Residual, static: npt.NDArray[np.bool_], heads: Sequence[HeadTable]) -> Premise:
    """What is known of the columns of a stream; no matrix writes the lanes `static` (d_model,).

    In columns that are alike, lanes vary that the stream says so of, and those that heads rewrite.
    """
    varying = _varying(x, static, heads)
    known = x.rest if x.alike == 0 else np.concatenate([x.row[None], x.rest])
    known = np.where(varying, 0, known).astype(np.int8)
    members: dict[bytes, list[int]] = {}
    for number, row in enumerate(known):
        members.setdefault(row.tobytes(), []).append(number)
    groups = [np.array(own) for own in members.values() if len(own) > 1 and own[0] >= (x.alike > 0)]
    if x.alike:
        groups.insert(0, np.array([0]))
    alone = np.ones(len(known), np.bool_)
    for rows in groups:
        alone[rows] = False
    known[np.ix_(alone, ~static)] = 0
    return Premise(known, x.alike, tuple(groups))


def _varying(
    x: Residual, static: npt.NDArray[np.bool_], heads: Sequence[HeadTable]
) -> npt.NDArray[np.bool_]:
    """The lanes (d_model,) in which columns that are alike may differ: codes, from which a column
    finds itself in some heads, whatever else differs now, and what those heads write."""
    varying = np.zeros(len(static), np.bool_)
    varying[x.lanes] = True
    for counted in x.positions:
        varying[list(counted.lanes)] = True
    codes = varying & static
    for head in heads:
        if (codes & ((head.query * head.key).sum(axis=1) > 0)).any():
            varying[head.writes] = True
    return varying
