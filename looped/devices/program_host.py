"""ProgramHost: a host whose program can end with an exit status."""

from __future__ import annotations

from typing import Protocol

from looped.devices.host import Host

__all__ = ["ProgramHost"]


class ProgramHost(Host, Protocol):
    """The host of a program that can exit; it may also emulate instructions."""

    @property
    def exit_code(self) -> int | None:
        """The exit status of the program, None before it has one."""

    @property
    def emulated(self) -> int:
        """How many instructions the host has emulated."""
