"""Why a RISC-V program stopped, as text: the trap, its place and instruction, or a failed test."""

from __future__ import annotations

from collections.abc import Callable

from looped.devices.host import Port
from looped.devices.htif import Htif
from looped.devices.program_host import ProgramHost
from looped.image import Image
from looped.isa.rv32i import CAUSES, accessed

__all__ = ["describe_trap", "failed_test"]

_MISALIGNED_FETCH, _ILLEGAL, _ECALL = 0, 2, 11
_OUTSIDE = (5, 7)
_COMPRESSED = "compressed: build with -march=rv32im"


def describe_trap(image: Image, port: Port, name_of: Callable[[int], str | None]) -> str:
    """The trap of a halted machine, its address and source line, and the instruction there.

    `name_of` names the instruction in a word; it returns None for a word without one.
    """
    pc, cause = port.cpu("pc"), port.cpu("cause")
    location = image.location(pc)
    place = f"{pc:#x}" + (f" ({location})" if location else "")
    message = f"trap at {place}: {CAUSES[cause].format(machine=image.machine)}"
    index = port.regions.index(pc)
    if index >= port.size:
        return f"{message}; {_bounds(port)}"
    word = port.memory(index)
    request = _request(image, port) if cause == _ECALL else None
    if request is not None:
        return f"trap at {place}: {request}"
    if cause == _ILLEGAL and word & 3 != 3 and word & 0xFFFF:
        return f"{message}: {word & 0xFFFF:#06x}, {_COMPRESSED}"
    if cause == _MISALIGNED_FETCH:
        message += f" ({_COMPRESSED}?)"
    name = name_of(word)
    message += f": {word:#010x}" + ("" if name is None else f", {name}")
    access = accessed(word, port.register)
    if access is not None and cause > _ILLEGAL:
        message += f" at address {access.address:#x}"
        return f"{message}; {_bounds(port)}" if cause in _OUTSIDE else message
    return message


def failed_test(host: ProgramHost | None) -> str | None:
    """The message for a failed test that a program has reported at `tohost`, None without one."""
    if isinstance(host, Htif) and host.status:
        return f"test {host.status} failed"
    return None


def _bounds(port: Port) -> str:
    """Where memory is, and how to have more."""
    regions = port.regions
    parts = [
        f"{base:#x} to {regions.end(number, port.size) - 1:#x}"
        for number, base in enumerate(regions.bases)
    ]
    return f"memory is {' and '.join(parts)}: --memory {2 * port.size} doubles it"


def _request(image: Image, port: Port) -> str | None:
    """The request at `tohost` that nothing serves, None without one."""
    tohost = image.symbols.get("tohost")
    index = port.size if tohost is None else port.regions.index(tohost)
    number = port.memory(index) if index < port.size else 0
    if number == 0:
        return None
    return f"the program asks for {number:#x} at `tohost`, which no host serves"
