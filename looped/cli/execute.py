"""run, verify: execute a program on the transformer, and hold it against the reference."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import click

from looped import api
from looped.cli.options import engine_options, json_option, machine_options, open_program
from looped.cli.progress import Progress, progress
from looped.engines.computer import Computer, Event
from looped.errors import FileError, StepLimitError
from looped.files import read_bytes
from looped.image import Image
from looped.verify.lockstep import Mismatch, Verdict

__all__ = ["run", "verify"]

_PATH = click.Path(path_type=Path)
_INPUT_LIMIT = 64 << 20


@click.command()
@click.argument("program", type=_PATH)
@machine_options
@engine_options
@click.option("--steps", type=click.IntRange(min=0), help="Stop after so many instructions.")
@click.option("--trace", is_flag=True, help="Print every instruction on stderr.")
@json_option
def run(
    program: Path,
    machine: str | None,
    width: int | None,
    memory: int | None,
    engine: str,
    dtype: str,
    uncertified: bool,
    device: str,
    steps: int | None,
    trace: bool,
    as_json: bool,
) -> None:
    """Run PROGRAM (source, image or compiled file) on the transformer until it halts.

    stdin and stdout are the program's own. With --json, stdout is one object with the output in it.

    \b
    Examples:
      looped run programs/subleq/hello.sasm
      echo 'hello' | looped run programs/subleq/echo.sasm
      looped run FORTH.dec --machine subleq --width 16 --memory 32768
      looped run programs/subleq/fibonacci.sasm --trace --steps 20
    """
    compiled, image = open_program(program, machine, width, memory, dtype)
    chosen = api.engine(engine, compiled, dtype, device, uncertified)
    computer = Computer(compiled.plan, chosen, [image.words], [_standard_input()])
    output = None if as_json else sys.stdout.buffer
    with progress("run") as line:
        session = _Session(computer, image, line, output, trace)
        session.run(steps)
    if as_json:
        click.echo(json.dumps(session.summary()))
    if not computer.halted():
        raise StepLimitError(
            f"{program} has not halted after {session.steps} steps: it is at {session.place()}",
            hint="more with --steps, or no limit without it",
        )


def _standard_input() -> bytes | BinaryIO:
    """The program's input; nothing if the command was started without one (`<&-`)."""
    return b"" if sys.stdin is None else sys.stdin.buffer


class _Session:
    """One run with its input, its output and its trace."""

    def __init__(
        self, computer: Computer, image: Image, line: Progress, output: BinaryIO | None, trace: bool
    ) -> None:
        self.computer = computer
        self.image = image
        self.line = line
        self.output = output
        self.trace = trace
        self.steps = 0
        self.emitted = bytearray()
        self.events: list[dict[str, object]] = []
        self.memory = computer.memory()[0] if trace else None

    def run(self, limit: int | None) -> None:
        """Execute until the program halts or the limit is reached; say where on Ctrl-C."""
        try:
            while not self.computer.halted() and (limit is None or self.steps < limit):
                self._note(self.computer.step()[0])
        except KeyboardInterrupt:
            self.line.clear()
            click.echo(f"\nstopped after {self.steps} steps at {self.place()}", err=True)
            raise

    def place(self) -> str:
        """The program counter, and the source line if it is known."""
        return _place(self.image, self.computer.pcs[0])

    def summary(self) -> dict[str, object]:
        """The run as JSON: output as text of code points 0 to 255, and the trace if asked for."""
        result: dict[str, object] = {
            "halted": self.computer.halted(),
            "steps": self.steps,
            "pc": self.computer.pcs[0],
            "output": self.emitted.decode("latin-1"),
        }
        if self.trace:
            result["trace"] = self.events
        return result

    def _note(self, event: Event) -> None:
        if not event.retired:
            return
        self.steps += 1
        self.line(self.steps)
        if event.emitted is not None:
            self._emit(event.emitted)
        if self.memory is not None:
            self._trace(event)

    def _trace(self, event: Event) -> None:
        """Note one instruction: what changed in memory is read off the residual stream."""
        memory = self.computer.memory()[0]
        changed = {int(i): int(memory[i]) for i in (memory != self.memory).nonzero()[0]}
        self.memory = memory
        if self.output is None:
            self.events.append({**dataclasses.asdict(event), "changed": changed})
            return
        self.line.clear()
        click.echo(_trace_line(self.steps, event, changed, self.image), err=True)

    def _emit(self, byte: int) -> None:
        if self.output is None:
            self.emitted.append(byte)
            return
        self.line.clear()
        self.output.write(bytes([byte]))
        self.output.flush()


