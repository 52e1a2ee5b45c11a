"""The paper's SUBLEQ beside the reference interpreter: how many steps it stays right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from looped.reference import Subleq
from looped.study.paper.layers import DTYPES, Construction, Lanes, run
from looped.study.paper.norms import normed, pin, pinned_lanes, unnormed, with_pins
from looped.study.paper.programs import Program, as_reference
from looped.study.paper.subleq import decode, embed

__all__ = ["Outcome", "distinct_states", "steps_right"]

_LARGEST = 2.0
"""No lane of SUBLEQ leaves ±2 while it is right."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run of several programs side by side.

    After `right` steps every cell and the program counter of every program were still those of the
    reference; `deviation` is the largest distance of such a bit from ±1 until then; `limit` are the
    steps that were asked for.
    """

    right: int
    limit: int
    deviation: float


def steps_right(
    programs: Sequence[Program],
    columns: int,
    machine: Construction,
    dtype: str,
    limit: int,
    pre_norm: bool = False,
) -> Outcome:
    """Run programs in one batch until one of them is wrong, at most `limit` steps.

    After each step the memory and the program counter, by their signs, are compared with those of
    `looped.reference.Subleq`. With `pre_norm` each sublayer has an RMSNorm, over pinned lanes.
    """
    lanes, kind = machine.lanes, DTYPES[dtype]
    bits = len(lanes["memory"])
    x = torch.stack([embed(program, columns, bits, dtype) for program in programs])
    if pre_norm:
        value = pin(kind, _LARGEST)
        model = normed(machine, kind, value)
        x = with_pins(x, pinned_lanes(lanes), value)
    else:
        model = unnormed(machine, kind)
    references = [as_reference(program, bits) for program in programs]
    deviation = 0.0
    for step in range(limit):
        x = run(model, x)
        for program, state, (reference, base) in zip(programs, x, references, strict=True):
            if not _agrees(program, state, lanes, reference, base):
                return Outcome(step, limit, deviation)
        deviation = max(deviation, _deviation(programs, x, lanes))
    return Outcome(limit, limit, deviation)


def distinct_states(program: Program, bits: int, limit: int) -> int:
    """How many different states the program goes through in `limit` steps."""
    reference, _ = as_reference(program, bits)
    seen = set()
    for _ in range(limit):
        reference.step()
        seen.add((reference.pc, tuple(reference.memory)))
    return len(seen)


def _agrees(program: Program, state: Tensor, lanes: Lanes, reference: Subleq, base: int) -> bool:
    """Let the reference do a step, and compare."""
    reference.step()
    memory, pc = decode(state, lanes, program)
    return memory == reference.memory[base : base + len(memory)] and 3 * pc == reference.pc


def _deviation(programs: Sequence[Program], x: Tensor, lanes: Lanes) -> float:
    worst = 0.0
    for program, state in zip(programs, x, strict=True):
        memory = state[1 : 1 + len(program.memory), list(lanes["memory"])]
        for bits in (memory, state[0, list(lanes["pc"])]):
            worst = max(worst, (bits.abs() - 1).abs().max().item())
    return worst
