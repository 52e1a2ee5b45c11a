"""Bytes in the memory of a RISC-V hart, for its environment."""

from __future__ import annotations

from looped.reference.reference import Service
from looped.reference.rv32i import Rv32i
from looped.trace import Access

__all__ = ["Failed", "held", "put_bytes", "put_word", "take_bytes", "take_string", "word_at"]


class Failed(Exception):
    """A call that fails, with its error number."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


_BAD_ADDRESS = 14


def held(hart: Rv32i, start: int, count: int) -> bool:
    """Whether all of some bytes are in one region of memory; their start must be, or its end."""
    return any(base <= start and start + count <= end for base, end in _extents(hart))


def take_bytes(hart: Rv32i, start: int, count: int) -> bytes:
    """Bytes of memory. Raises Failed if they are not all in one region."""
    if not held(hart, start, count):
        raise Failed(_BAD_ADDRESS)
    return bytes(_byte(hart, place) for place in range(start, start + count))


def take_string(hart: Rv32i, start: int, longest: int) -> bytes:
    """Bytes up to a zero, at most `longest`. Raises Failed if memory ends before."""
    found = bytearray()
    for base, end in _extents(hart):
        if base <= start < end:
            while len(found) < longest:
                if start + len(found) == end:
                    raise Failed(_BAD_ADDRESS)
                byte = _byte(hart, start + len(found))
                if byte == 0:
                    break
                found.append(byte)
            return bytes(found)
    raise Failed(_BAD_ADDRESS)


def put_bytes(hart: Rv32i, start: int, content: bytes, done: Service) -> None:
    """Store bytes. Raises Failed if they are not all in one region."""
    if not held(hart, start, len(content)):
        raise Failed(_BAD_ADDRESS)
    touched: dict[int, None] = {}
    for address, byte in enumerate(content, start):
        index, shift = hart.index(address), address % 4 * 8
        others = hart.memory[index] - (hart.memory[index] >> shift & 255) * (1 << shift)
        hart.memory[index] = others + byte * (1 << shift)
        touched[index] = None
    done.writes += [Access(index, hart.memory[index]) for index in touched]


def word_at(hart: Rv32i, address: int) -> int:
    """The word at an address, 0 outside memory."""
    index = hart.index(address)
    return hart.memory[index] if index < len(hart.memory) else 0


def put_word(hart: Rv32i, address: int, value: int, done: Service) -> None:
    """Set a word of memory, unless the address is outside."""
    index = hart.index(address)
    if index < len(hart.memory):
        hart.memory[index] = value
        done.writes.append(Access(index, value))


def _byte(hart: Rv32i, address: int) -> int:
    return hart.memory[hart.index(address)] >> 8 * (address % 4) & 255


def _extents(hart: Rv32i) -> list[tuple[int, int]]:
    """First address and end of each region."""
    if hart.second == 0:
        return [(hart.base, hart.base + len(hart.memory) * 4)]
    return [(base, base + len(hart.memory) * 2) for base in (hart.base, hart.second)]
