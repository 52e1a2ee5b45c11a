"""The host of a RISC-V program: system calls, control registers, and `tohost` if it has one."""

from __future__ import annotations

from looped.devices.csr import ControlRegisters
from looped.devices.host import ByteSource
from looped.devices.htif import Htif
from looped.devices.program_host import ProgramHost
from looped.devices.syscalls import Syscalls
from looped.environment import USUAL, Environment
from looped.image import Image

__all__ = ["riscv_host"]

_ALIGNMENT = 16


def riscv_host(
    image: Image, source: bytes | ByteSource, environment: Environment = USUAL
) -> ProgramHost:
    """The host of a RISC-V program whose input is `source`.

    The heap begins after the image, in the last region, or at the symbol `_end` of a linker if that
    is later. A program with the symbol `tohost` can end by a write to that address.
    """
    regions, count = image.regions, len(image.regions.bases)
    end = regions.bases[-1] + len(image.words) // count * image.addresses_per_word
    if image.linked:
        end = max(end, image.symbols.get("_end", 0))
    calls = Syscalls(source, -(-end // _ALIGNMENT) * _ALIGNMENT)
    host = ControlRegisters(calls, environment)
    tohost, fromhost = image.symbols.get("tohost"), image.symbols.get("fromhost")
    if tohost is None or not 0 <= regions.index(tohost) < len(image.words):
        return host
    return Htif(tohost, fromhost, regions, host)
