"""Session: one run with its input, output, checkpoints and limits, by stretches or by steps."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from io import BufferedIOBase
from pathlib import Path

from looped.artefact.plan import CompiledMachine
from looped.artefact.program import check_program
from looped.devices.host import ColumnPort
from looped.engines.engine import Engine
from looped.environment import USUAL, Environment
from looped.errors import FileError
from looped.image import Image
from looped.registry import describe_pc, host_for
from looped.run.checkpoint import Checkpoint, Identity, identify, load_checkpoint
from looped.run.computer import Computer, Event
from looped.run.interrupts import End, Interrupts, Stop
from looped.run.recorder import Recorder
from looped.run.replay import Replay
from looped.run.steps import Observer
from looped.run.stillness import Stillness
from looped.run.streams import Input, Output
from looped.trace import Step
from looped.traces.record import Record

__all__ = ["Session"]

_STRETCH = 0.05
"""Seconds that a stretch takes, about: short enough that a signal seems to take effect at once, and
long enough that the look at limits and signals costs next to nothing."""

_RECORDED = 4096
"""Instructions of a stretch that is recorded: more take memory, and are hardly faster."""

_UNLIMITED = sys.maxsize


class Session:
    """One program on a machine, from its beginning or from a checkpoint.

    `run` executes the program in stretches, `walk` one instruction at a time; both can be called
    again, in any order. `steps` counts instructions since the program began. `end` says why the
    last call of `run` or `walk` ended, and is None before. The session calls `progress` with
    `steps` about 20 times a second. Raises CompileError for a program that needs other parameters
    of its machine.
    """

    def __init__(
        self,
        machine: CompiledMachine,
        image: Image,
        engine: Engine,
        source: bytes | Input = b"",
        output: Output | None = None,
        interrupts: Interrupts | None = None,
        progress: Callable[[int], None] = lambda steps: None,
        environment: Environment = USUAL,
    ) -> None:
        check_program(image, machine.plan)
        self.machine = machine
        self.image = image
        self.source = source
        self.output = output or Output()
        self.interrupts = interrupts or Interrupts()
        self.progress = progress
        self.host = host_for(image, source, environment)
        words, entries = [image.words], [image.entry]
        self.computer = Computer(machine.plan, engine, words, [source], entries, [self.host])
        self.port = ColumnPort(machine.plan, engine, 0)
        self.steps = 0
        self.end: End | None = None
        self.recorder: Recorder | None = None
        if isinstance(source, Input):
            source.idle = self._idle

    def resume(self, path: Path) -> None:
        """Continue from a checkpoint.

        Raises FileError if the file is not a checkpoint, if it belongs to other weights or to
        another program, and if the input is not the one that the run has read.
        """
        checkpoint = load_checkpoint(path, self._identity())
        self._input().skip(checkpoint.consumed, checkpoint.input_sha256)
        self._restore(checkpoint, path)
        self.output.resume(checkpoint.delivered, checkpoint.pending, checkpoint.place)
        self.steps = checkpoint.steps + self.computer.count_pending()

    def record(self, path: Path, every: int | None) -> None:
        """Write checkpoints from now on: one every `every` instructions, and one at the end.

        Raises FileError if the file cannot be written.
        """
        source = self._input()
        self.recorder = Recorder(path, every, self._identity(), self.computer, source, self.output)
        self.recorder.recorded = self.steps

    def run(self, limit: int | None = None) -> End:
        """Execute until the program halts or something else ends the run; returns what ended it.

        The run ends when `steps` reaches `limit`.
        """
        for _ in self._stretches(limit, _UNLIMITED):
            pass
        assert self.end is not None
        return self.end

    def walk(self, limit: int | None = None) -> Iterator[Step]:
        """Execute as `run` does, and yield a step for every instruction (see Observer)."""
        observer = Observer(self.computer, self.image, self.port)
        for event in self._stretches(limit, 1, observer.look):
            if event.retired:
                yield observer.step(event)

    def journal(self, limit: int | None = None) -> Iterator[Record]:
        """Execute as `run` does, and yield a record for every instruction, stretch by stretch.

        It is much faster than `walk`. When it yields a record, the program may be further on.
        """
        replay = Replay(self.computer, self.image, self.steps)
        replay.begin()
        try:
            for event in self._stretches(limit, _RECORDED):
                yield from replay.records(event)
            yield from replay.records(None)
        finally:
            replay.end()

    def place(self) -> str:
        """The program counter, the source line if known, and the instruction."""
        return describe_pc(self.image, self.port)

    def _identity(self) -> Identity:
        return identify(self.machine, self.image)

    def _input(self) -> Input:
        assert isinstance(self.source, Input), "a run with checkpoints needs an Input"
        return self.source

    def _restore(self, checkpoint: Checkpoint, path: Path) -> None:
        try:
            self.computer.restore(checkpoint.snapshot)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise FileError(f"{path} is damaged: {error}") from None

    def _stretches(
        self, limit: int | None, longest: int, before: Callable[[], None] = lambda: None
    ) -> Iterator[Event]:
        """The last event of each stretch of at most `longest` instructions; sets `end`.

        Calls `before` at the beginning of each stretch.
        """
        self.end = None
        self.interrupts.begin()
        try:
            yield from self._until_the_end(limit, longest, before)
        except Stop as stop:
            self.steps += self.computer.count_pending()
            self.end = stop.end
        finally:
            self.output.flush()
        if self.recorder is not None:
            self.recorder.record(self.steps)

    def _until_the_end(
        self, limit: int | None, longest: int, before: Callable[[], None]
    ) -> Iterator[Event]:
        loops, shown, still = 1, time.monotonic(), Stillness(self.computer)
        while not self.computer.halted():
            self.end = self._limit_reached(limit)
            if self.end is not None:
                return
            if self.recorder is not None and self.recorder.wants(self.steps):
                self.recorder.record(self.steps)
            before()
            began = time.monotonic()
            longest_now = 1 if still.suspects else longest
            done, event = self._advance(min(loops, longest_now, *self._distances(limit)))
            now = time.monotonic()
            if now - began > 2 * _STRETCH:
                loops = max(1, loops // 2)
            elif now - began < _STRETCH and done == loops:
                loops *= 2
            if now - shown > _STRETCH:
                self.output.flush()
                self.progress(self.steps)
                shown = now
            yield event
            if still.look(event):
                self.end = End.ENDLESS
                return
        self.end = End.OUTPUT if self.output.exceeded else End.HALTED

    def _limit_reached(self, limit: int | None) -> End | None:
        if limit is not None and self.steps >= limit:
            return End.STEPS
        return End.OUTPUT if self.output.exceeded else self.interrupts.end()

    def _distances(self, limit: int | None) -> Iterator[int]:
        """Numbers of instructions after which a stretch must end."""
        if limit is not None:
            yield limit - self.steps
        if self.recorder is not None and self.recorder.every is not None:
            yield self.recorder.recorded + self.recorder.every - self.steps

    def _idle(self, stream: BufferedIOBase) -> None:
        """Deliver the output, which a person may need in order to answer; then wait for input."""
        if self.recorder is not None and self.output.held and self.output.pending:
            self.recorder.record(self.steps)
        self.output.flush()
        self.interrupts.wait(stream)

    def _advance(self, loops: int) -> tuple[int, Event]:
        """Run at most `loops` loops; returns how many there were, and the last one's event."""
        before, event = self.computer.advance(loops)
        self.steps += before + event.retired
        if event.emitted is not None:
            self.output.put(bytes([event.emitted]))
        self.output.put(event.written)
        return before + 1, event
