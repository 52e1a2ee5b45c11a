"""Banks: many linear forms over packed lanes, evaluated at once by tables.

The lanes of a column are packed into 64-bit words, bit 1 for +1. A *bank* is a list of integer
forms over them. Four lanes have sixteen states; for each state a table row holds what the four
lanes add to every form. So a bank costs one row of additions for every four lanes that it reads
("the method of four Russians", Arlazarov, Dinic, Kronrod and Faradzhev 1970). A row covers only the
forms that read its lanes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from looped.analysis.forms import Form
from looped.analysis.grid import Ints

__all__ = ["WORD", "BankBuilder", "Banks", "pack", "padded", "unpack"]

WORD = 64
"""Lanes in a packed word."""

_SPAN = 4
"""Lanes of a chunk: 2^4 rows of 8 forms of 4 bytes are 512 bytes, so a machine's tables stay in the
processor's cache; with 8 lanes they would be eight times as large for half the additions."""

_STRIDE = 8
"""Forms are added eight at a time: eight 32-bit integers fill a vector register of AVX2."""

Words = npt.NDArray[np.uint64]


class Banks(NamedTuple):
    """Bank k has the chunks `start[k]` to `start[k + 1]`.

    Each row of `chunk` describes one chunk: the packed word, shift and mask that select its lanes,
    the first form that it adds to, the number of forms, and where its rows begin in `table`.
    """

    start: Words
    chunk: Words
    table: npt.NDArray[np.int32]


class BankBuilder:
    """Collects banks."""

    def __init__(self) -> None:
        self._start = [0]
        self._chunks: list[tuple[int, ...]] = []
        self._rows: list[npt.NDArray[np.int32]] = []
        self._size = 0

    def add(self, *parts: Form) -> int:
        """Add a bank of these forms; each part begins at a multiple of 8. Returns its number."""
        first = 0
        for part in parts:
            self._add_part(first, part)
            first += padded(len(part.matrix))
        self._start.append(len(self._chunks))
        return len(self._start) - 2

    def _add_part(self, first: int, part: Form) -> None:
        matrix, constant = part
        if constant.any():
            self._add_chunk(0, 0, first, constant[:, None])
        read, at = np.asarray(matrix.any(axis=0)), 0
        while read[at:].any():
            at += int(read[at:].argmax())
            end = min(at + _SPAN, (at // WORD + 1) * WORD, len(read))
            bits = end - at
            signs = 2 * (np.arange(1 << bits) >> np.arange(bits)[:, None] & 1) - 1
            self._add_chunk(at, (1 << bits) - 1, first, matrix[:, at:end] @ signs)
            at = end

    def _add_chunk(self, lane: int, mask: int, base: int, sums: Ints) -> None:
        """Add a chunk whose `sums` (forms, states) say what its lanes add in each state."""
        touched = np.flatnonzero(sums.any(axis=1))
        first, last = int(touched[0]) // _STRIDE * _STRIDE, padded(int(touched[-1]) + 1)
        rows = np.zeros((sums.shape[1], last - first), np.int32)
        rows[:, : len(sums) - first] = sums[first:last].T
        place = (lane // WORD, lane % WORD, mask, base + first, last - first, self._size)
        self._chunks.append(place)
        self._rows.append(rows.reshape(-1))
        self._size += rows.size

    def finish(self) -> Banks:
        """All banks added so far."""
        return Banks(
            np.array(self._start, np.uint64),
            np.array(self._chunks, np.uint64).reshape(-1, 6),
            np.concatenate([*self._rows, np.zeros(0, np.int32)]),
        )


def padded(count: int) -> int:
    """How many places `count` forms take: a multiple of _STRIDE."""
    return -(-count // _STRIDE) * _STRIDE


def pack(x: npt.NDArray[np.bool_]) -> Words:
    """Lanes (columns, d_model), True for +1, as words (columns, words)."""
    columns, width = x.shape
    words = -(-width // WORD)
    padded = np.zeros((columns, words * WORD), np.bool_)
    padded[:, :width] = x
    packed = np.packbits(padded, axis=1, bitorder="little")
    return np.ascontiguousarray(packed).view("<u8").astype(np.uint64)


def unpack(words: Words, width: int) -> npt.NDArray[np.int8]:
    """Words (columns, words) as lanes (columns, width), -1 or +1."""
    octets = np.ascontiguousarray(words.astype("<u8")).view(np.uint8)
    bits = np.unpackbits(octets, axis=1, count=width, bitorder="little")
    return 2 * bits.astype(np.int8) - 1
