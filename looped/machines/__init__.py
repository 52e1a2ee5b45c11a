"""Instruction sets as circuits: each file reads like a datasheet."""

from looped.machines.machine import Machine
from looped.machines.rv32i import RV32I
from looped.machines.rv32im import RV32IM
from looped.machines.subleq import SUBLEQ

__all__ = ["MACHINES", "Machine"]

MACHINES: dict[str, Machine] = {machine.name: machine for machine in (RV32I, RV32IM, SUBLEQ)}
