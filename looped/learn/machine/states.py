"""Words of a machine as residual streams, many states at once.

A row has the words of memory, the word of the input column, and the words of the CPU column. This
holds for machines with one CPU column, an input column and no register file.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from looped.artefact.embedding import State, embed, embed_words
from looped.artefact.plan import Plan
from looped.errors import CompileError

__all__ = ["Rows", "States", "require_simple"]

Rows = npt.NDArray[np.int64]


def require_simple(plan: Plan) -> None:
    """Raise CompileError unless rows can hold every state of the machine."""
    if plan.n_registers or not plan.has_input or len(plan.cpus) > 1 or plan.ports.print is not None:
        raise CompileError(
            f"a learned machine has one CPU column, an input and no register file; "
            f"{plan.machine} is not such a machine"
        )


class States:
    """Rows (states, words) of one machine to residual streams (states, columns, d_model), ±1."""

    def __init__(self, plan: Plan) -> None:
        require_simple(plan)
        self.plan = plan
        self.cpu_words = plan.registers
        self.width = plan.memory + 1 + len(plan.registers)
        self._empty: State = embed((), plan)

    def row(self, memory: list[int], offered: int, cpu: dict[str, int]) -> list[int]:
        """One row; words of the CPU that `cpu` does not name are zero."""
        return [*memory, offered, *(cpu.get(name, 0) for name in self.cpu_words)]

    def streams(self, rows: Rows) -> State:
        """The residual streams of rows."""
        plan = self.plan
        x = np.repeat(self._empty[None], len(rows), axis=0)  # (states, columns, d_model)
        value = list(plan.words["value"])
        x[:, : plan.memory, value] = embed_words(rows[:, : plan.memory], len(value))
        x[:, plan.input, value] = embed_words(rows[:, plan.memory], len(value))
        for place, name in enumerate(self.cpu_words, start=plan.memory + 1):
            lanes = list(plan.words[name])
            x[:, plan.cpu, lanes] = embed_words(rows[:, place], len(lanes))
        return x
