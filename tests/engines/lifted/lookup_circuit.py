"""A small machine whose weights hold tables of constants."""

from __future__ import annotations

import functools

import numpy as np

from looped.artefact.embedding import State, embed
from looped.artefact.plan import CompiledMachine
from looped.circuit.arithmetic import equal, table
from looped.circuit.circuit import Circuit
from looped.circuit.signals import Gated, Signal, Value, any_of_disjoint, literal
from looped.circuit.words import bit, constant
from looped.passes.emit import compile_circuit
from tests import seeds

__all__ = ["begin", "lookups"]


@functools.cache
def lookups(bits: int, tables: int, width: int) -> CompiledMachine:
    """`out` is the entry at `segment` of the table that `pc` names; `segment` takes all values.

    The low bits of `out` are written to memory.
    """
    m = Circuit("lookups", 8, 4)
    segment, pick = m.register("segment", bits), m.register("pc", 4)
    out = m.register("out", width)
    m.next(segment, m.add(segment, 37 % (1 << bits)))
    m.next(pick, m.add(pick, 1))
    m.write("low", pick, out[:8])
    rng = seeds.rng(bits)
    terms: list[list[Gated]] = [[] for _ in range(width)]
    for n in range(tables):
        rows = {key: rng.getrandbits(width) for key in range(1 << bits)}
        entry = m.let(f"entry {n}", table(segment, rows, width))
        picked = m.let(f"picked {n}", any_of_disjoint([equal(pick, n)]))
        for own, lane in zip(terms, entry, strict=True):
            own.append(Gated(literal(picked), bit(lane)))
    m.next(out, Value(tuple(Signal(constant(0), tuple(own)) for own in terms)))
    return compile_circuit(m)


def begin(machine: CompiledMachine) -> State:
    """All registers zero, memory not."""
    return embed(np.arange(machine.plan.memory).tolist(), machine.plan)
