"""What lies outside the transformer: the hosts that serve traps."""

from __future__ import annotations

from looped.devices.calls import Calls
from looped.devices.csr import ControlRegisters
from looped.devices.htif import Htif
from looped.devices.program_host import ProgramHost
from looped.devices.riscv import machine_mode_host, riscv_host
from looped.devices.traps import describe_trap, failed_test

__all__ = [
    "Calls",
    "ControlRegisters",
    "Htif",
    "ProgramHost",
    "describe_trap",
    "failed_test",
    "machine_mode_host",
    "riscv_host",
]
