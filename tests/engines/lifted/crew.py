"""A small machine with workers: each adds up a row of memory, and writes the sums to its row."""

from __future__ import annotations

import functools

from looped.artefact.embedding import State, embed
from looped.artefact.plan import CompiledMachine
from looped.circuit.arithmetic import equal
from looped.circuit.circuit import Circuit
from looped.circuit.signals import Gated, Signal, Value
from looped.circuit.words import Word, bit, constant
from looped.passes.emit import compile_circuit

__all__ = ["begin", "crew"]


@functools.cache
def crew(workers: int, collides: bool = False) -> CompiledMachine:
    """Memory has 4 rows of 4 words, one for each of at most 4 workers.

    If it `collides`, all write to row 0 when the program counter is 11.
    """
    m = Circuit("crew", 8, 4)
    pc, number, mask = m.register("pc", 4), m.register("number", 2), m.register("mask", 2)
    total = m.register("total", 8)
    m.has_workers(number, mask)
    at = equal(pc, 11)
    off = (Gated(at, constant(-1)),) if collides else ()
    rows = [
        Signal(bit(lane), tuple(Gated(g.condition, -bit(lane)) for g in off)) for lane in number
    ]
    row = m.let("row", Value(tuple(rows)))
    read = m.read("read", Word("from", (*pc[:2], *number)))
    m.write("sum", Word("to", (*pc[2:], *row)), total)
    m.next(total, m.add(total, read))
    m.next(pc, m.add(pc, 1))
    m.next(number, number)
    return compile_circuit(m, workers=workers)


def begin(machine: CompiledMachine) -> State:
    """The words of memory are 3, 10, 17, …"""
    return embed([7 * n + 3 for n in range(16)], machine.plan)
