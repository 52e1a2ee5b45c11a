"""The residual stream that a machine must have, kept by following the reference."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from looped.artefact.embedding import State, embed
from looped.artefact.plan import Plan
from looped.image import Image
from looped.reference import REFERENCES, Rv32i, Service, Subleq, system_for
from looped.trace import Step

__all__ = ["Expected"]


class Expected:
    """A reference interpreter, and the residual stream that its state stands for.

    `x` is (columns, d_model). Nothing is left open: memory, registers, flags, ports, and every
    scratch lane at -1. The host offers each input byte as soon as the one before is consumed, so
    the machine never waits. One that traps is served by the reference's own `system`, which shares
    no code with the host of the transformer; without one (`served` is false) it stays as it is.
    """

    def __init__(self, image: Image, plan: Plan, data: bytes, served: bool = True) -> None:
        self.plan = plan
        kind = REFERENCES[plan.machine]
        self.reference = kind(image.words, plan.width, plan.memory, data, image.entry)
        self.system = system_for(image, data) if served else None
        self.output = bytearray()
        self.code = frozenset(plan.code)
        self._lanes = {name: np.array(lanes, np.intp) for name, lanes in plan.words.items()}
        self.x: State = embed((), plan)
        for address, word in enumerate(image.words):
            self.set(address, "value", 0 if address in self.code else word)
        self.set(plan.cpu, "pc", self.reference.pc)
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
            service = None if self.system is None else self.system.after(self.reference)
            if service is not None:
                step = self._served(self.reference, step, service)
        self.output += step.output
        return step

    @property
    def exit_code(self) -> int | None:
        """The status that the program has left with, None before it has, or without a system."""
        return None if self.system is None else self.system.exit_code

    @property
    def emulated(self) -> int:
        """How many instructions the system has carried out."""
        return 0 if self.system is None else self.system.emulated

    def _served(self, reference: Rv32i, step: Step, service: Service) -> Step:
        """Bring what the system has changed into the residual stream."""
        for write in service.writes:
            self.set(write.address, "value", write.value)
        for write in service.registers:
            self.set(self.plan.memory + write.address, "value", write.value)
        for name, value in (
            ("pc", reference.pc),
            ("trap", reference.trap),
            ("cause", reference.cause),
        ):
            self.set(self.plan.cpu, name, value)
        return dataclasses.replace(step, next_pc=reference.pc, written=service.output)

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
        self.x[column, lanes] = _signs(value, len(lanes))


def _signs(value: int, width: int) -> npt.NDArray[np.int8]:
    """A word as lanes, the lowest bit first: +1 for a one. It is written anew here, so that a fault
    of the compiler's embedding is not on both sides."""
    return np.array([1 if value >> place & 1 else -1 for place in range(width)], np.int8)
