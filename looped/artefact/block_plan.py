"""BlockPlan: the heads and the groups of hidden units of one block, explained."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BlockPlan", "GroupPlan", "HeadPlan"]


@dataclass(frozen=True, slots=True)
class HeadPlan:
    """One attention head, explained: the words that its query, key and value come from, and the
    words that its output adds to. Its best score exceeds the next by at least `margin`, before
    scaling by `beta`."""

    name: str
    meaning: str
    query: tuple[str, ...]
    key: tuple[str, ...]
    value: tuple[str, ...]
    output: tuple[str, ...]
    margin: int
    beta: int | float


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """The hidden units of an MLP that make one word, and the words they read and write."""

    name: str
    units: tuple[int, ...]
    reads: tuple[str, ...]
    writes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BlockPlan:
    """The heads and the MLP groups of one block."""

    heads: tuple[HeadPlan, ...]
    groups: tuple[GroupPlan, ...]
