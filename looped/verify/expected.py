"""The residual stream that a machine must have, computed by the reference."""

from __future__ import annotations

import copy
import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from looped import registry
from looped.artefact.embedding import State, embed
from looped.artefact.plan import Plan
from looped.environment import USUAL, Environment
from looped.image import Image
from looped.reference import Service
from looped.trace import Access, Printed, Step
from looped.verify.stores import Changes

__all__ = ["Expected", "signs"]

_FEW = 32
"""From so many columns on, their lanes are set together."""


class Expected:
    """A reference interpreter, and the residual stream for its state.

    `x` is (columns, d_model). It defines every lane: memory, registers, flags, ports, and every
    scratch lane at -1. The host offers each input byte as soon as the one before is consumed, so
    the machine never waits. The reference's own `system` serves traps; it shares no code with the
    host of the transformer. Without a system (`served` is false) a machine that traps no longer
    changes.

    A step updates `words`, those of memory and registers by their column, and `cpu`, those of the
    CPU; `x` follows when somebody looks at it. `changed` has the columns whose words have changed,
    with what they held before; who reads it empties it.
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
        self._after: Mapping[str, int] = {}
        self._written = self._filed = 0
        self.output = bytearray()
        self.code = frozenset(plan.code)
        self._lanes = {name: _places(lanes) for name, lanes in plan.words.items()}
        self._x: State = embed((), plan)
        self.words = [0] * plan.cpu
        self.words[: len(image.words)] = image.words
        for address in self.code:
            self.words[address] = 0
        self._stale = set(range(len(image.words)))
        self.changed: dict[int, int] = {}
        self.cpu: Mapping[str, int] = self.reference.cpu_words()
        self._behind = True
        self._untold: Step | None = None
        if plan.ports.input is not None:
            self._put(plan.cpu, plan.ports.input.ready, 1)
            self._offer_input()
        _ = self.x

    @property
    def x(self) -> State:
        """The residual stream."""
        if self._stale:
            self._put_words()
        if self._behind:
            self._behind = False
            for name, value in self.cpu.items():
                for column in self.plan.cpus:
                    self._put(column, name, value)
            if self._untold is not None:
                self._flags(self._untold)
        return self._x

    @property
    def halted(self) -> bool:
        """Whether the reference has halted; its expected state then no longer changes."""
        return self._begun is None and self.reference.halted

    @property
    def taken(self) -> int:
        """How many bytes of input the reference has taken."""
        return self._taken

    def alone(self) -> Expected:
        """A twin that no system serves."""
        twin = copy.copy(self)
        twin.system, twin.output, twin.changed = None, bytearray(self.output), {}
        twin._x, twin.words, twin._stale = self.x.copy(), [*self.words], set()
        twin.reference = copy.deepcopy(self.reference)
        return twin

    def rest(self) -> State:
        """The lanes (d_model,) of the first CPU column if the last instruction had used no port."""
        row: State = self.x[self.plan.cpu].copy()
        ports, names = self.plan.ports, []
        if ports.output is not None:
            names += [ports.output.when, ports.output.content]
        if ports.print is not None:
            names += [ports.print.when, ports.print.ends_line, ports.print.content]
        if ports.input is not None:
            names.append(ports.input.taken)
        for name in names:
            row[self._lanes[name]] = -1
        return row

    def begin(self) -> Mapping[str, int]:
        """Execute the instruction on the reference whose loops are to be followed, unless it has
        begun; returns the words of the CPU after it."""
        if self._begun is None and not self.halted:
            _ = self.x  # a port still says what the instruction before has done
            self._begun, self._written, self._filed = self.reference.step(), 0, 0
            self._after = self.reference.cpu_words()
        return self.cpu if self._begun is None else self._after

    def follow(self, columns: npt.NDArray[np.intp], words: Iterable[int]) -> None:
        """Let memory and registers follow the engine within an instruction, by the writes to each
        in their order.

        `words` are those that the engine has now in the `columns` that may have changed. The least
        number of further writes is taken after which the words are as found; none if there is no
        such number.
        """
        self.begin()
        if self._begun is None:
            return
        memory, end, begun = self.plan.memory, self.plan.cpu, self._begun
        pairs = list(zip(columns.tolist(), words, strict=True))
        seen = {column: word for column, word in pairs if column < memory}
        filed = {column: word for column, word in pairs if memory <= column < end}
        self._written += self._follow(seen, begun.writes[self._written :], 0)
        self._filed += self._follow(filed, begun.registers[self._filed :], memory)

    def _follow(self, seen: Mapping[int, int], writes: Sequence[Access], first: int) -> int:
        """How many of the writes have happened, to columns from `first` on; sets their words."""
        wrong = {c for c, word in seen.items() if word != self.words[c]}
        for number, write in enumerate(writes if wrong else (), 1):
            column = first + write.address
            same = seen.get(column, self.words[column]) == write.value
            wrong = wrong - {column} if same else wrong | {column}
            if not wrong:
                self._store(writes[:number], first)
                return number
        return 0

    def run(self, count: int, cpu: list[Mapping[str, int]], changes: Changes) -> Step | None:
        """Execute up to `count` instructions as `step` does, faster; `cpu` gets the words of the
        CPU after each, `changes` all words that change.

        It ends after an instruction that uses a port or the system, which it returns, and before
        one of a machine that has halted.
        """
        reference, words, code, registers = self.reference, self.words, self.code, self.plan.memory
        serve, special, step = None if self.system is None else self.system.after, False, None
        for number in range(count):
            if special or reference.halted:
                break
            step = reference.step()
            for write in step.writes:
                column, value = write.address, write.value
                if words[column] != value and column not in code:
                    changes.add(number, column, words[column], value)
                    words[column] = value
            for write in step.registers:
                column, value = registers + write.address, write.value
                if words[column] != value:
                    changes.add(number, column, words[column], value)
                    words[column] = value
            service = None if serve is None else serve(reference)
            if service is not None:
                step = self._served(step, service)
            special = bool(service is not None or step.uses_port or step.written)
            cpu.append(reference.cpu_words())
        self._stale.update(changes.columns)
        if step is not None:
            self._end(cpu[-1], step)
        return step if special else None

    def step(self) -> Step | None:
        """Execute one instruction on the reference, or end the one that `follow` has begun.

        A halted machine executes none (None): its flags and its port return to zero.
        """
        if self.halted:
            _ = self.x
            self._flags(None)
            return None
        step, self._begun = self._begun or self.reference.step(), None
        self._store(step.writes)
        if step.registers:
            self._store(step.registers, self.plan.memory)
        if self.system is not None:
            service = self.system.after(self.reference)
            if service is not None:
                step = self._served(step, service)
        self._end(self.reference.cpu_words(), step)
        return step

    def _end(self, cpu: Mapping[str, int], step: Step) -> None:
        """Note the last instruction that has been executed."""
        self.cpu, self._behind, self._untold = cpu, True, step
        if step.consumed is not None and self.plan.ports.input is not None:
            self._taken += 1
            self._offer_input()
        if step.written or step.emitted is not None:
            self.output += step.output

    @property
    def exit_code(self) -> int | None:
        """The exit status of the program, None before it has one, or without a system."""
        return None if self.system is None else self.system.exit_code

    @property
    def emulated(self) -> int:
        """How many instructions the system has executed for the machine."""
        return 0 if self.system is None else self.system.emulated

    def _store(self, writes: Iterable[Access], first: int = 0) -> None:
        """Set words of memory, or those of registers, whose columns begin at `first`."""
        words, code = self.words, self.code
        for write in writes:
            column, value = first + write.address, write.value
            if words[column] != value and column not in code:
                self.changed.setdefault(column, words[column])
                words[column] = value
                self._stale.add(column)

    def _served(self, step: Step, service: Service) -> Step:
        """Set the words that the system has changed."""
        self._store(service.writes)
        self._store(service.registers, self.plan.memory)
        return dataclasses.replace(
            step,
            next_pc=self.reference.pc,
            writes=(*step.writes, *service.writes),
            registers=(*step.registers, *service.registers),
            written=step.written + service.output,
        )

    def _flags(self, step: Step | None) -> None:
        """Set the words of the ports after a step, or after a loop of a halted machine."""
        ports, cpu = self.plan.ports, self.plan.cpu
        if ports.output is not None:
            emitted = None if step is None else step.emitted
            self._put(cpu, ports.output.when, int(emitted is not None))
            self._put(cpu, ports.output.content, emitted or 0)
        if ports.print is not None:
            self._set_printed(() if step is None else self.reference.printed())
        if ports.input is not None:
            taken = step is not None and step.consumed is not None
            self._put(cpu, ports.input.taken, int(taken))

    def _set_printed(self, printed: Sequence[Printed | None]) -> None:
        """Set the words of the print port in every CPU column."""
        port = self.plan.ports.print
        assert port is not None
        for column, own in itertools.zip_longest(self.plan.cpus, printed):
            self._put(column, port.when, int(own is not None))
            self._put(column, port.ends_line, int(own is not None and own.ends_line))
            self._put(column, port.content, 0 if own is None else own.word)

    def _offer_input(self) -> None:
        ended = self._taken >= len(self._data)
        word = (1 << self.plan.width) - 1 if ended else self._data[self._taken]
        self._put(self.plan.input, "value", word)

    def set(self, column: int, word: str, value: int) -> None:
        """Change a word of a column."""
        if word == "value" and column < len(self.words):
            self.words[column] = value
            self._stale.add(column)
        _ = self.x
        self._put(column, word, value)

    def _put(self, column: int, word: str, value: int) -> None:
        self._x[column, self._lanes[word]] = signs(value, len(self.plan.words[word]))

    def _put_words(self) -> None:
        """Let the columns of memory and registers follow `words`."""
        if len(self._stale) < _FEW:
            for column in self._stale:
                self._put(column, "value", self.words[column])
        else:
            columns = np.fromiter(self._stale, np.intp, len(self._stale))
            words = np.array([self.words[column] for column in columns.tolist()], np.uint64)
            for place, lane in enumerate(self.plan.words["value"]):
                ones = (words >> np.uint64(place) & np.uint64(1)).astype(np.int8)
                self._x[columns, lane] = 2 * ones - 1
        self._stale.clear()


def _places(lanes: Sequence[int]) -> slice | npt.NDArray[np.intp]:
    """An index for lanes, the faster one if they are consecutive."""
    if list(lanes) == list(range(lanes[0], lanes[0] + len(lanes))):
        return slice(lanes[0], lanes[0] + len(lanes))
    return np.array(lanes, np.intp)


@lru_cache(maxsize=1 << 14)
def signs(value: int, width: int) -> npt.NDArray[np.int8]:
    """A word as lanes, the lowest bit first: +1 for a one. This repeats the compiler's embedding,
    so that a fault there is not in both sides."""
    return np.array([1 if value >> place & 1 else -1 for place in range(width)], np.int8)
