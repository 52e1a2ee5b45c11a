"""One instruction of a trace, as a line and as JSON."""

from __future__ import annotations

from looped.image import Image
from looped.trace import Step

__all__ = ["step_json", "step_line"]


def step_json(step: Step) -> dict[str, object]:
    """A step as JSON; `reads`, `writes` and `registers` map addresses and numbers to values."""
    return {
        "pc": step.pc,
        "next_pc": step.next_pc,
        "consumed": step.consumed,
        "emitted": step.emitted,
        "written": step.written.decode("latin-1"),
        "cause": step.cause,
        "reads": {read.address: read.value for read in step.reads},
        "writes": {write.address: write.value for write in step.writes},
        "registers": {write.address: write.value for write in step.registers},
    }


def step_line(number: int, step: Step, image: Image) -> str:
    """A step as a line: its number, the program counter, the source line, what it writes."""
    notes = [f"mem[{write.address}] = {write.value}" for write in step.writes]
    notes += [f"x{write.address} = {write.value:#x}" for write in step.registers]
    if step.cause is not None:
        notes.append(f"trap {step.cause}")
    if step.consumed is not None:
        notes.append(f"in {step.consumed}")
    if step.emitted is not None:
        notes.append(f"out {step.emitted} {chr(step.emitted)!r}")
    location = image.location(step.pc)
    where = str(location) if location else ""
    return f"{number:>8}  pc {step.pc:>6} -> {step.next_pc:<6} {where}  {' '.join(notes)}".rstrip()
