"""One run with its input, output, trace and checkpoints, in stretches that can be interrupted."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Iterator
from io import BufferedIOBase
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

from looped.cli.progress import Progress
from looped.devices import describe_pc
from looped.devices.host import ColumnPort
from looped.errors import (
    FileError,
    InterruptionError,
    LoopedError,
    OutputLimitError,
    StepLimitError,
    TimeLimitError,
)
from looped.image import Image
from looped.run.checkpoint import Checkpoint, Identity, load_checkpoint
from looped.run.computer import Computer, Event
from looped.run.recorder import Recorder
from looped.run.streams import Input, Output
from looped.run.watch import End, Stop, Watch

__all__ = ["Session", "early_end"]

_STRETCH = 0.05
"""Seconds that a program runs on its own before the host looks at it again."""

_FAR = sys.maxsize


class Session:
    """A computer that runs one program. `steps` counts instructions since the program began."""

    def __init__(
        self,
        computer: Computer,
        image: Image,
        line: Progress,
        source: Input,
        output: Output,
        watch: Watch,
    ) -> None:
        self.computer = computer
        self.image = image
        self.line = line
        self.source = source
        self.output = output
        self.watch = watch
        self.steps = 0
        self.events: list[dict[str, object]] = []
        self.memory: npt.NDArray[np.int64] | None = None
        self.recorder: Recorder | None = None
        source.idle = self._idle

    def trace(self) -> None:
        """Report every instruction from now on."""
        self.memory = self.computer.memory()[0]

    def persist(
        self, identity: Identity, resume: Path | None, path: Path | None, every: int | None
    ) -> None:
        """Go on from a checkpoint, write checkpoints from now on, or both.

        Raises FileError if the checkpoint belongs to other weights or another program, or was
        made with another input.
        """
        if resume is not None:
            self._resume(load_checkpoint(resume, identity), resume)
        if path is not None:
            self.recorder = Recorder(path, every, identity, self.computer, self.source, self.output)
            self.recorder.recorded = self.steps

    def run(self, limit: int | None) -> End:
        """Execute until the program halts, or something else ends it; says what that was."""
        try:
            end = self._run(limit)
        except Stop as stop:
            end = stop.end
        finally:
            self.output.flush()
        if self.recorder is not None:
            self.recorder.record(self.steps)
        return end

    def place(self) -> str:
        """The program counter, the source line and the instruction, as far as they are known."""
        return describe_pc(self.image, ColumnPort(self.computer.plan, self.computer.engine, 0))

    def summary(self) -> dict[str, object]:
        """The run as JSON: output as text of code points 0 to 255, and the trace if asked for."""
        result: dict[str, object] = {
            "halted": self.computer.halted(),
            "steps": self.steps,
            "pc": self.computer.pc(),
            "output": self.output.kept.decode("latin-1"),
        }
        if self.memory is not None:
            result["trace"] = self.events
        return result

    def _resume(self, checkpoint: Checkpoint, path: Path) -> None:
        self.source.skip(checkpoint.consumed, checkpoint.input_sha256)
        try:
            self.computer.restore(checkpoint.snapshot)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise FileError(f"{path} is damaged: {error}") from None
        self.output.resume(checkpoint.delivered, checkpoint.pending, checkpoint.place)
        self.steps = checkpoint.steps

    def _run(self, limit: int | None) -> End:
        loops, shown = 1, time.monotonic()
        while not self.computer.halted():
            end = self._end(limit)
            if end is not None:
                return end
            if self.recorder is not None and self.recorder.due(self.steps):
                self.recorder.record(self.steps)
            before = time.monotonic()
            done = self._advance(min(loops, *self._distances(limit)))
            now = time.monotonic()
            if now - before > 2 * _STRETCH:
                loops = max(1, loops // 2)
            elif now - before < _STRETCH and done == loops:
                loops *= 2
            if now - shown > _STRETCH:
                self.output.flush()
                self.line(self.steps)
                shown = now
        return End.OUTPUT if self.output.exceeded else End.HALTED

    def _end(self, limit: int | None) -> End | None:
        if limit is not None and self.steps >= limit:
            return End.STEPS
        return End.OUTPUT if self.output.exceeded else self.watch.end()

    def _distances(self, limit: int | None) -> Iterator[int]:
        """Instructions to what must not be run past; at least one number."""
        yield 1 if self.memory is not None else _FAR
        if limit is not None:
            yield limit - self.steps
        if self.recorder is not None and self.recorder.every is not None:
            yield self.recorder.recorded + self.recorder.every - self.steps

    def _idle(self, stream: BufferedIOBase) -> None:
        """Wait for input: whoever gives it may want to see all of the output first."""
        if self.recorder is not None and self.output.held and self.output.pending:
            self.recorder.record(self.steps)
        self.output.flush()
        self.watch.wait(stream)

    def _advance(self, loops: int) -> int:
        """So many loops at most; returns how many there were."""
        before, event = self.computer.advance(loops)
        self.steps += before + event.retired
        if event.emitted is not None:
            self.output.put(bytes([event.emitted]))
        self.output.put(event.written)
        if self.memory is not None and event.retired:
            self._trace(event)
        return before + 1

    def _trace(self, event: Event) -> None:
        """Note one instruction: what changed in memory is read off the residual stream."""
        memory = self.computer.memory()[0]
        changed = {int(i): int(memory[i]) for i in (memory != self.memory).nonzero()[0]}
        self.memory = memory
        if self.output.stream is None:
            written = event.written.decode("latin-1")
            told = {**dataclasses.asdict(event), "written": written, "changed": changed}
            self.events.append({name: told[name] for name in told if name != "served"})
            return
        self.output.flush()
        self.line.clear()
        click.echo(_trace_line(self.steps, event, changed, self.image), err=True)


def _trace_line(number: int, event: Event, changed: dict[int, int], image: Image) -> str:
    notes = [f"mem[{address}] = {word}" for address, word in changed.items()]
    if event.consumed is not None:
        notes.append(f"in {event.consumed}")
    if event.emitted is not None:
        notes.append(f"out {event.emitted} {chr(event.emitted)!r}")
    location = image.location(event.pc)
    where = str(location) if location else ""
    return (
        f"{number:>8}  pc {event.pc:>6} -> {event.next_pc:<6} {where}  {' '.join(notes)}".rstrip()
    )


def early_end(end: End, name: str, session: Session) -> LoopedError:
    """The error that says why a program was stopped before it halted, and where."""
    where = f"after {session.steps} steps at {session.place()}"
    hint = None
    if session.recorder is not None:
        hint = f"go on with --resume {session.recorder.path}"
    if end is End.SIGNAL:
        assert session.watch.received is not None
        return InterruptionError(f"interrupted {where}", session.watch.received, hint)
    if end is End.TIME:
        return TimeLimitError(
            f"{name} has not halted within its time: stopped {where}",
            hint=hint or "more with --timeout, or no limit without it",
        )
    if end is End.OUTPUT:
        return OutputLimitError(
            f"{name} puts out more than {session.output.limit} bytes: stopped {where}",
            hint=hint or "more with --max-output, or no limit without it",
        )
    return StepLimitError(
        f"{name} has not halted after {session.steps} steps: it is at {session.place()}",
        hint=hint or "more with --steps, or no limit without it",
    )
