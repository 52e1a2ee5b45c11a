"""The assembly languages of RV32I and RV32IM, in the syntax of GNU as."""

from looped.lang.riscv.language import RV32I, RV32IM, RV32IMA

__all__ = ["RV32I", "RV32IM", "RV32IMA"]
