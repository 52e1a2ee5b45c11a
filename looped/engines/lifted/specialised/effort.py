"""Effort: when hot loops are specialised, and how much of a program."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["USUAL", "Effort"]


@dataclass(frozen=True)
class Effort:
    """When code is specialised, and how much of it.

    `patience` is how many plain passes come before the first look at what recurs, `recurrences` how
    often a key must be seen. A node of more than `largest` instructions is none. Nodes are compiled
    in units of about `unit` instructions; all units together have at most `size`, and the oldest
    are dropped. A unit is made after plain code has taken `share` times as long as all looks and
    units have and this one is likely to take. `beside` has a process beside the run make it, if
    there can be one.
    """

    patience: int = 1_000_000
    recurrences: int = 2
    unit: int = 5_000
    size: int = 60_000
    largest: int = 1_500
    share: float = 1.0
    beside: bool = True


USUAL = Effort()
"""A short program ends before the first look. LLVM takes more than twice as long for an instruction
of 20,000 as for one of 5,000."""
