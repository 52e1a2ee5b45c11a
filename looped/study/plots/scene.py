"""Scene: what a diagram of one loop shows, as names and numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from looped.artefact.plan import Plan
from looped.image import Image
from looped.study.cache import PlanCache
from looped.study.parts import CLEAR, Group, parts
from looped.study.plots.numbers import labels_of, shown
from looped.study.transfers import Transfer, transfers
from looped.study.watched import WatchedLoop

__all__ = ["Act", "Column", "Made", "Moved", "Scene", "describe_loop"]

_PART = "in part"
"""The word of a group of which another block makes the other bits."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that takes part: its name, its label in the program, its word before and after.

    The word of a CPU column is the program counter.
    """

    number: int
    name: str
    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Moved:
    """A transfer, and the word that it moves."""

    transfer: Transfer
    word: str


@dataclass(frozen=True, slots=True)
class Made:
    """A word that an MLP group makes, and how many of the group's units fire."""

    name: str
    word: str
    fired: int
    units: int


@dataclass(frozen=True, slots=True)
class Act:
    """One block: what its heads move, and what its MLP makes. `zeros` counts the groups whose word
    is zero."""

    moved: tuple[Moved, ...]
    made: tuple[Made, ...]
    zeros: int


@dataclass(frozen=True, slots=True)
class Scene:
    """A loop of a run: the columns that take part, those of the CPU last, and its blocks."""

    title: str
    columns: tuple[Column, ...]
    cpus: range
    acts: tuple[Act, ...]


def describe_loop(seen: WatchedLoop, image: Image) -> Scene:
    """The scene of a loop. Raises ValueError if a pattern is not exactly one-hot."""
    cache, plan = seen.cache, seen.cache.plan
    found = list(transfers(cache))
    part = {c for t in found for c in (t.asks, t.answers)} | {plan.cpu}
    order = sorted(part, key=lambda c: (c in plan.cpus, c))
    labels = labels_of(image, plan)
    where = f"  ({seen.source})" if seen.source else ""
    return Scene(
        f"step {seen.step}: {seen.text}{where}",
        tuple(_column(cache, c, labels.get(c, "")) for c in order),
        plan.cpus,
        tuple(_act(cache, block, found) for block in range(len(plan.blocks))),
    )


def _column(cache: PlanCache, number: int, label: str) -> Column:
    plan = cache.plan
    word = "pc" if number in plan.cpus else "value"
    width, last = len(plan.words[word]), 2 * len(plan.blocks) - 1
    before, after = (
        shown(plan, word, cache.word(word, phase, column=number), width) for phase in (-1, last)
    )
    return Column(number, plan.column_name(number), label, before, after)


def _act(cache: PlanCache, block: int, found: list[Transfer]) -> Act:
    own = [t for t in found if t.head.block == block]
    moved = tuple(Moved(t, _moved_word(cache, t)) for t in own)
    made = [
        _made(cache, part)
        for part in parts(cache.plan)
        if isinstance(part, Group) and part.block == block and part.name != CLEAR
    ]
    nonzero = tuple(each for each in made if each.word != "0" or each.name == "pc")
    return Act(moved, nonzero, len(made) - len(nonzero))


def _made(cache: PlanCache, group: Group) -> Made:
    fired = len(cache.group(group.name, group.block)) if group.units else 0
    width = _width(cache.plan, group.name)
    if len(group.lanes) < width:  # the other bits come later
        word = _PART if fired else "0"
    else:
        word = shown(cache.plan, group.name, cache.word(group.name, 2 * group.block + 1), width)
    return Made(group.name, word, fired, len(group.units))


def _width(plan: Plan, name: str) -> int:
    bits = {each.bit for held in plan.occupants for each in held if each.word == name}
    return len(bits) or len(plan.words[name])


def _moved_word(cache: PlanCache, transfer: Transfer) -> str:
    """The word that comes out of a head: bits of the column that answers."""
    plan, head = cache.plan, transfer.head
    value = plan.blocks[head.block].heads[head.index].value
    name, low, high = _bits(value[-1] if transfer.writes(plan.cpus) else value[0])
    whole = cache.word(name, 2 * head.block - 1, column=transfer.answers)
    high = _width(plan, name) if high is None else high
    return shown(plan, name, whole >> low & (1 << high - low) - 1, high - low)


def _bits(text: str) -> tuple[str, int, int | None]:
    """`value[0:8]` as name, first bit, and the bit after the last one; None is the whole word."""
    found = re.fullmatch(r"(.+)\[(\d+)(?::(\d+))?\]", text)
    if found is None:
        return text, 0, None
    low = int(found[2])
    return found[1], low, int(found[3] or low + 1)
