"""Instruction sets as circuits: each file reads like a datasheet."""

from looped.machines.machine import Machine
from looped.machines.subleq import SUBLEQ

__all__ = ["MACHINES", "Machine"]

MACHINES: dict[str, Machine] = {SUBLEQ.name: SUBLEQ}
