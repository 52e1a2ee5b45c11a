"""Program: lifted code, its machine code, and where lanes and columns are in its words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from looped.engines.lifted.code import Code
from looped.engines.lifted.lift import Lifted
from looped.engines.lifted.native import Native

__all__ = ["Program", "program_of"]


@dataclass(frozen=True)
class Program:
    """Lifted code and its machine code. Lane i of a driver is bit `bit[i]` of word `word[i]` of its
    state; `word[i]` is -1 if the lane is known. `known` are the known lanes of all columns of the
    residual stream, drivers included. `cell` (columns,) is the place of each passive column among
    the cells, -1 for drivers; `number` (columns,) is the place of each driver among these, else -1.
    `source` returns the code, which a program of an earlier run decodes only then.
    """

    lifted: Lifted
    native: Native
    word: npt.NDArray[np.intp]
    bit: npt.NDArray[np.uint64]
    known: npt.NDArray[np.int8]
    cell: npt.NDArray[np.intp]
    number: npt.NDArray[np.intp]
    source: Callable[[], Code]

    def fits(self, x: npt.NDArray[np.int8], host: npt.NDArray[np.bool_]) -> bool:
        """Whether this program is right for the stream `x`, whose host sets the lanes `host`."""
        if len(self.known) != len(x) or (self.known[host] != 0).any():
            return False
        return bool(((self.known == 0) | (self.known == x)).all())


def program_of(
    lifted: Lifted, native: Native, columns: int, source: Callable[[], Code] | None = None
) -> Program:
    """The places of lanes and columns in words and cells."""
    found = lifted.behaviour
    lanes = found.known.shape[1]
    word, bit = np.full(lanes, -1, np.intp), np.zeros(lanes, np.uint64)
    for n, own in enumerate(lifted.words):
        word[list(own)] = n
        bit[list(own)] = np.arange(len(own))
    known = np.zeros((columns, lanes), np.int8)
    known[found.columns] = found.known
    known[found.drivers] = found.known[found.driver]
    cell, number = np.full(columns, -1, np.intp), np.full(columns, -1, np.intp)
    cell[found.columns] = np.arange(len(found.columns))
    number[found.drivers] = np.arange(len(found.drivers))
    cell[found.drivers] = -1
    source = source or (lambda: lifted.code)
    return Program(lifted, native, word, bit, known, cell, number, source)
