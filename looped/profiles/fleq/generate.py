"""Random FLEQ programs, written while they run.

The reference executes the program that is being written. Whenever it comes to an instruction whose
words nothing has touched yet, the generator chooses them, and often the operands of its first
element: every function, sizes from one element to the whole square, operands at the edges of memory
and on top of the result, and values at which a function saturates, divides by zero or takes the
root of a negative number. Branches lead to fresh places, so that few states come twice.
"""

from __future__ import annotations

import random

from looped.image import Image
from looped.isa.fleq import FUNCTIONS, LARGEST_SIDE, WORDS, Operation, Selector, decode, encode
from looped.profiles.case import Case
from looped.reference import Fleq

__all__ = ["generate"]

_STEPS = 64
"""The instructions that are chosen; then the program runs on whatever words it has made."""

_HIGH = 26
"""The first bit of the op word that has no meaning."""


def generate(
    rng: random.Random, width: int, memory: int, number: int, *, fraction: int, side: int
) -> Case:
    """A program for `memory` words; its symbols name the parameters that it needs."""
    return _Writer(rng, width, memory, fraction, side).program()


class _Writer:
    """A program under construction. `words` are its initial words, `computer` executes it."""

    def __init__(
        self, rng: random.Random, width: int, memory: int, fraction: int, side: int
    ) -> None:
        self.rng = rng
        self.width, self.memory = width, memory
        self.fraction, self.side = fraction, side
        self.words = [self._value() for _ in range(memory)]
        self.computer = Fleq(self.words, width, memory, fraction=fraction, side=side)
        self.touched = [False] * memory
        self.executed = [0]

    def program(self) -> Case:
        for _ in range(_STEPS):
            if self.computer.halted:
                break
            self._choose_instruction(self.computer.pc)
            self.executed.append(self.computer.pc)
            step = self.computer.step()
            for access in (*step.reads, *step.writes):
                self.touched[access.address] = True
        symbols = {"fleq.fraction": self.fraction, "fleq.side": self.side}
        return Case(Image("fleq", self.width, tuple(self.words), symbols))

    def _choose_instruction(self, pc: int) -> None:
        places = [(pc + k) % self.memory for k in range(len(WORDS))]
        a, c = self._address(), self._result()
        b = a if self.rng.random() < 0.2 else self._address()
        if self.rng.random() < 0.2:
            c = a + self.rng.choice((0, 0, 1, -1, self.side))
        chosen = (self._op(), a, b, c, self._address(), self._target(pc))
        for place, word in zip(places, chosen, strict=True):
            self._put(place, word % (1 << self.width))
        for place in places:
            self.touched[place] = True
        self._choose_operands(places)

    def _choose_operands(self, places: list[int]) -> None:
        """Choose what the first element is computed from, if nothing has touched it yet."""
        words = [self.computer.memory[place] for place in places]
        operation = decode(words[0])
        if operation is None:
            return
        x, y = self._corner(), self._corner()
        if FUNCTIONS[operation.function].arity == 2 and self.rng.random() < 0.3:
            y = self.rng.choice((x, -x, 0))
        self._put(words[1] % self.memory, x % (1 << self.width))
        self._put(words[2] % self.memory, y % (1 << self.width))

    def _put(self, address: int, word: int) -> None:
        """Choose a word, unless something has touched it already."""
        if not self.touched[address]:
            self.words[address] = self.computer.memory[address] = word

    def _op(self) -> int:
        if self.rng.random() < 0.01:
            return self.rng.getrandbits(self.width)
        function = self.rng.choice(list(FUNCTIONS))
        operands = [tuple(self.rng.choice(list(Selector)) for _ in range(2)) for _ in range(2)]
        if self.rng.random() < 0.2:
            operands = [(Selector.I, Selector.K), (Selector.K, Selector.J)]
        (a, b), (rows, cols, inner) = operands, (self._size() for _ in range(3))
        judge = self.rng.random() < 0.4
        operation = Operation(function, (a[0], a[1]), (b[0], b[1]), rows, cols, inner, judge)
        high = self.rng.getrandbits(self.width - _HIGH) if self.rng.random() < 0.2 else 0
        return encode(operation) | high << _HIGH

    def _size(self) -> int:
        """One, two, the side, or anything, now and then with bits that do not count."""
        kinds = (1, 1, 2, self.side, self.rng.randint(1, self.side), self.rng.randint(1, 16))
        return min(self.rng.choice(kinds), LARGEST_SIDE)

    def _address(self) -> int:
        kind = self.rng.random()
        if kind < 0.3:
            address = self.rng.choice((0, 1, self.memory - 2, self.memory - 1))
        else:
            address = self.rng.randrange(self.memory)
        if self.rng.random() < 0.2:
            address += self.rng.randrange((1 << self.width) // self.memory) * self.memory
        return address

    def _result(self) -> int:
        """Mostly in the upper half, where few instructions stand."""
        half = self.memory // 2
        return half + self.rng.randrange(half) if self.rng.random() < 0.85 else self._address()

    def _target(self, pc: int) -> int:
        kind = self.rng.random()
        if kind < 0.03:
            return self.rng.choice((-1, self.memory, self.rng.getrandbits(self.width)))
        if kind < 0.04:
            return pc
        if kind < 0.14:
            return self.rng.choice(self.executed)
        return self._fresh()

    def _fresh(self) -> int:
        """A place that nothing has touched, if the search finds one soon."""
        for _ in range(8):
            place = self.rng.randrange(self.memory // 2)
            if not any(self.touched[(place + k) % self.memory] for k in range(len(WORDS))):
                break
        return place

    def _corner(self) -> int:
        """A signed word at which some function is about to do something else."""
        one, half = 1 << self.fraction, 1 << self.width - 1
        corners = (0, 1, -1, one, -one, one // 2, half - 1, 1 - half, 16 * one, -16 * one)
        kind = self.rng.random()
        if kind < 0.1:
            return -half
        if kind < 0.5:
            return self.rng.choice(corners) + self.rng.choice((0, 0, 1, -1))
        return self._value()

    def _value(self) -> int:
        """All magnitudes and both signs."""
        magnitude = self.rng.getrandbits(self.rng.randint(1, self.width - 1))
        sign = self.rng.choice((1, -1))
        return sign * magnitude % (1 << self.width)
