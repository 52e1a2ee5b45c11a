"""The residual stream that a machine must have, kept by following the reference."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from looped.compiler.compiled import Plan
from looped.compiler.embedding import State, embed, embed_words
from looped.reference import REFERENCES
from looped.trace import Step

__all__ = ["Expected"]


class Expected:
    """A reference interpreter, and the residual stream that its state stands for.

    `x` is (columns, d_model). Nothing is left open: memory, registers, flags, ports, and every
    scratch lane at -1. The host offers each input byte as soon as the one before is consumed, so
    the machine never waits.
    """

    def __init__(self, words: Sequence[int], plan: Plan, data: bytes) -> None:
        self.plan = plan
        self.reference = REFERENCES[plan.machine](words, plan.width, plan.memory, data)
        self.code = frozenset(plan.code)
        self.x: State = embed(words, plan)
        self._lanes = {name: np.array(lanes, np.intp) for name, lanes in plan.words.items()}
        self._set(plan.cpu, "ready", 1)
        self._offer_input()

    @property
    def halted(self) -> bool:
        """Whether the reference has halted; its expected state then no longer changes."""
        return self.reference.halted

    def step(self) -> Step | None:
        """Execute one instruction on the reference and bring the residual stream up to date.

        A halted machine executes none (None): its flags and its port fall back.
        """
        if self.halted:
            self._flags(None)
            return None
        step = self.reference.step()
        for write in step.writes:
            if write.address not in self.code:
                self._set(write.address, "value", write.value)
        self._set(self.plan.cpu, "pc", step.next_pc)
        self._flags(step)
        if step.consumed is not None:
            self._offer_input()
        return step

    def _flags(self, step: Step | None) -> None:
        emitted = step.emitted if step is not None else None
        reading = step is not None and step.consumed is not None
        self._set(self.plan.cpu, "reading", int(reading))
        self._set(self.plan.cpu, "writing", int(emitted is not None))
        self._set(self.plan.cpu, "out", emitted or 0)

    def _offer_input(self) -> None:
        data, position = self.reference.data, self.reference.position
        word = data[position] if position < len(data) else (1 << self.plan.width) - 1
        self._set(self.plan.input, "value", word)

    def _set(self, column: int, word: str, value: int) -> None:
        lanes = self._lanes[word]
        self.x[column, lanes] = embed_words(value, len(lanes))
