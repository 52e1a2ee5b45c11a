"""Head and Group: the parts of a compiled machine, by the names that its plan gives them.

A group is what the MLP of one block puts into the lanes of one word. Units may serve several words:
so a part is the lanes that it writes to, and `units` are those that the plan lists under its name.
The group `clear` returns lanes to -1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from looped.artefact.plan import BlockPlan, Occupant, Plan

__all__ = ["CLEAR", "Group", "Head", "Part", "find", "occupied", "parts"]

CLEAR = "clear"
"""The name of the group that returns lanes to -1."""


@dataclass(frozen=True, slots=True)
class Head:
    """Head number `index` of a block, and what it does."""

    block: int
    name: str
    job: str
    index: int

    def __str__(self) -> str:
        return f"head {self.name}"


@dataclass(frozen=True, slots=True)
class Group:
    """What the MLP of a block writes into `lanes` of the CPU column."""

    block: int
    name: str
    job: str
    lanes: tuple[int, ...]
    units: tuple[int, ...]

    def __str__(self) -> str:
        return f"group {self.name}"


Part = Head | Group


def parts(plan: Plan) -> Iterator[Part]:
    """Every head and every group, block by block."""
    for number, block in enumerate(plan.blocks):
        for index, head in enumerate(block.heads):
            yield Head(number, head.name, head.meaning, index)
        made, cleared = _lanes(plan, 2 * number + 1)
        for word, lanes in made.items():
            units, reads = _explained(block, word)
            job = f"makes {word}" + (f" from {', '.join(reads)}" if reads else "")
            yield Group(number, word, job, lanes, units)
        if cleared:
            yield Group(number, CLEAR, "clears lanes", cleared, _explained(block, CLEAR)[0])


def find(
    plan: Plan, *, head: str | None = None, group: str | None = None, block: int | None = None
) -> tuple[Part, ...]:
    """The parts with a name, of all blocks or of one, counted from 0.

    Raises ValueError if there is none, and unless exactly one of `head` and `group` is a name.
    """
    if (head is None) == (group is None):
        raise ValueError("name either a head or a group")
    kind, name = (Head, head) if group is None else (Group, group)
    known = [part for part in parts(plan) if isinstance(part, kind)]
    found = tuple(p for p in known if p.name == name and block in (None, p.block))
    if not found:
        names = ", ".join(dict.fromkeys(p.name for p in known if block in (None, p.block)))
        raise ValueError(f"no {kind.__name__.lower()} is named {name!r}; there are {names}")
    return found


def occupied(plan: Plan, word: str) -> list[tuple[int, Occupant]]:
    """The lanes of the CPU column that hold bits of a word during a loop, with their phases."""
    held = enumerate(plan.occupants)
    return [(lane, each) for lane, row in held for each in row if each.word == word]


def _lanes(plan: Plan, phase: int) -> tuple[dict[str, tuple[int, ...]], tuple[int, ...]]:
    """The lanes of each word that the MLP of a phase makes, and those that it only clears."""
    made: dict[str, dict[int, int]] = {}
    cleared = []
    for lane, held in enumerate(plan.occupants):
        starting = [each for each in held if each.start == phase]
        for each in starting:
            made.setdefault(each.word, {})[each.bit] = lane
        if not starting and any(each.end == phase for each in held):
            cleared.append(lane)
    words = {word: tuple(lanes[bit] for bit in sorted(lanes)) for word, lanes in made.items()}
    return words, tuple(cleared)


def _explained(block: BlockPlan, name: str) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The units and the words read of the group with that name; none if others own its units."""
    for group in block.groups:
        if group.name == name:
            words = dict.fromkeys(word.partition("[")[0] for word in group.reads)
            return group.units, tuple(word for word in words if word != name)
    return (), ()
