"""Lookups: many steps on the same few bits, added up to a table of constants.

A hidden unit that tests a word for one number is a step; a table in the weights has one for each
number. All steps whose bits are the same few ones are functions of them, and so is what they
together add to a lane. It is evaluated for all values of the bits. A lane to which they add one of
two numbers gets a bit of a table, whose index are the bits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from looped.engines.lifted.code import Code
from looped.engines.lifted.conditions import Bit
from looped.engines.lifted.sums import Form

__all__ = ["Lookups", "Step"]

_MOST_BITS = 12
"""A table has at most 2^12 entries of 8 bytes, which the fastest cache of a processor holds."""

_MANY = 48
"""From this many steps on, a table is loaded instead. RV32I has up to 31 steps on the same 7 bits:
as tests they exclude each other, which later blocks use, and a table saves 4% of its code only."""

_PLACES = 64

Signs = npt.NDArray[np.bool_]
"""A condition for all values of some bits."""


class Step(NamedTuple):
    """`value · [Σ weight · bit ≥ at]`; the weights are not zero."""

    bits: tuple[tuple[Bit, int], ...]
    at: int
    value: float

    @property
    def support(self) -> frozenset[Bit]:
        """The bits on which it depends."""
        return frozenset(bit for bit, _ in self.bits)


class Lookups:
    """Finds tables and emits their loads.

    `widths` gets the number of bits of each entry; `pack` makes a word of bits, the first one least
    significant.
    """

    def __init__(
        self, code: Code, widths: dict[int, int], pack: Callable[[Sequence[Bit]], int]
    ) -> None:
        self.code = code
        self.widths = widths
        self.pack = pack

    def take(self, steps: Mapping[int, Sequence[Step]]) -> dict[int, tuple[Form, set[Step]]]:
        """For each lane that tables serve, what they add, and which of its steps they replace."""
        distinct = {(step.bits, step.at): step for own in steps.values() for step in own}
        counts = Counter(step.support for step in distinct.values())
        taken: dict[int, tuple[Form, set[Step]]] = {}
        for bits, count in counts.items():
            if count >= _MANY and 0 < len(bits) <= _MOST_BITS:
                own = {
                    lane: [step for step in some if step.support <= bits]
                    for lane, some in steps.items()
                    if any(step.support == bits for step in some)
                }
                self._tabulate(sorted(bits), own, taken)
        return taken

    def _tabulate(
        self,
        bits: list[Bit],
        steps: Mapping[int, Sequence[Step]],
        taken: dict[int, tuple[Form, set[Step]]],
    ) -> None:
        """Make tables of what steps on some bits add to each lane."""
        values = np.arange(1 << len(bits))
        ones = {bit: (values >> place & 1).astype(np.bool_) for place, bit in enumerate(bits)}
        known: dict[tuple[object, int], Signs] = {}
        rows: dict[bytes, tuple[Signs, list[tuple[int, float, float]]]] = {}
        for lane, own in steps.items():
            left = [step for step in own if lane not in taken or step not in taken[lane][1]]
            total = np.zeros(len(values))
            for step in left:
                total += step.value * _holds(step, ones, known)
            low, high = float(total.min()), float(total.max())
            if not ((total == low) | (total == high)).all():
                continue
            taken.setdefault(lane, (Form(), set()))[1].update(left)
            taken[lane][0].constant += low
            if low != high:
                row = total == high
                _, members = rows.setdefault(row.tobytes(), (row, []))
                members.append((lane, low, high))
        for (_, members), bit in zip(rows.values(), self._bits(bits, ones, rows), strict=True):
            for lane, low, high in members:
                taken[lane][0].add(Form(0.0, {bit: high - low}))

    def _bits(
        self, bits: list[Bit], ones: Mapping[Bit, Signs], rows: Mapping[bytes, tuple[Signs, object]]
    ) -> list[Bit]:
        """Conditions as bits: of the index itself, or of tables that it indexes."""
        same = {row.tobytes(): bit for bit, row in ones.items()}
        missing = [key for key in rows if key not in same]
        index = self.pack(bits) if missing else 0
        for start in range(0, len(missing), _PLACES):
            some = missing[start : start + _PLACES]
            entries = np.zeros(1 << len(bits), np.uint64)
            for place, key in enumerate(some):
                entries |= rows[key][0].astype(np.uint64) << np.uint64(place)
            self.code.tables.append(entries.view(np.int64))
            value = self.code.emit("table", index, number=len(self.code.tables) - 1)
            self.widths[value] = len(some)
            same.update((key, Bit(value, place)) for place, key in enumerate(some))
        return [same[key] for key in rows]


def _holds(step: Step, ones: Mapping[Bit, Signs], known: dict[tuple[object, int], Signs]) -> Signs:
    """Whether a step has its value, for all values of the bits."""
    key = step.bits, step.at
    if key not in known:
        total = sum(weight * ones[bit].astype(np.int64) for bit, weight in step.bits)
        known[key] = np.asarray(total >= step.at)
    return known[key]
