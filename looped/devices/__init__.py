"""What lies outside the transformer: hosts that serve machines which trap."""

from __future__ import annotations

from looped.devices.csr import ControlRegisters
from looped.devices.describe_pc import describe_pc
from looped.devices.host import ByteSource
from looped.devices.htif import Htif
from looped.devices.syscalls import Syscalls
from looped.devices.traps import failed_test, unserved_trap
from looped.image import Image
from looped.isa.rv32i import word_index
from looped.isa.rv32im import RISCV

__all__ = [
    "ControlRegisters",
    "Htif",
    "RiscvHost",
    "Syscalls",
    "describe_pc",
    "failed_test",
    "host_for",
    "unserved_trap",
]

_ALIGNMENT = 16
_HIGH = 0x80000000

RiscvHost = ControlRegisters | Htif
"""The host of a RISC-V program."""


def host_for(image: Image, source: bytes | ByteSource) -> RiscvHost | None:
    """The host of a program: that of a RISC-V program, none for a machine with an input.

    The heap begins at the symbol `_end`, which linkers define, but never within the image: a source
    may call anything `_end`.
    A program with the symbol `tohost` may end by writing there.
    """
    if image.machine not in RISCV:
        return None
    end = (image.entry & _HIGH) + len(image.words) * image.addresses_per_word
    end = max(end, image.symbols.get("_end", 0))
    host = ControlRegisters(Syscalls(source, -(-end // _ALIGNMENT) * _ALIGNMENT))
    tohost = image.symbols.get("tohost")
    if tohost is None or not 0 <= word_index(tohost) < len(image.words):
        return host
    return Htif(word_index(tohost), host)
