"""Tables that an earlier run has made, in the cache: then a run needs no weights to begin.

Tables serve streams with the same premise, since they follow from that and the weights.
All numbers in them are integers below 2^31, most of them zero; an entry has the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.numpy

from looped.artefact.plan import CompiledMachine
from looped.artefact.residual import Residual
from looped.cache.key import key
from looped.cache.store import open_cache
from looped.engines.array.premise import premise_of
from looped.engines.array.product import Product
from looped.engines.array.tables import BlockTable, HeadTable, MlpTable, Premise, Tables
from looped.untrusted import encode

__all__ = ["KeptTables"]

_KIND = "array"

Matrix = npt.NDArray[Any]


class KeptTables:
    """The tables that the cache has for a machine in a dtype."""

    def __init__(self, machine: CompiledMachine, dtype: str) -> None:
        self._cache = open_cache()
        self._key = None
        if self._cache.path is not None:
            self._key = key(machine.digest, encode(machine.plan), dtype)
        self._found = self._find()

    @property
    def ready(self) -> bool:
        """Whether there are any: then the model is exact in the dtype."""
        return self._found is not None

    def tables(self, x: Residual) -> Tables | None:
        """Those for a stream (columns, d_model), if they are right for it."""
        found = self._found
        if found is None or len(found.static) != x.shape[1]:
            return None
        heads = [head for block in found.blocks for head in block.heads]
        premise, own = premise_of(x, found.static, heads), found.premise
        same = premise.alike == own.alike and np.array_equal(premise.known, own.known)
        return found if same else None

    def keep(self, tables: Tables) -> None:
        """Replace them by these tables."""
        if self._key is not None:
            self._found = tables
            self._cache.put(_KIND, self._key, safetensors.numpy.save(_sparse(_matrices(tables))))

    def _find(self) -> Tables | None:
        content = None if self._key is None else self._cache.get(_KIND, self._key)
        if content is None:
            return None
        try:
            return _tables(_dense(safetensors.numpy.load(content)))
        except (
            safetensors.SafetensorError,
            KeyError,
            ValueError,
            IndexError,
            RuntimeError,
            StopIteration,
        ):
            return None


def _matrices(tables: Tables) -> Iterator[Matrix]:
    """All numbers of tables, in the order in which `_tables` takes them."""
    premise = tables.premise
    yield np.array([len(tables.blocks), premise.alike, len(premise.groups)])
    yield tables.static
    yield tables.idle
    yield premise.known
    yield from premise.groups
    for block in tables.blocks:
        yield np.array([len(block.heads), block.ov_one, len(block.mlps), block.down_one])
        yield block.writes
        yield block.kind
        for head in block.heads:
            yield from map(np.asarray, head)
        for mlp in block.mlps:
            for part in mlp:
                yield part.dense if isinstance(part, Product) else part


def _tables(numbers: Iterator[npt.NDArray[np.int64]]) -> Tables:
    """The tables in an entry. Raises ValueError if it ends too early."""
    blocks, alike, groups = next(numbers).tolist()
    static, idle, known = next(numbers) > 0, next(numbers) > 0, next(numbers).astype(np.int8)
    premise = Premise(known, alike, tuple(next(numbers) for _ in range(groups)))
    return Tables(_blocks(numbers, blocks), static, premise, idle)


def _blocks(numbers: Iterator[npt.NDArray[np.int64]], count: int) -> tuple[BlockTable, ...]:
    """The tables of all blocks."""
    blocks = []
    for _ in range(count):
        heads, ov_one, mlps, down_one = next(numbers).tolist()
        writes, kind = next(numbers), next(numbers)
        blocks.append(
            BlockTable(
                tuple(_head(numbers) for _ in range(heads)),
                writes,
                ov_one,
                tuple(_mlp(numbers) for _ in range(mlps)),
                kind,
                down_one,
            )
        )
    return tuple(blocks)


def _head(numbers: Iterator[npt.NDArray[np.int64]]) -> HeadTable:
    query, key, margin, reads, writes, ov = (next(numbers) for _ in range(6))
    singles = (matrix.astype(np.float32) for matrix in (query, key, ov))
    return HeadTable(next(singles), next(singles), int(margin), reads, writes, next(singles))


def _mlp(numbers: Iterator[npt.NDArray[np.int64]]) -> MlpTable:
    reads, *forms, linear, linear_constant, down, writes = (next(numbers) for _ in range(9))
    gate, gate_constant, up, up_constant = (form.astype(np.float32) for form in forms)
    added, constant, through = (m.astype(np.float64) for m in (linear, linear_constant, down))
    return MlpTable(
        reads,
        Product(gate),
        gate_constant,
        Product(up),
        up_constant,
        Product(added),
        constant,
        Product(through),
        writes,
    )


def _sparse(matrices: Iterator[Matrix]) -> dict[str, Matrix]:
    """Matrices as places and numbers of all entries that are not zero."""
    shapes, counts, places, numbers = [], [], [], []
    for matrix in matrices:
        at = np.flatnonzero(matrix)
        shapes.append([matrix.ndim, *matrix.shape, *[1] * (2 - matrix.ndim)])
        counts.append(len(at))
        places.append(at)
        numbers.append(matrix.ravel()[at])
    return {
        "shapes": np.array(shapes, np.int32),
        "counts": np.array(counts, np.int32),
        "places": np.concatenate(places).astype(np.int32),
        "numbers": np.concatenate(numbers).astype(np.int32),
    }


def _dense(entry: dict[str, Matrix]) -> Iterator[npt.NDArray[np.int64]]:
    """The matrices of an entry. Raises ValueError if it ends too early."""
    end = 0
    for (ndim, *shape), count in zip(
        entry["shapes"].tolist(), entry["counts"].tolist(), strict=True
    ):
        begin, end = end, end + count
        flat = np.zeros(int(np.prod(shape)), np.int64)
        flat[entry["places"][begin:end]] = entry["numbers"][begin:end]
        yield flat.reshape(shape[:ndim])
