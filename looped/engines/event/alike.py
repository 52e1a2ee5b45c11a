"""Alike: a residual stream in the order of the packed lanes, and what all words of memory share.

The columns of memory agree in all lanes but those of their position and their value. What does not
depend on these is computed for one of them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from looped.analysis.grid import Floats, Ints
from looped.analysis.keys import SEVERAL, KeyCodes, KeyGroup, key_codes
from looped.artefact.residual import Residual
from looped.engines.event.banks import WORD, Words

__all__ = ["Alike"]

_Mask = npt.NDArray[np.bool_]


class Alike:
    """A stream whose lanes are all ±1. Place i of a packed column holds lane `order[i]`."""

    def __init__(self, x: Residual, order: Ints) -> None:
        self.x = x
        self.order = order
        own = [*x.lanes.tolist(), *(lane for lanes, _ in x.positions for lane in lanes)]
        self._varies = np.isin(order, np.array(own, np.intp))

    def __len__(self) -> int:
        return len(self.x)

    def packed(self) -> Words:
        """All columns, (columns, words)."""
        lanes = self.order.tolist()
        words = [self.x.words(lanes[at : at + WORD]) for at in range(0, len(lanes), WORD)]
        return np.stack(words, axis=1)

    def sample(self, read: _Mask) -> npt.NDArray[np.int8]:
        """All lanes of columns, among which each column has an equal one in the places `read`."""
        if not self._one_for_all(read):
            return np.ascontiguousarray(np.asarray(self.x)[:, self.order])
        first = self.x.column(0)[None] if self.x.alike else self.x.rest[:0]
        return np.concatenate([first, self.x.rest])[:, self.order]

    def spread(self, sampled: Ints) -> Ints:
        """Numbers of all columns, from those of the columns of a sample."""
        if len(sampled) == len(self):
            return sampled
        return np.concatenate([np.repeat(sampled[:1], self.x.alike), sampled[1:]])

    def codes(self, rows: Ints, most_bits: int) -> KeyCodes:
        """The columns by their values in `rows` (dims, d_model); see `key_codes`. Raises
        CompileError."""
        read = np.asarray(rows.any(axis=0))
        if self._one_for_all(read):
            values = _products(self.sample(read), rows)
            return self._of_all(key_codes(values, np.arange(len(values)), most_bits))
        lanes = self.order[read].tolist()
        parts = [self._signs(lanes[at : at + WORD]) for at in range(0, len(lanes), WORD)]
        signs = np.concatenate([np.zeros((len(self), 0), np.int8), *parts], axis=1)
        return key_codes(_products(signs, rows[:, read]), np.arange(len(self)), most_bits)

    def _one_for_all(self, read: _Mask) -> bool:
        return self.x.alike > 0 and not (read & self._varies).any()

    def _signs(self, lanes: list[int]) -> npt.NDArray[np.int8]:
        """At most 64 lanes of all columns, (columns, lanes)."""
        octets = self.x.words(lanes).astype("<u8").view(np.uint8).reshape(-1, 8)
        bits = np.unpackbits(octets, axis=1, count=len(lanes), bitorder="little")
        return 2 * bits.astype(np.int8) - 1

    def _of_all(self, codes: KeyCodes) -> KeyCodes:
        """The codes of all columns, from those of a sample: column 0 stands for all alike ones."""
        groups = [self._group(group) for group in codes.groups]
        return KeyCodes(codes.coded, codes.magnitude, tuple(groups))

    def _group(self, group: KeyGroup) -> KeyGroup:
        alike, members = self.x.alike, group.members
        table = np.where(group.table > 0, group.table + alike - 1, group.table)
        shown = members[members > 0] + alike - 1
        if len(members) and members[0] == 0:
            shown = np.concatenate([np.arange(alike), shown])
            if alike > 1:
                table[group.table == 0] = SEVERAL
        return KeyGroup(group.constant, shown, table)


def _products(signs: npt.NDArray[np.int8], rows: Ints) -> Floats:
    """Exact products of lanes (columns, lanes) and rows (dims, lanes): sums stay below 2^24."""
    products: Floats = (signs.astype(np.float32) @ rows.T.astype(np.float32)).astype(np.float64)
    return products
