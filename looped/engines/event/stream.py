"""Stream: one residual stream under incremental inference, as lanes in the order of the weights."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from looped.analysis.model import Model, check_made
from looped.analysis.restricted import columns_by_class
from looped.engines.engine import NO_LANES
from looped.engines.event.banks import pack, padded, unpack
from looped.engines.event.columns import STATE, fresh, nothing_known
from looped.engines.event.index import check_leads, index_columns
from looped.engines.event.passes import advance
from looped.engines.event.tables import Classes, Tables, tabulate

__all__ = ["Stream", "TableCache"]


class TableCache:
    """The tables of a model for every set of classes of columns that was asked for."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._found: dict[Classes, Tables] = {}

    def tables(self, classes: Classes) -> Tables:
        """Tables for these classes, made at most once."""
        if classes not in self._found:
            self._found[classes] = tabulate(self.model, classes)
        return self._found[classes]


class Stream:
    """One residual stream whose lanes are all ±1, (columns, d_model).

    Raises CompileError if a head has no index for it, or sums are not exact.
    """

    def __init__(self, cache: TableCache, x: npt.NDArray[np.int8]) -> None:
        model = cache.model
        places = np.ascontiguousarray(x[:, model.order])
        check_made(model, places, np.ones(places.shape, np.bool_))
        kinds = [columns_by_class(block, model.static, places) for block in model.blocks]
        heads = [head for block in model.blocks for head in block.heads]
        dims = padded(max((len(head.query) for head in heads), default=1))
        self._place = np.argsort(model.order)
        self._static = model.static
        tables = cache.tables(tuple(classes for classes, _ in kinds))
        keys = index_columns([head.key for head in heads], places, dims)
        check_leads(heads, keys)
        queries = index_columns([head.query for head in heads], places, dims)
        member = np.stack([member for _, member in kinds], axis=1)
        self._columns = fresh(pack(places > 0), member, len(heads), len(queries.group), dims)
        known = nothing_known(len(heads), len(tables.mlps.mlp), self._columns.lanes.shape[2])
        buffers = tuple(np.zeros(size, np.int32) for size in (tables.widest, tables.widest, dims))
        self._arrays = (
            *map(tuple, tables), tuple(keys), tuple(queries), tuple(self._columns),
            tuple(known), buffers,
        )  # fmt: skip
        self._changed = np.arange(len(x), dtype=np.int64)

    def advance(
        self,
        loops: int,
        column: int,
        stops: npt.NDArray[np.intp],
        mid_instruction: npt.NDArray[np.intp] = NO_LANES,
    ) -> int:
        """Up to `loops` passes, and no more after one that leaves one of the lanes `stops` of a
        column at +1. Returns how many were done; others that leave one of `mid_instruction`
        at +1 do not count. If they are fewer for another reason, a pass had to be given up."""
        masks = self._mask(stops), self._mask(mid_instruction)
        changed, self._changed = self._changed, np.zeros(0, np.int64)
        return int(advance(*self._arrays, changed, loops, column, *masks))

    def _mask(self, lanes: npt.NDArray[np.intp]) -> npt.NDArray[np.uint64]:
        """Some lanes of a column as a packed mask."""
        watched = np.zeros((1, len(self._place)), np.bool_)
        watched[0, self._place[lanes]] = True
        mask: npt.NDArray[np.uint64] = pack(watched)[0]
        return mask

    def state(self) -> npt.NDArray[np.int8]:
        """All lanes, (columns, d_model), column by column in memory: the dense engine, where it
        must round, rounds differently in another layout."""
        lanes = unpack(self._columns.lanes[STATE], len(self._place))
        return np.ascontiguousarray(lanes[:, self._place])

    def values(self, column: int, lanes: npt.NDArray[np.intp]) -> npt.NDArray[np.int8]:
        """Some lanes of a column."""
        lane = unpack(self._columns.lanes[STATE][column : column + 1], len(self._place))[0]
        values: npt.NDArray[np.int8] = lane[self._place[lanes]]
        return values

    def write(
        self, column: int, lanes: npt.NDArray[np.intp], values: npt.NDArray[np.generic]
    ) -> bool:
        """Set some lanes of a column to values, ±1. False: one that is static would change."""
        places = self._place[lanes]
        row = unpack(self._columns.lanes[STATE][column : column + 1], len(self._place))
        if (self._static[places] & (row[0, places] != values)).any():
            return False
        row[0, places] = values
        self._columns.lanes[STATE, column] = pack(row > 0)[0]
        self._changed = np.append(self._changed, column)
        return True
