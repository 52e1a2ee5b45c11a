"""Random RISC-V programs."""

from looped.profiles.riscv.profile import riscv_profile

__all__ = ["riscv_profile"]
