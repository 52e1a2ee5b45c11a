"""The host of a RISC-V program: system calls, control registers, and `tohost` if it has one."""

from __future__ import annotations

from looped.devices.csr import ControlRegisters
from looped.devices.host import ByteSource
from looped.devices.htif import Htif
from looped.devices.program_host import ProgramHost
from looped.devices.syscalls import Syscalls
from looped.image import Image
from looped.isa.rv32i import word_index

__all__ = ["riscv_host"]

_ALIGNMENT = 16
_HIGH = 0x80000000


def riscv_host(image: Image, source: bytes | ByteSource) -> ProgramHost:
    """The host of a RISC-V program whose input is `source`.

    The heap begins at the symbol `_end`, which linkers define, or after the image if that is later:
    a source may define `_end` as it likes. A program with the symbol `tohost` can end by a write to
    that address.
    """
    end = (image.entry & _HIGH) + len(image.words) * image.addresses_per_word
    end = max(end, image.symbols.get("_end", 0))
    host = ControlRegisters(Syscalls(source, -(-end // _ALIGNMENT) * _ALIGNMENT))
    tohost = image.symbols.get("tohost")
    if tohost is None or not 0 <= word_index(tohost) < len(image.words):
        return host
    return Htif(word_index(tohost), host)
