"""Stream: one residual stream under incremental inference."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from looped.analysis.hidden_sums import check_hidden_sums
from looped.analysis.kinds import Classes, columns_by_class
from looped.analysis.model import Model
from looped.artefact.residual import Residual
from looped.engines.certified import Progress
from looped.engines.engine import Watch
from looped.engines.event.alike import Alike
from looped.engines.event.banks import WORD, pack, padded, unpack
from looped.engines.event.columns import (
    COLUMN,
    KEY_CHANGED,
    STATE,
    all_clean,
    nothing_known,
)
from looped.engines.event.index import check_margins, index_columns
from looped.engines.event.order import lane_order, reordered
from looped.engines.event.passes import advance
from looped.engines.event.tables import Tables, tabulate

__all__ = ["Stream", "TableCache"]


class TableCache:
    """The tables of a model, made once for each set of classes of columns.

    `model` has its lanes in the order of the residual stream, `packed` in the order of the packed
    words: place i holds lane `order[i]`.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.order = lane_order(model)
        self.packed = reordered(model, self.order)
        self._made: dict[Classes, Tables] = {}

    def tables(self, classes: Classes) -> Tables:
        """Tables for these classes, made at most once."""
        if classes not in self._made:
            self._made[classes] = tabulate(self.packed, classes)
        return self._made[classes]


class Stream:
    """One residual stream whose lanes are all ±1.

    Several `workers`, columns that change in each pass, begin with equal keys. The index does not
    tell which of equal keys has moved, so all keys of workers count as moved from the start.

    Raises CompileError if a head has no index for its columns, or if sums are not exact.
    """

    def __init__(self, cache: TableCache, x: Residual, workers: Sequence[int]) -> None:
        model, order = cache.packed, cache.order
        stream, static = Alike(x, order), ~model.written
        sample = stream.sample(static & np.any([b.mlp_reads for b in model.blocks], axis=0))
        check_hidden_sums(model, sample, np.ones(sample.shape, np.bool_))
        kinds = [columns_by_class(block, static, sample) for block in model.blocks]
        heads = [head for block in model.blocks for head in block.heads]
        dims = padded(max([1, *(len(head.query) for head in heads)]))
        self._place = np.argsort(order)
        self._static = static
        tables = cache.tables(tuple(classes for classes, _ in kinds))
        keys = index_columns([head.key for head in heads], stream, dims)
        check_margins(heads, keys)
        queries = index_columns([head.query for head in heads], stream, dims)
        member = np.stack([stream.spread(member) for _, member in kinds], axis=1)
        self._columns = all_clean(stream.packed(), member, len(heads), len(queries.group), dims)
        if len(workers) > 1:
            moving = np.array([head.key[:, model.written].any() for head in heads], np.bool_)
            self._columns.attention_edge[np.array(workers), :, KEY_CHANGED] = moving
        known = nothing_known(len(heads), len(tables.mlps.mlp), self._columns.lanes.shape[2])
        buffers = tuple(np.zeros(size, np.int32) for size in (tables.widest, tables.widest, dims))
        self._arrays = (
            *map(tuple, tables), tuple(keys), tuple(queries), tuple(self._columns),
            tuple(known), buffers,
        )  # fmt: skip
        self._changed = np.arange(len(x), dtype=np.int64)
        self._watch: Watch | None = None
        self._masks: tuple[npt.NDArray[np.uint64], ...] = ()

    def advance(self, loops: int, watch: Watch) -> Progress:
        """Pass until `loops` passes count, `watch` stops, or a pass is abandoned.

        A call may also end early, after many passes that do not count.
        """
        if self._watch is not watch:
            self._watch, self._masks = watch, self._masks_of(watch)
        changed, self._changed = self._changed, np.zeros(0, np.int64)
        return Progress(*advance(*self._arrays, changed, loops, watch.column, *self._masks))

    def _masks_of(self, watch: Watch) -> tuple[npt.NDArray[np.uint64], ...]:
        """The lanes and patterns of a watch as packed masks."""
        masks = [self._mask(part) for part in (watch.stops, watch.mid_instruction, watch.places)]
        patterns = [self._mask(watch.places[row]) for row in watch.patterns]
        return *masks, np.array(patterns, np.uint64).reshape(len(patterns), len(masks[0]))

    def touched(self) -> npt.NDArray[np.intp]:
        """The dirty columns, which contain all that the last pass has changed."""
        return self._columns.dirty[COLUMN, : self._columns.counts[0]].astype(np.intp)

    def _mask(self, lanes: npt.NDArray[np.intp]) -> npt.NDArray[np.uint64]:
        """Some lanes of a column as a packed mask."""
        watched = np.zeros((1, len(self._place)), np.bool_)
        watched[0, self._place[lanes]] = True
        mask: npt.NDArray[np.uint64] = pack(watched)[0]
        return mask

    def state(self) -> npt.NDArray[np.int8]:
        """All lanes, (columns, d_model), column by column in memory: in another layout the dense
        engine may round differently where it rounds."""
        lanes = unpack(self._columns.lanes[STATE], len(self._place))
        return np.ascontiguousarray(lanes[:, self._place])

    def rows(self, columns: npt.NDArray[np.intp]) -> npt.NDArray[np.int8]:
        """All lanes of some columns, (columns, d_model)."""
        lanes = unpack(self._columns.lanes[STATE][columns], len(self._place))
        return np.ascontiguousarray(lanes[:, self._place])

    def values(self, column: int, lanes: npt.NDArray[np.intp]) -> npt.NDArray[np.int8]:
        """Some lanes of a column, (lanes,)."""
        lane = unpack(self._columns.lanes[STATE][column : column + 1], len(self._place))[0]
        values: npt.NDArray[np.int8] = lane[self._place[lanes]]
        return values

    def words(self, lanes: npt.NDArray[np.intp]) -> npt.NDArray[np.uint64]:
        """The word in some lanes of all columns, (columns,)."""
        state = self._columns.lanes[STATE]
        result = np.zeros(len(state), np.uint64)
        for bit, place in enumerate(self._place[lanes].tolist()):
            word, shift = divmod(place, WORD)
            held = state[:, word] >> np.uint64(shift) & np.uint64(1)
            result |= held << np.uint64(bit)
        return result

    def write(
        self, column: int, lanes: npt.NDArray[np.intp], values: npt.NDArray[np.generic]
    ) -> bool:
        """Set some lanes of a column to ±1. False, and no change, if a static lane would change."""
        places = self._place[lanes]
        row = unpack(self._columns.lanes[STATE][column : column + 1], len(self._place))
        if (self._static[places] & (row[0, places] != values)).any():
            return False
        row[0, places] = values
        self._columns.lanes[STATE, column] = pack(row > 0)[0]
        self._changed = np.append(self._changed, column)
        return True
