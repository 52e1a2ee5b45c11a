"""Packer: loops from the inside as few bytes, in chunks that a page can read one by one.

A chunk holds LOOPS loops (the last one fewer), compressed by raw deflate. For each loop there are
bytes of fixed length: the lanes of every CPU column at the beginning and after each phase, the
heads, then the units that fire; each is XORed with those of the loop before. After all of them
comes the text of the arcs: JSON, one list per loop.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import astuple

import numpy as np
import numpy.typing as npt

from looped.artefact.plan import Plan
from looped.view.phases import Inside

__all__ = ["LOOPS", "Packer", "unit_counts"]

LOOPS = 128
"""Loops of a chunk: fewer compress worse, more take longer to open."""

Bytes = npt.NDArray[np.uint8]


def unit_counts(plan: Plan) -> list[int]:
    """For each block the number of hidden units that its groups use."""
    groups = (block.groups for block in plan.blocks)
    return [max((unit + 1 for g in each for unit in g.units), default=0) for each in groups]


class Packer:
    """Compresses the loops of a run as they come."""

    def __init__(self, plan: Plan) -> None:
        self._counts = unit_counts(plan)
        self._rows: list[Bytes] = []
        self._arcs: list[list[tuple[int, ...]]] = []
        self._chunks: list[bytes] = []

    def add(self, inside: Inside) -> None:
        """The next loop."""
        parts = [np.packbits(inside.lanes, axis=-1, bitorder="little").reshape(-1)]
        for heads in inside.heads:
            parts.append(heads.astype("<u2").reshape(-1).view(np.uint8))
        for units, count in zip(inside.units, self._counts, strict=True):
            parts.append(np.packbits(units[:count].T, axis=-1, bitorder="little").reshape(-1))
        self._rows.append(np.concatenate(parts))
        self._arcs.append([astuple(arc) for arc in inside.arcs])
        if len(self._rows) == LOOPS:
            self._close()

    def finished(self) -> list[bytes]:
        """All chunks."""
        if self._rows:
            self._close()
        return self._chunks

    def _close(self) -> None:
        rows = np.stack(self._rows)
        rows[1:] ^= rows[:-1].copy()
        text = json.dumps(self._arcs, separators=(",", ":")).encode()
        self._chunks.append(deflated(rows.tobytes() + text))
        self._rows, self._arcs = [], []


def deflated(content: bytes) -> bytes:
    """Bytes compressed by raw deflate, which browsers can read."""
    maker = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return maker.compress(content) + maker.flush()
