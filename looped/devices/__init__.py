"""What lies outside the transformer: hosts that serve machines which trap."""

from __future__ import annotations

from looped.devices.csr import ControlRegisters
from looped.devices.place import place
from looped.devices.syscalls import Syscalls
from looped.devices.traps import unserved_trap
from looped.engines.host import ByteSource
from looped.image import Image

__all__ = ["ControlRegisters", "Syscalls", "host_for", "place", "unserved_trap"]

_ALIGNMENT = 16


def host_for(image: Image, source: bytes | ByteSource) -> ControlRegisters | None:
    """The host of a program: that of a RISC-V program, none for a machine with an input.

    The heap begins at the symbol `_end`, which linkers define, else behind the words of the image.
    """
    if image.machine != "rv32i":
        return None
    end = image.symbols.get("_end", len(image.words) * image.unit)
    return ControlRegisters(Syscalls(source, -(-end // _ALIGNMENT) * _ALIGNMENT))
