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

_MOST_LOOPS = 64
"""No instruction of a machine with one CPU takes as many; a division of RV32IM takes 34."""


def single_loops(circuit: CircuitLoop, cases: Sequence[LoopCase], sample: bool) -> list[LoopCase]:
    """The loops of the instructions in `cases`, in order.

    With `sample` only some of each instruction: the first two, one in the middle, and the last.
    Raises CompileError if the circuit does not come to the state of the reference.
    """
    busy = circuit.plan.busy
    if busy is None:
        return list(cases)
    found = []
    for case in cases:
        states = _states(circuit, case, busy)
        count = len(states) - 1
        kept = {0, 1, count // 2, count - 1} if sample else set(range(count))
        found += [
            LoopCase(case.kind, states[n], states[n + 1], case.step)
            for n in sorted(kept)
            if n < count
        ]
    return found


def _states(circuit: CircuitLoop, case: LoopCase, busy: int) -> list[State]:
    """The state before an instruction and after each of its loops."""
    states = [case.before]
    while len(states) <= _MOST_LOOPS:
        states.append(_after(circuit, states[-1]))
        if states[-1][circuit.plan.cpu, busy] < 0:
            break
    if (states[-1] != case.after).any():
        raise CompileError(f"the circuit and the reference differ after `{case.kind}`")
    return states


def _after(circuit: CircuitLoop, state: State) -> State:
    after: State = circuit.run(state[None]).x[0].astype(np.int8)
    return after
