"""The host of a RISC-V program: system calls, control registers, and `tohost` if it has one."""

from __future__ import annotations

from looped.devices.calls import Calls
from looped.devices.csr import ControlRegisters
from looped.devices.handlers import Handlers
from looped.devices.host import ByteSource
from looped.devices.htif import Htif
from looped.devices.program_host import ProgramHost
from looped.environment import USUAL, Environment
from looped.image import Image

__all__ = ["machine_mode_host", "riscv_host"]

_ALIGNMENT = 16


def riscv_host(
    image: Image, source: bytes | ByteSource, environment: Environment = USUAL
) -> ProgramHost:
    """The host of a RISC-V program whose input is `source`.

    The heap begins after the image, in the last region, or at the symbol `_end` of a linker if that
    is later. A program with the symbol `tohost` can end by a write to that address.
    """
    return _host(ControlRegisters, image, source, environment)


def machine_mode_host(
    image: Image, source: bytes | ByteSource, environment: Environment = USUAL
) -> ProgramHost:
    """The same on a machine that has machine mode in its weights."""
    return _host(Handlers, image, source, environment)


def _host(
    kind: type[ControlRegisters], image: Image, source: bytes | ByteSource, environment: Environment
) -> ProgramHost:
    regions, count = image.regions, len(image.regions.bases)
    end = regions.bases[-1] + len(image.words) // count * image.addresses_per_word
    if image.linked:
        end = max(end, image.symbols.get("_end", 0))
    calls = Calls(source, -(-end // _ALIGNMENT) * _ALIGNMENT, environment)
    host = kind(calls, environment)
    tohost, fromhost = image.symbols.get("tohost"), image.symbols.get("fromhost")
    if tohost is None or not 0 <= regions.index(tohost) < len(image.words):
        return host
    return Htif(tohost, fromhost, regions, host)
