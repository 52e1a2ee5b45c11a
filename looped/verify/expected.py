"""The residual stream that a machine must have, kept by following the reference."""

from __future__ import annotations

import dataclasses

import numpy as np

from looped.compiler.compiled import Plan
from looped.compiler.embedding import State, embed, embed_words
from looped.engines.host import PATROL, Host
from looped.image import Image
from looped.reference import REFERENCES, Rv32i, Subleq
from looped.trace import Step
from looped.verify.port import ReferencePort

__all__ = ["Expected"]


class Expected:
    """A reference interpreter, and the residual stream that its state stands for.

    `x` is (columns, d_model). Nothing is left open: memory, registers, flags, ports, and every
    scratch lane at -1. The host offers each input byte as soon as the one before is consumed, so
    the machine never waits. One that traps is served by a `host` like that of the transformer.
    """

    def __init__(self, image: Image, plan: Plan, data: bytes, host: Host | None = None) -> None:
        self.plan = plan
        kind = REFERENCES[plan.machine]
        self.reference = kind(image.words, plan.width, plan.memory, data, image.entry)
        self.host = host
        self.mailbox = host.mailbox if host is not None else None
        self.loops = 0
        self.output = bytearray()
        self.code = frozenset(plan.code)
        self.x: State = embed(image.words, plan, image.entry)
        self._lanes = {name: np.array(lanes, np.intp) for name, lanes in plan.words.items()}
        if isinstance(self.reference, Subleq):
            self.set(plan.cpu, "ready", 1)
            self._offer_input(self.reference)

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
        self.loops += 1
        for write in step.writes:
            if write.address not in self.code:
                self.set(write.address, "value", write.value)
        for write in step.registers:
            self.set(self.plan.memory + write.address, "value", write.value)
        self.set(self.plan.cpu, "pc", step.next_pc)
        self._flags(step)
        if isinstance(self.reference, Rv32i):
            if step.cause is not None:
                self.set(self.plan.cpu, "trap", 1)
                self.set(self.plan.cpu, "cause", step.cause)
            if step.cause is not None or self._has_mail(self.reference):
                step = self._served(self.reference, step)
        self.output += step.output
        return step

    def _has_mail(self, reference: Rv32i) -> bool:
        due = self.mailbox is not None and self.loops % PATROL == 0
        return due and reference.memory[self.mailbox or 0] != 0

    def _served(self, reference: Rv32i, step: Step) -> Step:
        if self.host is None:
            return step
        written = self.host.serve(_MirroredPort(self, reference))
        return dataclasses.replace(step, next_pc=reference.pc, written=written)

    def _flags(self, step: Step | None) -> None:
        if not isinstance(self.reference, Subleq):
            return
        emitted = step.emitted if step is not None else None
        reading = step is not None and step.consumed is not None
        self.set(self.plan.cpu, "reading", int(reading))
        self.set(self.plan.cpu, "writing", int(emitted is not None))
        self.set(self.plan.cpu, "out", emitted or 0)
        if reading:
            self._offer_input(self.reference)

    def _offer_input(self, reference: Subleq) -> None:
        data, position = reference.data, reference.position
        word = data[position] if position < len(data) else (1 << self.plan.width) - 1
        self.set(self.plan.input, "value", word)

    def set(self, column: int, word: str, value: int) -> None:
        """Change a word of a column of `x`."""
        lanes = self._lanes[word]
        self.x[column, lanes] = embed_words(value, len(lanes))


class _MirroredPort(ReferencePort):
    """The port of a reference: what a host changes is changed in the residual stream as well."""

    def __init__(self, expected: Expected, reference: Rv32i) -> None:
        super().__init__(reference)
        self.expected = expected

    def set_memory(self, index: int, value: int) -> None:
        super().set_memory(index, value)
        self.expected.set(index, "value", value)

    def set_register(self, number: int, value: int) -> None:
        super().set_register(number, value)
        self.expected.set(self.expected.plan.memory + number, "value", value)

    def set_cpu(self, name: str, value: int) -> None:
        super().set_cpu(name, value)
        self.expected.set(self.expected.plan.cpu, name, value)
