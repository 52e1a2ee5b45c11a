"""Reference: the state that every plain interpreter has, and the interface that a verifier uses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from looped.trace import Access, Printed, Step

__all__ = ["Reference", "Service", "System"]


class Reference(ABC):
    """A machine with `memory` words of `width` bits; `words` are loaded at address 0.

    Execution begins at `entry`; `data` is the whole input. `x` is the register file, empty on a
    machine without one. A machine overrides `halted`, `step` and whatever else differs.
    """

    def __init__(
        self,
        words: Sequence[int],
        width: int,
        memory: int,
        data: bytes = b"",
        entry: int = 0,
    ) -> None:
        self.width = width
        self.memory = [*words, *[0] * (memory - len(words))]
        self.x: list[int] = []
        self.pc = entry
        self.data = data

    @property
    @abstractmethod
    def halted(self) -> bool:
        """Whether the machine has stopped."""

    @abstractmethod
    def step(self) -> Step:
        """Execute one instruction. Must not be called on a halted machine."""

    def cpu_words(self) -> Mapping[str, int]:
        """The words of the CPU between two instructions, except the ports of input and output."""
        return {"pc": self.pc}

    def printed(self) -> Sequence[Printed | None]:
        """What each worker has printed in the last loop of the last instruction.

        None, or a place behind the end, stands for a worker that has printed nothing in that loop.
        """
        return ()

    def takes_input(self) -> bool:
        """Whether the next instruction takes a word of input."""
        return False


@dataclass(slots=True)
class Service:
    """The effects of a system on a machine: bytes of output, and the words of memory and registers
    that it sets, in order."""

    output: bytes = b""
    writes: list[Access] = field(default_factory=list)
    registers: list[Access] = field(default_factory=list)


class System(Protocol):
    """The environment of a machine that traps.

    `exit_code` is the exit status of the program, None before it has one.
    """

    exit_code: int | None

    @property
    def emulated(self) -> int:
        """How many instructions the system has executed for the machine."""

    def after(self, reference: Any, /) -> Service | None:
        """Serve a machine that has just executed an instruction; None if there is nothing to do."""
