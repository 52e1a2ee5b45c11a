"""The reference as a host sees it: words of its memory, registers and CPU."""

from __future__ import annotations

from looped.reference import Rv32i

__all__ = ["ReferencePort"]


class ReferencePort:
    """The port of a hart that the reference runs (see `looped/engines/host.py`)."""

    def __init__(self, reference: Rv32i) -> None:
        self.reference = reference

    @property
    def size(self) -> int:
        """The number of words of memory."""
        return len(self.reference.memory)

    def memory(self, index: int) -> int:
        """A word of memory."""
        return self.reference.memory[index]

    def set_memory(self, index: int, value: int) -> None:
        """Change a word of memory."""
        self.reference.memory[index] = value

    def register(self, number: int) -> int:
        """A register of the register file."""
        return self.reference.x[number]

    def set_register(self, number: int, value: int) -> None:
        """Change a register of the register file."""
        self.reference.x[number] = value

    def cpu(self, name: str) -> int:
        """A word of the CPU."""
        words = {"pc": self.reference.pc, "trap": self.reference.trap}
        return {**words, "cause": self.reference.cause}[name]

    def set_cpu(self, name: str, value: int) -> None:
        """Change a word of the CPU."""
        setattr(self.reference, name, value)
