"""The assembly languages of RV32I and RV32IM, as GNU as has it."""

from looped.lang.riscv.language import RV32I, RV32IM

__all__ = ["RV32I", "RV32IM"]
