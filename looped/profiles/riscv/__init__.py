"""Random RISC-V programs."""

from looped.profiles.riscv.machine_mode import MachineModeWriter
from looped.profiles.riscv.profile import riscv_profile

__all__ = ["MachineModeWriter", "riscv_profile"]
