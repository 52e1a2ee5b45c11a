"""Effort: when hot loops are specialised, and how much of a program."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["USUAL", "Effort"]


@dataclass(frozen=True)
class Effort:
    """When code is specialised, and how much of it.

    `patience` is how many plain passes come before the first look at what recurs, `recurrences` how
    often a key must be seen. `size` is the most instructions of a graph; the nodes that were seen
    longest ago are dropped. A node of more than `largest` instructions is none. A graph is compiled
    after plain code has taken `share` times as long as that is likely to take: so a short program
    does not wait for LLVM, and a long one loses at most as much time again.
    """

    patience: int = 500_000
    recurrences: int = 2
    size: int = 40_000
    largest: int = 1_500
    share: float = 1.0


USUAL = Effort()
