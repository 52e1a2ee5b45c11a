"""The loops of instructions that take several: the states between come from the circuit.

The reference knows the state after an instruction only. The circuit, which knows no weight, runs
loop by loop, and its last state must be that of the reference.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from looped.artefact.embedding import State
from looped.errors import CompileError
from looped.study.loops import LoopCase
from looped.study.needs import CircuitLoop

__all__ = ["single_loops"]

_SAMPLE = 8
"""Loops of an instruction that become cases, from the first to the last one. Of the 105 parts of
FLEQ, 21 break none of four loops of each instruction, and four break none of eight."""

_LAST = 4
"""Of the last loops so many are cases: three of those four parts choose when a quotient, a
remainder or a root is complete, which is three or four loops before the end."""

_MOST_LOOPS = 1 << 12
"""More than any instruction takes: a division of RV32IM takes 34, a 4 x 4 matrix on FLEQ 600."""


def single_loops(circuit: CircuitLoop, cases: Sequence[LoopCase], sample: bool) -> list[LoopCase]:
    """The loops of the instructions in `cases`, in order.

    With `sample` only some of each instruction: the first two, the last four, and some between.
    Raises CompileError if the circuit does not come to the state of the reference.
    """
    busy = circuit.plan.busy
    if busy is None:
        return list(cases)
    found = []
    for case, states in zip(cases, _states(circuit, cases, busy), strict=True):
        count = len(states) - 1
        kept = _sample(count) if sample else set(range(count))
        found += [LoopCase(case.kind, states[n], states[n + 1], case.step) for n in sorted(kept)]
    return found


def _sample(count: int) -> set[int]:
    """The numbers of some of so many loops."""
    spread = {n * (count - 1) // (_SAMPLE - 1) for n in range(_SAMPLE)}
    return spread | {min(1, count - 1)} | {max(0, count - n) for n in range(1, _LAST + 1)}


def _states(circuit: CircuitLoop, cases: Sequence[LoopCase], busy: int) -> list[list[State]]:
    """For each instruction the state before it and after each of its loops.

    The instructions run side by side: one by one they would take twenty times as long.
    """
    states = [[case.before] for case in cases]
    running = list(range(len(cases)))
    for _ in range(_MOST_LOOPS):
        if not running:
            break
        after = circuit.run(np.stack([states[i][-1] for i in running])).x
        for i, state in zip(running, after, strict=True):
            states[i].append(state)
        running = [i for i in running if states[i][-1][circuit.plan.cpu, busy] > 0]
    for case, own in zip(cases, states, strict=True):
        if (own[-1] != case.after).any():
            raise CompileError(f"the circuit and the reference differ after `{case.kind}`")
    return states
