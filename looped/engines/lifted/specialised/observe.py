"""What some passes of a stream show: the states that recur, what they fetch, and what follows.

A *key* is what tells states apart: the words of the driver on which the column of a fetch depends
(the program counter), and narrow ones (flags, counters). Other words are data. A *fetch* is a load
whose column depends on the state alone, so on the key. All other loads are data, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from looped.engines.lifted.code import Code
from looped.engines.lifted.specialised.bits import after, exactly

__all__ = ["Fetches", "Key", "Passes", "Sight", "fetches_of", "sights"]

Key = tuple[int, ...]

_NARROW = 8
"""The most bits of a word that is always part of the key: so many have flags, and counters of the
steps of one instruction. A sum or an address has more."""


@dataclass(frozen=True)
class Fetches:
    """The loads of some code whose column depends on the words `key` alone, as pieces of code.

    `columns` has for each of the loads, by its place, the places of the instructions that compute
    its column, in order, the column last.
    """

    code: Code
    key: tuple[int, ...]
    columns: dict[int, tuple[int, ...]]

    def targets(self, key: Key) -> dict[int, int]:
        """The column of each fetch of a pass."""
        state = dict(zip(self.key, key, strict=True))
        return {place: self._value(steps, state) for place, steps in self.columns.items()}

    def _value(self, steps: Sequence[int], state: dict[int, int]) -> int:
        found = dict[int, int]()
        for place in steps:
            instruction = self.code.instructions[place]
            match instruction.operation:
                case "const":
                    found[place] = instruction.number
                case "state":
                    found[place] = state[instruction.number]
                case operation:
                    known = [exactly(found[o]) for o in instruction.operands]
                    found[place] = after(operation, known).one
        return found[steps[-1]]


def fetches_of(code: Code, widths: Sequence[int]) -> Fetches:
    """The fetches of the code of a pass, and the words that are the key."""
    pieces: list[tuple[int, ...] | None] = []
    columns = {}
    for place, instruction in enumerate(code.instructions):
        operands = [pieces[o] for o in instruction.operands]
        known = [piece for piece in operands if piece is not None]
        whole = len(known) == len(operands)
        if instruction.operation == "load" and whole:
            columns[place] = known[0]
        if whole and instruction.operation not in ("load", "store", "guard", "table"):
            pieces.append((*sorted({step for piece in known for step in piece}), place))
        else:
            pieces.append(None)
    steps = {step for piece in columns.values() for step in piece}
    read = {i.number for step in steps if (i := code.instructions[step]).operation == "state"}
    key = tuple(n for n, width in enumerate(widths) if n in read or width <= _NARROW)
    return Fetches(code, key, columns)


@dataclass(frozen=True)
class Passes:
    """Some passes in order: `states` (passes + 1, words), the `columns` of the stores (passes,
    stores) and the `contents` there after the pass, and all cells before and after."""

    states: npt.NDArray[np.uint64]
    columns: npt.NDArray[np.int64]
    contents: npt.NDArray[np.uint64]
    before: npt.NDArray[np.unsignedinteger]
    after: npt.NDArray[np.unsignedinteger]


@dataclass
class Sight:
    """What the passes from the states of one key show.

    `fetched` has the number that a fetch loads each time, None if that differs; `following` has how
    often a key is the next one.
    """

    visits: int
    fetched: dict[int, int | None]
    following: dict[Key, int]


def sights(passes: Passes, fetches: Fetches) -> dict[Key, Sight]:
    """What passes show of each key that they have."""
    rows = passes.states[:, list(fetches.key)]
    unique, first, place = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    keys = [tuple(row) for row in unique.tolist()]
    order = place.reshape(-1).tolist()
    targets = {number: fetches.targets(keys[number]) for number in set(order[:-1])}
    columns = {column for found in targets.values() for column in found.values()}
    settled = _settled(passes, columns)
    found = {}
    for number, own in targets.items():
        fetched = {
            at: int(passes.after[c]) if settled.get(c, 0) <= first[number] else None
            for at, c in own.items()
        }
        found[keys[number]] = Sight(0, fetched, {})
    for here, onward in pairwise(order):
        sight = found[keys[here]]
        sight.visits += 1
        sight.following[keys[onward]] = sight.following.get(keys[onward], 0) + 1
    return found


def _settled(passes: Passes, columns: set[int]) -> dict[int, int]:
    """For columns in which a store has changed something, the first pass that finds there what all
    later ones find."""
    result: dict[int, int] = {}
    held = {column: int(passes.before[column]) for column in columns}
    touched = np.isin(passes.columns, list(columns)).any(axis=1)
    for number in np.flatnonzero(touched).tolist():
        stored = zip(passes.columns[number].tolist(), passes.contents[number].tolist(), strict=True)
        for column, content in stored:
            if column in held and content != held[column]:
                held[column] = content
                result[column] = number + 1
    return result
