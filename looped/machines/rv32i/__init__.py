"""RV32I, the base integer instruction set of RISC-V, as a circuit."""

from looped.machines.rv32i.machine import RV32I

__all__ = ["RV32I"]
