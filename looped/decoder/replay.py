"""replay: the memory that a text leaves behind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from looped.decoder.vocabulary import Vocabulary

__all__ = ["Replayed", "replay"]


@dataclass(frozen=True, slots=True)
class Replayed:
    """The words that a history has written, by address, and the program counter after it.

    `pc` is None if the history does not end with a whole record, and after `<halt>`.
    """

    memory: dict[int, int]
    pc: int | None

    def words(self, memory: int) -> list[int]:
        """All words of a memory of that size."""
        return [self.memory.get(address, 0) for address in range(memory)]


def replay(vocabulary: Vocabulary, tokens: Iterable[int]) -> Replayed:
    """The memory and the program counter after a prompt and a run, in their tokens."""
    memory: dict[int, int] = {}
    address, value = 0, [0] * vocabulary.spec.digits
    pc: int | None = None
    for token in tokens:
        kind, number = vocabulary.type_of(token)
        if kind in ("b", "r"):
            address = number
        elif kind[0] in "vu":
            value[int(kind[1:])] = number
        elif kind[0] == "w":
            value[-1] = number
            memory[address + int(kind[1:])] = int.from_bytes(value, "big")
        if kind == "p":
            memory[address] = int.from_bytes(value, "big")
        pc = number if kind == "p" else pc if kind[0] in "ru" else None
    return Replayed(memory, pc)
