"""What lies outside the transformer: hosts that serve machines which trap."""

from __future__ import annotations

from looped.devices.syscalls import ByteSource, Syscalls
from looped.engines.host import Host
from looped.image import Image

__all__ = ["ByteSource", "Syscalls", "host_for"]

_ALIGNMENT = 16


def host_for(image: Image, source: bytes | ByteSource) -> Host | None:
    """The host of a program: system calls for a RISC-V program, none for a machine with an input.

    The heap begins at the symbol `_end`, which linkers define, else behind the words of the image.
    """
    if image.machine != "rv32i":
        return None
    end = image.symbols.get("_end", len(image.words) * image.unit)
    return Syscalls(source, -(-end // _ALIGNMENT) * _ALIGNMENT)
