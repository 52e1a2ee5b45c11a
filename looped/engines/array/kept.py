"""Tables that an earlier run has made, in the cache: then a run needs no weights to begin.

Tables serve streams that have the same static lanes, since they follow from these and the weights.
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
from looped.cache.key import key
from looped.cache.store import open_cache
from looped.engines.array.tables import BlockTable, HeadTable, MlpTable, Tables
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

    def tables(self, x: npt.NDArray[np.int8]) -> Tables | None:
        """Those for a stream (columns, d_model), if they are right for it."""
        if self._found is None:
            return None
        tables, lanes = self._found
        return tables if np.array_equal(_static_lanes(tables, x), lanes) else None

    def keep(self, tables: Tables, x: npt.NDArray[np.int8]) -> None:
        """Replace them by the tables for this stream."""
        if self._key is not None:
            lanes = _static_lanes(tables, x)
            self._found = tables, lanes
            entry = {**_sparse(_matrices(tables)), "static": tables.static, "lanes": lanes}
            self._cache.put(_KIND, self._key, safetensors.numpy.save(entry))

    def _find(self) -> tuple[Tables, Matrix] | None:
        content = None if self._key is None else self._cache.get(_KIND, self._key)
        if content is None:
            return None
        try:
            entry = safetensors.numpy.load(content)
            return Tables(_blocks(_dense(entry)), entry["static"]), entry["lanes"]
        except (safetensors.SafetensorError, KeyError, ValueError, IndexError, RuntimeError):
            return None


def _static_lanes(tables: Tables, x: npt.NDArray[np.int8]) -> Matrix:
    """The static lanes of all columns, packed."""
    return np.ascontiguousarray(np.packbits(x[:, tables.static] > 0, axis=1))


def _matrices(tables: Tables) -> Iterator[Matrix]:
    """All numbers of tables, in the order in which `_blocks` takes them."""
    yield np.array([len(tables.blocks)])
    for block in tables.blocks:
        yield np.array([len(block.heads), block.ov_one, len(block.mlps), block.down_one])
        yield block.writes
        yield block.kind
        for head in block.heads:
            yield from map(np.asarray, head)
        for mlp in block.mlps:
            yield from mlp


def _blocks(numbers: Iterator[npt.NDArray[np.int64]]) -> tuple[BlockTable, ...]:
    """The tables of all blocks."""
    blocks = []
    for _ in range(int(next(numbers)[0])):
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
    return MlpTable(reads, gate, gate_constant, up, up_constant, added, constant, through, writes)


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
