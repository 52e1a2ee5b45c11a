"""Accessed: whether the next instruction reads or writes certain words of memory."""

from __future__ import annotations

from collections.abc import Collection

from looped.debug.expressions import Expression
from looped.debug.stops import Kind
from looped.debug.words import Words
from looped.registry import machine

__all__ = ["accessing"]


def accessing(machine_name: str, columns: Collection[int], kind: Kind) -> Expression:
    """1 before an instruction that accesses one of these columns of memory, else 0.

    `read` counts reads alone, `access` writes too, also of a value that stays. The fetch of the
    instruction does not count, nor what a host reads while it serves a trap.
    """
    accesses, watched = machine(machine_name).accesses, frozenset(columns)

    def value(words: Words) -> int:
        told = accesses(words.image, words.port)
        touched = told.reads if kind == "read" else (*told.reads, *told.writes)
        return int(not watched.isdisjoint(touched))

    return value