def _place(image: Image, pc: int) -> str:
    location = image.location(pc)
    return f"address {pc}" + (f" ({location})" if location else "")


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


@click.command()
@click.argument("programs", type=_PATH, nargs=-1, required=True, metavar="PROGRAM...")
@machine_options
@engine_options
@click.option("--steps", type=click.IntRange(min=0), help="Compare so many instructions at most.")
@click.option(
    "--input", "data", type=_PATH, help="A file that is the programs' input; - for stdin."
)
@json_option
def verify(
    programs: tuple[Path, ...],
    machine: str | None,
    width: int | None,
    memory: int | None,
    engine: str,
    dtype: str,
    uncertified: bool,
    device: str,
    steps: int | None,
    data: Path | None,
    as_json: bool,
) -> None:
    """Run every PROGRAM on the transformer and on the reference, and compare after every loop.

    All of the state is compared: memory, program counter, flags, input and output, and every other
    lane of the residual stream, each of which must be exactly -1 or +1. The first difference is
    reported by name, and the exit code is 1.

    \b
    Examples:
      looped verify programs/subleq/sieve.sasm
      looped verify programs/subleq/*.sasm
      looped verify sieve.safetensors --dtype float64
      echo 'hello' | looped verify programs/subleq/echo.sasm --input -
    """
    content = _read_input(data)
    verdicts = []
    for path in programs:
        compiled, image = open_program(path, machine, width, memory, dtype)
        chosen = api.engine(engine, compiled, dtype, device, uncertified)
        with progress(f"verify {path}") as line:
            try:
                verdict = api.verify(compiled, image, content, steps, chosen, line)
            except Mismatch as mismatch:
                if as_json:
                    click.echo(json.dumps({"file": str(path), **_mismatch(mismatch)}))
                raise
        verdicts.append({"file": str(path), "equal": True, **_verdict(verdict)})
        if not as_json:
            click.echo("\n".join(_report(path, verdict)))
    if as_json:
        click.echo(json.dumps(verdicts))


def _read_input(data: Path | None) -> bytes:
    if data is None:
        return b""
    if str(data) == "-":
        source = _standard_input()
        content = source if isinstance(source, bytes) else source.read(_INPUT_LIMIT + 1)
        if len(content) > _INPUT_LIMIT:
            raise FileError(f"the input is larger than {_INPUT_LIMIT >> 20} MB")
        return content
    return read_bytes(data, _INPUT_LIMIT)


def _verdict(verdict: Verdict) -> dict[str, object]:
    return {
        "steps": verdict.steps,
        "lanes": verdict.lanes,
        "halted": verdict.halted,
        "output": verdict.outputs[0].decode("latin-1"),
    }


def _mismatch(mismatch: Mismatch) -> dict[str, object]:
    difference = mismatch.difference
    return {
        "equal": False,
        "step": difference.step,
        "pc": difference.pc,
        "location": difference.location,
        "place": difference.place,
        "found": difference.found,
        "expected": difference.expected,
    }


def _report(path: Path, verdict: Verdict) -> Iterator[str]:
    if verdict.outputs[0]:
        shown = verdict.outputs[0].decode("latin-1").encode("unicode_escape").decode("ascii")
        yield f"{path}: put out {len(verdict.outputs[0])} bytes: {shown[:200]}"
    end = "until it halted" if verdict.halted else "without reaching its end"
    yield (
        f"{path}: equal. {verdict.steps:,} steps {end}; after each, all {verdict.lanes:,} lanes "
        "were exactly those of the reference."
    )
