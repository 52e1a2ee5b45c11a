"""Effort: when hot loops are specialised, and how much of a program."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["USUAL", "Effort"]


@dataclass(frozen=True)
class Effort:
    """When code is specialised, and how much of it.

    `patience` is how many plain passes come before the first look at what recurs, `recurrences` how
    often a key must be seen. `size` is the most instructions of a graph; the nodes that were seen
    longest ago are dropped. A node of more than `largest` instructions is none. After a graph of n
    instructions has been compiled, plain code executes about `share` times n instructions before
    the next look: as long as LLVM takes for the graph, so that at most half of the time is lost.
    """

    patience: int = 20_000
    recurrences: int = 2
    size: int = 40_000
    largest: int = 1_500
    share: int = 250_000


USUAL = Effort()
