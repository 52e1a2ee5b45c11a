"""Why a RISC-V program stopped, as text: the trap, its place and instruction, or a failed test."""

from __future__ import annotations

from collections.abc import Callable

from looped.devices.host import Port
from looped.devices.htif import Htif
from looped.devices.program_host import ProgramHost
from looped.image import Image
from looped.isa.rv32i import CAUSES, word_index

__all__ = ["describe_trap", "failed_test"]


def describe_trap(image: Image, port: Port, name_of: Callable[[int], str | None]) -> str:
    """The trap of a halted machine, its address and source line, and the instruction there.

    `name_of` names the instruction in a word; it returns None for a word without one.
    """
    pc, cause = port.cpu("pc"), port.cpu("cause")
    location = image.location(pc)
    place = f"{pc:#x}" + (f" ({location})" if location else "")
    message = f"trap at {place}: {CAUSES[cause].format(machine=image.machine)}"
    if word_index(pc) >= port.size:
        return message
    word = port.memory(word_index(pc))
    name = name_of(word)
    return f"{message}: {word:#010x}" + ("" if name is None else f", {name}")


def failed_test(host: ProgramHost | None) -> str | None:
    """The message for a failed test that a program has reported at `tohost`, None without one."""
    if isinstance(host, Htif) and host.status:
        return f"test {host.status} failed"
    return None
