"""Program: lifted code, its machine code, and where lanes and columns are in its words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from looped.artefact.residual import Residual, compact
from looped.engines.host_lanes import HostLanes
from looped.engines.lifted.code import Code
from looped.engines.lifted.columns import Behaviour
from looped.engines.lifted.lift import Lifted
from looped.engines.lifted.native import Native

__all__ = ["Program", "known_lanes", "program_of"]


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
    known: Residual
    cell: npt.NDArray[np.intp]
    number: npt.NDArray[np.intp]
    source: Callable[[], Code]

    def fits(self, x: Residual, host: HostLanes) -> bool:
        """Whether this program is right for the stream `x`, whose host sets the lanes `host`."""
        if self.known.shape != x.shape:
            return False
        if any(self.known.column(column)[mask].any() for column, mask in host.masks.items()):
            return False
        return x.agrees(self.known)


def known_lanes(found: Behaviour, x: Residual) -> Residual:
    """The known lanes of all columns of a stream like `x`, drivers included."""
    if not found.layout.alike:
        known = np.zeros(x.shape, np.int8)
        known[found.columns] = found.rows
        known[found.drivers] = found.of(found.driver)
        return compact(known, x.alike)
    rest = np.zeros(x.rest.shape, np.int8)
    rest[found.columns[x.alike :] - x.alike] = found.rows[1:]
    rest[found.drivers - x.alike] = found.of(found.driver)
    nothing = np.zeros((x.alike, 0), np.uint64)
    return Residual(found.rows[0], np.zeros(0, np.intp), nothing, rest, x.positions)


def program_of(
    lifted: Lifted, native: Native, known: Residual, source: Callable[[], Code] | None = None
) -> Program:
    """The places of lanes and columns in words and cells."""
    found = lifted.behaviour
    columns, lanes = known.shape
    word, bit = np.full(lanes, -1, np.intp), np.zeros(lanes, np.uint64)
    for n, own in enumerate(lifted.words):
        word[list(own)] = n
        bit[list(own)] = np.arange(len(own))
    cell, number = np.full(columns, -1, np.intp), np.full(columns, -1, np.intp)
    cell[found.columns] = np.arange(len(found.columns))
    number[found.drivers] = np.arange(len(found.drivers))
    cell[found.drivers] = -1
    source = source or (lambda: lifted.code)
    return Program(lifted, native, word, bit, known, cell, number, source)
