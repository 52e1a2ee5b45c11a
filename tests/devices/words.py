"""A port over plain lists: a machine that has trapped, for hosts to serve."""

from __future__ import annotations

from looped.image import Regions
from looped.isa.rv32i import REGISTERS

MEMORY = 64


class Words:
    """A port over plain lists."""

    def __init__(self, number: int, *arguments: int, cause: int = 11) -> None:
        self.words = [0x03020100 + 0x04040404 * i for i in range(MEMORY)]
        self.registers = [0] * 32
        self.registers[REGISTERS["a7"]] = number
        for i, argument in enumerate(arguments):
            self.registers[REGISTERS[f"a{i}"]] = argument & 0xFFFFFFFF
        self.regions = Regions()
        self.executed = 1
        self.named = {"pc": 8, "trap": 1, "cause": cause}

    @property
    def size(self) -> int:
        return MEMORY

    def memory(self, index: int) -> int:
        return self.words[index]

    def set_memory(self, index: int, value: int) -> None:
        self.words[index] = value

    def register(self, number: int) -> int:
        return self.registers[number]

    def set_register(self, number: int, value: int) -> None:
        self.registers[number] = value

    def cpu(self, name: str) -> int:
        return self.named[name]

    def set_cpu(self, name: str, value: int) -> None:
        self.named[name] = value

    @property
    def result(self) -> int:
        """What is in a0, signed; the machine must go on behind the ECALL."""
        assert self.named == {"pc": 12, "trap": 0, "cause": 0}
        value = self.registers[REGISTERS["a0"]]
        return value - (1 << 32) if value >> 31 else value
