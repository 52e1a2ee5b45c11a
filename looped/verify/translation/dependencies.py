"""Dependencies: the bits at a cut on which the bits of values can depend, without diagrams.

A set of bits is an integer, with a one for each bit by its number. It may be too large, never too
small.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from looped.engines.lifted.code import Code, Instruction
from looped.engines.lifted.conditions import Bit
from looped.engines.lifted.sums import State
from looped.verify.translation.reader import WORD, is_bit

__all__ = ["BitNumbers", "Dependencies"]


class BitNumbers:
    """A number for each bit, (value, place)."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, int], int] = {}

    def one(self, value: int, place: int) -> int:
        """The set of one bit."""
        return 1 << self._numbers.setdefault((value, place), len(self._numbers))

    def bits(self, found: int) -> list[tuple[int, int]]:
        """The bits of a set."""
        return [bit for bit, number in self._numbers.items() if found >> number & 1]

    def among(self, names: Iterable[object]) -> int:
        """The set of the bits among some variables."""
        found = 0
        for name in names:
            if is_bit(name):
                found |= self.one(*name[1:])
        return found


class Dependencies:
    """The sources of bits among those that hold the driver's `lanes` at a cut, cells and the state.

    `ones` has for each value the bits that may be one.
    """

    def __init__(
        self,
        code: Code,
        numbers: BitNumbers,
        lanes: Iterable[State],
        ones: Sequence[int],
    ) -> None:
        self.code = code
        self.numbers = numbers
        self.ones = ones
        bits = {(s.value, s.place) for s in lanes if isinstance(s, Bit)}
        self._found = {bit: numbers.one(*bit) for bit in bits}
        self._whole: dict[int, int] = {}

    def of(self, value: int, place: int) -> int:
        """The sources of a bit."""
        if not 0 <= place < WORD:
            return 0
        key = value, place
        if key not in self._found:
            if not self.ones[value] >> place & 1:
                return 0
            self._found[key] = self._read(self.code.instructions[value], value, place)
        return self._found[key]

    def whole(self, value: int) -> int:
        """The sources of all bits of a value."""
        if value not in self._whole:
            found = 0
            for place in range(WORD):
                found |= self.of(value, place)
            self._whole[value] = found
        return self._whole[value]

    def _read(self, instruction: Instruction, value: int, place: int) -> int:
        operands = instruction.operands
        match instruction.operation:
            case "state" | "load":
                return self.numbers.one(value, place)
            case "and" | "or" | "xor":
                return self.of(operands[0], place) | self.of(operands[1], place)
            case "add" | "sub":
                lower = self.of(value, place - 1)
                return lower | self.of(operands[0], place) | self.of(operands[1], place)
            case "shl" | "shr":
                count = self.code.number(operands[1])
                if count is None:
                    return self.whole(operands[0]) | self.whole(operands[1])
                left = instruction.operation == "shl"
                return self.of(operands[0], place - count if left else place + count)
            case "select":
                branches = self.of(operands[1], place) | self.of(operands[2], place)
                return self.whole(operands[0]) | branches
            case "equal" | "less" | "negative" if place:
                return 0
        found = 0
        for operand in operands:
            found |= self.whole(operand)
        return found
