"""What serves the traps of a program: its host on the transformer, its system on the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from looped.environment import USUAL, Environment
from looped.registry.registry import machine

if TYPE_CHECKING:
    from looped.devices import ProgramHost
    from looped.devices.host import ByteSource, ColumnPort
    from looped.image import Image
    from looped.reference import System

__all__ = ["host_for", "system_for", "unserved_trap"]


def host_for(
    image: Image, source: bytes | ByteSource, environment: Environment = USUAL
) -> ProgramHost | None:
    """The host that serves the traps of a program; None for a machine without traps."""
    host = machine(image.machine).host
    return None if host is None else host(image, source, environment)


def system_for(image: Image, data: bytes, environment: Environment = USUAL) -> System | None:
    """The system that serves the traps of a program on the reference; None without traps."""
    system = machine(image.machine).system
    return None if system is None else system(image, data, environment)


def unserved_trap(image: Image, host: ProgramHost | None, port: ColumnPort) -> str | None:
    """Which trap has halted a machine, None if it has an exit status or no traps."""
    describe_trap = machine(image.machine).describe_trap
    if describe_trap is None or (host is not None and host.exit_code is not None):
        return None
    return describe_trap(image, port)
