"""Plain interpreters, written from the manuals: the transformers must agree with them."""

from looped.reference.fleq import Fleq
from looped.reference.reference import Reference, Service, System
from looped.reference.rv32i import Rv32i
from looped.reference.rv32im import Rv32im
from looped.reference.rv32ima import Rv32ima
from looped.reference.subleq import Subleq
from looped.reference.system import RiscvSystem, machine_mode_system, riscv_system

__all__ = [
    "Fleq",
    "Reference",
    "RiscvSystem",
    "Rv32i",
    "Rv32im",
    "Rv32ima",
    "Service",
    "Subleq",
    "System",
    "machine_mode_system",
    "riscv_system",
]
