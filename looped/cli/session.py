"""One run with its input, its output and its trace, in stretches short enough to be interrupted."""

from __future__ import annotations

import dataclasses
import time
from typing import BinaryIO

import click

from looped.cli.progress import Progress
from looped.engines.computer import Computer, Event
from looped.image import Image

__all__ = ["Input", "Output", "Session"]

_STRETCH = 0.05
"""Seconds that a program runs on its own before the host looks at it again."""


class Output:
    """A program's output: passed on to a stream, or kept if there is none."""

    def __init__(self, stream: BinaryIO | None, line: Progress) -> None:
        self.stream = stream
        self.line = line
        self.kept = bytearray()
        self.pending = bytearray()

    def put(self, content: bytes) -> None:
        """Take some bytes."""
        if self.stream is None:
            self.kept += content
        else:
            self.pending += content

    def flush(self) -> None:
        """Show what is pending."""
        if self.stream is not None and self.pending:
            self.line.clear()
            self.stream.write(self.pending)
            self.stream.flush()
            self.pending.clear()


class Input:
    """A program's input from a stream. Whoever waits for it sees all of the output first."""

    def __init__(self, stream: BinaryIO, output: Output) -> None:
        self.stream = stream
        self.output = output

    def read(self, count: int) -> bytes:
        """The next bytes; blocks until they are there, or the input has ended."""
        self.output.flush()
        return self.stream.read(count)


class Session:
    """A computer that runs one program until it halts. `steps` counts instructions."""

    def __init__(
        self, computer: Computer, image: Image, line: Progress, output: Output, trace: bool
    ) -> None:
        self.computer = computer
        self.image = image
        self.line = line
        self.output = output
        self.trace = trace
        self.steps = 0
        self.events: list[dict[str, object]] = []
        self.memory = computer.memory()[0] if trace else None

    def run(self, limit: int | None) -> None:
        """Execute until the program halts or the limit is reached."""
        loops, shown = 1, time.monotonic()
        try:
            while not self.computer.halted() and (limit is None or self.steps < limit):
                before = time.monotonic()
                asked = (
                    1 if self.trace else loops if limit is None else min(loops, limit - self.steps)
                )
                done = self._advance(asked)
                now = time.monotonic()
                if now - before > 2 * _STRETCH:
                    loops = max(1, loops // 2)
                elif now - before < _STRETCH and done == loops:
                    loops *= 2
                if now - shown > _STRETCH:
                    self.output.flush()
                    self.line(self.steps)
                    shown = now
        finally:
            self.output.flush()

    def place(self) -> str:
        """The program counter, and the source line if it is known."""
        pc = self.computer.pc()
        location = self.image.location(pc)
        return f"address {pc}" + (f" ({location})" if location else "")

    def summary(self) -> dict[str, object]:
        """The run as JSON: output as text of code points 0 to 255, and the trace if asked for."""
        result: dict[str, object] = {
            "halted": self.computer.halted(),
            "steps": self.steps,
            "pc": self.computer.pc(),
            "output": self.output.kept.decode("latin-1"),
        }
        if self.trace:
            result["trace"] = self.events
        return result

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
            self.events.append(
                {**dataclasses.asdict(event), "written": written, "changed": changed}
            )
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
