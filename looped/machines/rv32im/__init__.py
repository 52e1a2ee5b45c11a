"""RV32IM: RV32I and the M extension, multiplication and division, as a circuit."""

from looped.machines.rv32im.machine import RV32IM

__all__ = ["RV32IM"]
