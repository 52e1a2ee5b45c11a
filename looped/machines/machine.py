"""Machine: a name, its widths, and its description as a circuit, universal or baked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from looped.circuit.circuit import Circuit
from looped.errors import CompileError
from looped.image import Image
from looped.precision import FLOAT32, Precision

__all__ = ["MAXIMUM_MEMORY", "MINIMUM_MEMORY", "Code", "Machine", "largest_memory"]

MINIMUM_MEMORY = 1 << 5
MAXIMUM_MEMORY = 1 << 15


def largest_memory(width: int) -> int:
    """The most words that a machine with words of `width` bits may have."""
    return min(MAXIMUM_MEMORY, 1 << width)


class Code(Protocol):
    """The instructions of one program, as a baked machine keeps them in its weights."""

    @property
    def addresses(self) -> frozenset[int]:
        """The addresses of the words that hold instructions and nothing else."""


@dataclass(frozen=True, slots=True)
class Machine:
    """An instruction set that a looped transformer can be compiled for.

    `describe(width, address_bits, code, precision)` is one step as a circuit; `code` is None for a
    universal machine, `precision` the format in which its sums shall be exact. `read_code(image,
    memory)` finds a program's instructions, for baking; it raises CompileError for a program that
    changes them.
    """

    name: str
    widths: tuple[int, ...]
    describe: Callable[..., Circuit]
    read_code: Callable[[Image, int], Code]

    def check(self, width: int, memory: int) -> None:
        """Raise CompileError unless the machine exists in this width with so many words."""
        if width not in self.widths:
            known = ", ".join(map(str, self.widths))
            raise CompileError(f"{self.name} has no {width}-bit words", hint=f"widths: {known}")
        largest = largest_memory(width)
        if memory & (memory - 1) or not MINIMUM_MEMORY <= memory <= largest:
            raise CompileError(
                f"a memory of {memory} words is not to be had with {width}-bit words",
                hint=f"a power of two from {MINIMUM_MEMORY} to {largest}",
            )

    def circuit(
        self, width: int, memory: int, code: Code | None = None, precision: Precision = FLOAT32
    ) -> Circuit:
        """One step of the machine. Raises CompileError for an impossible width or memory."""
        self.check(width, memory)
        circuit = self.describe(width, memory.bit_length() - 1, code, precision)
        circuit.check()
        return circuit
