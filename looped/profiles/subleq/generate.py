"""Random SUBLEQ programs, written while they run.

The reference executes the program that is being written. Whenever it comes to an instruction whose
words nothing has touched yet, the generator chooses them: operands that name each other, the
instruction itself, the edges of memory or addresses beyond it; -1; words whose difference is about
to change its sign; branches to fresh places, across the end of memory, backwards, out of the
positive numbers. So nearly every word of a program is executed, read or written.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

from looped.image import Image
from looped.profiles.case import Case
from looped.reference import Subleq

__all__ = ["generate"]

_STEPS = 64
"""The instructions that are chosen; then the program runs on whatever words it has made."""

_LONGEST_INPUT = 6


def generate(rng: random.Random, width: int, memory: int, number: int, **dialect: int) -> Case:
    """A program for `memory` words, in a dialect."""
    return _Writer(rng, width, memory, dialect).program()


class _Writer:
    """A program under construction. `words` are its initial words, `computer` executes it."""

    def __init__(
        self, rng: random.Random, width: int, memory: int, dialect: Mapping[str, int]
    ) -> None:
        self.rng = rng
        self.width, self.memory = width, memory
        self.ones, self.half = (1 << width) - 1, 1 << width - 1
        self.words = [self._value() for _ in range(memory)]
        self.data = rng.randbytes(rng.randrange(_LONGEST_INPUT))
        self.computer = Subleq(self.words, width, memory, self.data, **dialect)
        self.symbols = {f"subleq.{name}": value for name, value in dialect.items()}
        self.touched = [False] * memory

    def program(self) -> Case:
        for _ in range(_STEPS):
            if self.computer.halted:
                break
            self._choose_instruction(self.computer.pc)
            step = self.computer.step()
            for access in (*step.reads, *step.writes):
                self.touched[access.address] = True
        return Case(Image("subleq", self.width, tuple(self.words), self.symbols), self.data)

    def _choose_instruction(self, pc: int) -> None:
        order = self.computer.order
        places = [(pc + k) % self.memory for k in (order, 1 - order, 2)]
        for place, word in zip(places, self._operands(pc), strict=False):
            self._put(place, word)
        self._put(places[2], self._target(pc))
        for place in places:
            self.touched[place] = True
        a, b = (self.computer.memory[place] for place in places[:2])
        if self.ones not in (a, b):
            change = self.rng.choice((0, 0, 1, -1, self.half, self._value()))
            self._put(b % self.memory, self.computer.memory[a % self.memory] + change & self.ones)

    def _put(self, address: int, word: int) -> None:
        """Choose a word, unless something has touched it already."""
        if not self.touched[address]:
            self.words[address] = self.computer.memory[address] = word

    def _value(self) -> int:
        corners = (0, 1, 2, self.ones, self.half, self.half - 1, self.half + 1)
        return self.rng.choice(corners) if self.rng.random() < 0.5 else self._any()

    def _any(self) -> int:
        return self.rng.randrange(self.ones + 1)

    def _operands(self, pc: int) -> tuple[int, int]:
        kind = self.rng.random()
        if kind < 0.06:
            return self.ones, self._address(pc)
        if kind < 0.12:
            return self._address(pc), self.ones
        if kind < 0.13:
            return self.ones, self.ones
        a = self._address(pc)
        return a, self._beyond(a % self.memory) if kind < 0.28 else self._address(pc)

    def _address(self, pc: int) -> int:
        kind = self.rng.random()
        if kind < 0.2:
            address = (pc + self.rng.randrange(-3, 8)) % self.memory
        elif kind < 0.4:
            address = self.rng.choice((0, 1, self.memory - 2, self.memory - 1))
        else:
            address = self.rng.randrange(self.memory)
        return self._beyond(address)

    def _beyond(self, address: int) -> int:
        """An operand that names an address, now and then with bits above it."""
        word = address
        if self.rng.random() < 0.2:
            word += self.rng.randrange((self.ones + 1) // self.memory) * self.memory
        return word if word != self.ones else address & ~1

    def _target(self, pc: int) -> int:
        kind = self.rng.random()
        if kind < 0.25:
            return pc + 3 & self.ones
        if kind < 0.8:
            return self._above(self._fresh())
        if kind < 0.87:
            return self._above(self.memory - self.rng.randrange(1, 4))
        if kind < 0.88:
            return pc
        if kind < 0.95:
            return self._above(self.rng.randrange(self.memory))
        if kind < 0.965:
            return self.half - self.rng.randrange(1, 4)
        if kind < 0.985:
            return self.rng.choice((self.half, self.ones, self._any() | self.half))
        return self._any()

    def _fresh(self) -> int:
        """A place that nothing has touched, if the search finds one soon."""
        for _ in range(8):
            place = self.rng.randrange(min(self.memory, self.half))
            if not any(self.touched[(place + k) % self.memory] for k in range(3)):
                break
        return place

    def _above(self, place: int) -> int:
        """A program counter for a place, now and then beyond memory, never negative."""
        if self.rng.random() < 0.2:
            place += self.rng.randrange(max(1, self.half // self.memory)) * self.memory
        return place & self.half - 1
