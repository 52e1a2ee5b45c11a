"""The assembly language of RV32I, as GNU as has it."""

from looped.lang.riscv.layout import RV32I

__all__ = ["RV32I"]
