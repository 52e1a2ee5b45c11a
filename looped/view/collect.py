"""Collect: all that a page needs to know of a run, in its first instructions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from looped.artefact.embedding import read_word
from looped.artefact.plan import CompiledMachine, Plan
from looped.engines.engine import Engine
from looped.image import Image
from looped.traces.memory import Memory
from looped.view.pack import Packer
from looped.view.phases import Phases
from looped.view.walk import Pass, Stepped, Walk

__all__ = ["MOST_LOOPS", "Instruction", "Run", "collect"]

MOST_LOOPS = 10_000
"""Loops of a page. An instruction of FLEQ takes up to thousands; the page stays small."""

_TOGETHER = 16
"""Loops that go through the weights at once: on two cores twice as fast as one by one, and more
columns that change in one of them would be computed in all."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of a run: `code` is its index in the table of a Run, `loop` its first loop.

    `reads` are columns, `writes` are (column, new value), also of a value that stays; the columns
    are those of memory and of the register file.
    """

    code: int
    loop: int
    reads: tuple[int, ...]
    writes: tuple[tuple[int, int], ...]
    consumed: int | None
    output: str
    cause: int | None


@dataclass
class Run:
    """A run as data: `words` are memory and registers at the beginning.

    `code` has the program counter, the text, and the source line of every instruction that the run
    executes. `chunks` are the loops from the inside (see Packer). `ended` is `halted`, or which
    limit the run has reached: `steps` or `loops`. If the latter came within an instruction, it is
    `unfinished`. `final` are the lanes that are +1 at the end, for each CPU column.
    """

    plan: Plan
    image: Image
    words: list[int]
    code: list[tuple[int, str, str | None]] = field(default_factory=list)
    instructions: list[Instruction] = field(default_factory=list)
    chunks: list[bytes] = field(default_factory=list)
    loops: int = 0
    ended: str = "halted"
    unfinished: Instruction | None = None
    final: tuple[tuple[int, ...], ...] = ()


def collect(
    compiled: CompiledMachine,
    image: Image,
    engine: Engine,
    source: bytes = b"",
    steps: int = 5_000,
    progress: Callable[[int], None] = lambda done: None,
) -> Run:
    """Run a program for at most `steps` instructions, and see every loop from the inside.

    The engine runs it; `Phases` sends every loop through the weights again, and checks that it ends
    alike. Raises MismatchError if it does not.
    """
    walk = Walk(compiled, image, engine, source)
    phases = Phases(compiled, walk.stream)
    collector = _Collector(walk, phases)
    while not walk.computer.halted() and collector.more(steps):
        collector.add(walk.step(MOST_LOOPS - collector.run.loops))
        progress(len(collector.run.instructions))
    return collector.finished()


class _Collector:
    """Fills a Run from instruction to instruction."""

    def __init__(self, walk: Walk, phases: Phases) -> None:
        self._walk, self._phases, self._plan = walk, phases, walk.plan
        words = self._words(range(self._plan.cpu))
        self.run = Run(self._plan, walk.image, list(words))
        self._memory = Memory(self._plan, walk.image, words)
        self._code: dict[tuple[int, str], int] = {}
        self._packer = Packer(self._plan)
        self._waiting: list[Pass] = []

    def more(self, steps: int) -> bool:
        """Whether the limits allow another instruction; notes which one does not."""
        if self.run.loops >= MOST_LOOPS:
            self.run.ended = "loops"
        elif len(self.run.instructions) >= steps:
            self.run.ended = "steps"
        return self.run.ended == "halted"

    def add(self, stepped: Stepped) -> None:
        """Note an instruction that has retired, a last one that has stopped the machine, or one
        that takes more loops than the page has left."""
        event, pc = stepped.event, stepped.pc
        _, text, source = self._memory.code(pc)
        code = self._code.setdefault((pc, text), len(self._code))
        if len(self._code) > len(self.run.code):
            self.run.code.append((pc, text, source))
        reads, first = stepped.accesses.reads, self.run.loops
        if event is None:
            self.run.unfinished = Instruction(code, first, reads, (), None, "", None)
        else:
            emitted = b"" if event.emitted is None else bytes([event.emitted])
            output = (emitted + event.written).decode("latin-1")
            writes = tuple(self._writes(self._declared(stepped), stepped.changed))
            self.run.instructions.append(
                Instruction(code, first, reads, writes, event.consumed, output, event.cause)
            )
        self.run.loops += len(stepped.passes)
        self._waiting += stepped.passes
        while len(self._waiting) >= _TOGETHER:
            self._send(_TOGETHER)

    def _declared(self, stepped: Stepped) -> tuple[int, ...]:
        """The columns that an instruction writes to, also where the value stays."""
        told, trapped = stepped.accesses, stepped.event is None or stepped.event.cause is not None
        registers = (self._plan.memory + number for number in told.registers)
        return () if trapped else (*told.writes, *registers)

    def _writes(self, declared: Iterable[int], changed: Iterable[int]) -> Iterator[tuple[int, int]]:
        """The words of memory and registers that an instruction has written or changed."""
        columns = [each for each in dict.fromkeys((*declared, *changed)) if each < self._plan.cpu]
        for column, value in zip(columns, self._words(columns), strict=True):
            self._memory.values[column] = value
            yield column, value

    def _words(self, columns: Iterable[int]) -> list[int]:
        rows = self._walk.stream[list(columns)]
        words: list[int] = read_word(rows[:, self._plan.words["value"]]).tolist()
        return words

    def _send(self, count: int) -> None:
        """Send the first passes that wait through the weights."""
        passes, self._waiting = self._waiting[:count], self._waiting[count:]
        for inside in self._phases.inside(passes):
            self._packer.add(inside)

    def finished(self) -> Run:
        """The run, with all its loops."""
        while self._waiting:
            self._send(_TOGETHER)
        self.run.chunks = self._packer.finished()
        last = self._walk.stream[self._plan.cpus.start : self._plan.cpus.stop] > 0
        self.run.final = tuple(tuple(np.flatnonzero(row).tolist()) for row in last)
        return self.run
