"""One program of a suite: runs it, and says how it ended, after how many instructions."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from looped import api
from looped.devices import failed_test
from looped.devices.signature import Signature
from looped.errors import LoopedError
from looped.image.elf import is_elf
from looped.registry import unserved_trap
from looped.run.interrupts import End, Interrupts
from looped.run.session import Session
from looped.run.streams import Output

__all__ = ["Limits", "Outcome", "elf_files", "run", "table"]


@dataclass(frozen=True, slots=True)
class Limits:
    """The most instructions and seconds of one program."""

    steps: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended: `fault` is None if it passed. `signature` is None if it left none."""

    name: str
    fault: str | None
    instructions: int = 0
    seconds: float = 0.0
    signature: str | None = None


def elf_files(folder: Path, pattern: str) -> list[Path]:
    """The ELF files below a folder whose names match a pattern, in order."""
    return sorted(path for path in folder.rglob(pattern) if path.is_file() and is_elf(path))


def run(path: Path, name: str, limits: Limits, with_signature: bool = False) -> Outcome:
    """Run an ELF file as `looped run` does. It passes if it ends with the exit status 0."""
    session = None
    began = time.monotonic()
    try:
        image = api.assemble(path)
        machine = api.compile(image, api.usual_memory(image))
        signature = Signature.of(image) if with_signature else None
        engine, output = api.choose_engine(machine), Output()
        session = Session(machine, image, engine, b"", output, Interrupts(limits.seconds))
        began = time.monotonic()
        session.run(limits.steps)
        fault = _fault(session, limits)
        left = None if signature is None else signature.text(session.port)
    except LoopedError as error:
        (first, *_) = error.render().splitlines()
        fault, left = first.removeprefix("error: "), None
    steps = 0 if session is None else session.steps
    return Outcome(name, fault, steps, time.monotonic() - began, left)


def _fault(session: Session, limits: Limits) -> str | None:
    """What is wrong with how a run has ended, None if it has passed."""
    if session.end is End.ENDLESS:
        return "an endless loop without an exit status"
    if session.end is not End.HALTED:
        limit = f"{limits.seconds:g} s" if session.end is End.TIME else f"{limits.steps:,} steps"
        return f"did not halt within {limit}"
    trap = unserved_trap(session.image, session.host, session.port)
    status = None if session.host is None else session.host.exit_code
    return trap or failed_test(session.host) or (f"exit status {status}" if status else None)


def table(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """Lines of a table of all outcomes, and a summary."""
    passed = failed = instructions = 0
    seconds = 0.0
    for one in outcomes:
        verdict = "passed" if one.fault is None else "failed"
        line = f"{verdict}  {one.instructions:>13,}  {one.seconds:>8.2f} s  {one.name}"
        yield line if one.fault is None else f"{line}: {one.fault}"
        passed += one.fault is None
        failed += one.fault is not None
        instructions, seconds = instructions + one.instructions, seconds + one.seconds
    yield (
        f"{passed} passed, {failed} failed; {instructions:,} instructions in {seconds:.1f} s"
        if passed + failed
        else "no ELF files"
    )
