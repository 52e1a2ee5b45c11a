"""The residual stream that a machine must have, computed by the reference."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from looped import registry
from looped.artefact.embedding import State, embed, read_word
from looped.artefact.plan import Plan
from looped.environment import USUAL, Environment
from looped.image import Image
from looped.reference import Service
from looped.trace import Access, Printed, Step

__all__ = ["Expected"]


class Expected:
    """A reference interpreter, and the residual stream for its state.

    `x` is (columns, d_model). It defines every lane: memory, registers, flags, ports, and every
    scratch lane at -1. The host offers each input byte as soon as the one before is consumed, so
    the machine never waits. The reference's own `system` serves traps; it shares no code with the
    host of the transformer. Without a system (`served` is false) a machine that traps no longer
    changes.
    """

    def __init__(
        self,
        image: Image,
        plan: Plan,
        data: bytes,
        served: bool = True,
        environment: Environment = USUAL,
    ) -> None:
        self.plan = plan
        kind = registry.machine(plan.machine).reference
        workers = {} if plan.workers is None else {"workers": plan.workers.count}
        self.reference = kind(
            image.words,
            plan.width,
            plan.memory,
            data,
            image.entry,
            **plan.parameters,
            **workers,
        )
        self.system = registry.system_for(image, data, environment) if served else None
        self._data, self._taken = data, 0
        self._begun: Step | None = None
        self._written = 0
        self.output = bytearray()
        self.code = frozenset(plan.code)
        self._lanes = {name: np.array(lanes, np.intp) for name, lanes in plan.words.items()}
        self.x: State = embed((), plan)
        for address, word in enumerate(image.words):
            self.set(address, "value", 0 if address in self.code else word)
        self._set_cpu_words()
        if plan.ports.input is not None:
            self.set(plan.cpu, plan.ports.input.ready, 1)
            self._offer_input()

    @property
    def halted(self) -> bool:
        """Whether the reference has halted; its expected state then no longer changes."""
        return self._begun is None and self.reference.halted

    def follow(self, columns: npt.NDArray[np.intp], found: npt.NDArray[np.float64]) -> None:
        """Let memory in `x` follow the engine within an instruction, by its writes in their order.

        `found` (columns, d_model) are the columns that may have changed. The least number of
        further writes is taken after which their words are as found; none if there is no such
        number.
        """
        if self._begun is None and not self.halted:
            self._begun, self._written = self.reference.step(), 0
        lanes = self._lanes["value"]
        words = [int(word) for word in read_word(found[:, lanes])]
        seen = {c: w for c, w in zip(columns.tolist(), words, strict=True) if c < self.plan.memory}
        wrong = {c for c, word in seen.items() if word != self._memory(c)}
        writes = () if self._begun is None else self._begun.writes[self._written :]
        for number, write in enumerate(writes if wrong else (), 1):
            same = seen.get(write.address, self._memory(write.address)) == write.value
            wrong = wrong - {write.address} if same else wrong | {write.address}
            if not wrong:
                self._write(writes[:number])
                self._written += number
                return

    def _memory(self, address: int) -> int:
        return int(read_word(self.x[address, self._lanes["value"]]))

    def _write(self, writes: Iterable[Access]) -> None:
        for write in writes:
            if write.address not in self.code:
                self.set(write.address, "value", write.value)

    def step(self) -> Step | None:
        """Execute one instruction on the reference, or end the one that `follow` has begun, and
        update the residual stream.

        A halted machine executes none (None): its flags and its port return to zero.
        """
        if self.halted:
            self._flags(None)
            return None
        step, self._begun = self._begun or self.reference.step(), None
        self._write(step.writes)
        for write in step.registers:
            self.set(self.plan.memory + write.address, "value", write.value)
        self._set_cpu_words()
        self._flags(step)
        service = None if self.system is None else self.system.after(self.reference)
        if service is not None:
            step = self._served(step, service)
        self.output += step.output
        return step

    @property
    def exit_code(self) -> int | None:
        """The exit status of the program, None before it has one, or without a system."""
        return None if self.system is None else self.system.exit_code

    @property
    def emulated(self) -> int:
        """How many instructions the system has executed for the machine."""
        return 0 if self.system is None else self.system.emulated

    def _served(self, step: Step, service: Service) -> Step:
        """Set the words that the system has changed."""
        for write in service.writes:
            self.set(write.address, "value", write.value)
        for write in service.registers:
            self.set(self.plan.memory + write.address, "value", write.value)
        self._set_cpu_words()
        return dataclasses.replace(
            step,
            next_pc=self.reference.pc,
            writes=(*step.writes, *service.writes),
            registers=(*step.registers, *service.registers),
            written=step.written + service.output,
        )

    def _set_cpu_words(self) -> None:
        for name, value in self.reference.cpu_words().items():
            for column in self.plan.cpus:
                self.set(column, name, value)

    def _flags(self, step: Step | None) -> None:
        """Set the words of the ports after a step, or after a loop of a halted machine."""
        ports, cpu = self.plan.ports, self.plan.cpu
        if ports.output is not None:
            emitted = None if step is None else step.emitted
            self.set(cpu, ports.output.when, int(emitted is not None))
            self.set(cpu, ports.output.content, emitted or 0)
        if ports.print is not None:
            self._set_printed(() if step is None else self.reference.printed())
        if ports.input is not None:
            taken = step is not None and step.consumed is not None
            self.set(cpu, ports.input.taken, int(taken))
            if taken:
                self._taken += 1
                self._offer_input()

    def _set_printed(self, printed: Sequence[Printed | None]) -> None:
        """Set the words of the print port in every CPU column."""
        port = self.plan.ports.print
        assert port is not None
        for column, own in itertools.zip_longest(self.plan.cpus, printed):
            self.set(column, port.when, int(own is not None))
            self.set(column, port.ends_line, int(own is not None and own.ends_line))
            self.set(column, port.content, 0 if own is None else own.word)

    def _offer_input(self) -> None:
        ended = self._taken >= len(self._data)
        word = (1 << self.plan.width) - 1 if ended else self._data[self._taken]
        self.set(self.plan.input, "value", word)

    def set(self, column: int, word: str, value: int) -> None:
        """Change a word of a column of `x`."""
        lanes = self._lanes[word]
        self.x[column, lanes] = _signs(value, len(lanes))


def _signs(value: int, width: int) -> npt.NDArray[np.int8]:
    """A word as lanes, the lowest bit first: +1 for a one. This repeats the compiler's embedding,
    so that a fault there is not in both sides."""
    return np.array([1 if value >> place & 1 else -1 for place in range(width)], np.int8)
