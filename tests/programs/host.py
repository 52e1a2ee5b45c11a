"""System calls for the RV32I reference: what a program asks for by ECALL, served between two steps.

The numbers are those of newlib and of the proxy kernel: read 63, write 64, exit 93, brk 214. The
number is in a7, arguments from a0 on, the result goes to a0.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from looped.image import Image
from looped.reference.rv32i import Rv32i
from looped.reference.rv32im import Rv32im

_A0, _A7 = 10, 17
_ECALL = 11


@dataclass
class Run:
    """A program on the reference with its system calls; `steps` counts ECALLs too."""

    image: Image
    data: bytes = b""
    memory: int = 1 << 15
    output: bytearray = field(default_factory=bytearray)
    steps: int = 0
    code: int | None = None

    def __post_init__(self) -> None:
        kind = {"rv32i": Rv32i, "rv32im": Rv32im}[self.image.machine]
        self.machine = kind(self.image.words, 32, self.memory, entry=self.image.entry)
        self._end = 4 * len(self.image.words)

    def until_exit(self, most: int) -> None:
        """Run for at most so many steps, until the program exits. A trap but ECALL is an error."""
        while self.code is None and self.steps < most:
            self.machine.step()
            self.steps += 1
            if self.machine.halted:
                place = self.image.location(self.machine.pc)
                assert self.machine.cause == _ECALL, f"cause {self.machine.cause} at {place}"
                self._serve()

    def _serve(self) -> None:
        x = self.machine.x
        first, address, count = x[_A0 : _A0 + 3]
        if x[_A7] == 93:
            self.code = first
        elif x[_A7] == 64:
            assert first in (1, 2)
            self.output += bytes(self._byte(address + i) for i in range(count))
            x[_A0] = count
        elif x[_A7] == 63:
            assert first == 0
            taken, self.data = self.data[:count], self.data[count:]
            for i, byte in enumerate(taken):
                self._store(address + i, byte)
            x[_A0] = len(taken)
        else:
            assert x[_A7] == 214, f"no system call {x[_A7]}"
            if self._end <= first <= 4 * self.memory:
                self._end = first
            x[_A0] = self._end
        self.machine.trap = 0
        self.machine.pc += 4

    def _byte(self, address: int) -> int:
        return self.machine.memory[address >> 2] >> 8 * (address & 3) & 255

    def _store(self, address: int, byte: int) -> None:
        shift = 8 * (address & 3)
        word = self.machine.memory[address >> 2] & ~(255 << shift)
        self.machine.memory[address >> 2] = word | byte << shift
