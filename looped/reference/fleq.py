"""The FLEQ interpreter: mem[c] = f(mem[a], mem[b]); if mem[flag] ≤ 0 goto p, in plain integers.

Words are fixed-point numbers of `width` bits, `fraction` of them after the point. The instruction
at the program counter is six words: op, a, b, c, flag, p. The fields of op, from bit 0 on:
function 5 bits, row and column selectors of a (2, 2) and of b (2, 2), rows 4, cols 4, inner 4,
judge 1. Of rows, cols and inner, each minus one, log2(side) bits count. An address is the low bits
of a word. The functions: mul 1, relu 2, sigmoid 8, sin 9, add 16, sub 17, copy 18, print 19,
div 24, sqrt 25, exp 26, rem 27; mul, add, sub, div and rem have two operands.

- Element (i, j) of the result is f(x, y), x from a + row · side + column, where both indices are
  0, i, j or k as the selectors 0 to 3 say, and y likewise from b. It is stored at c + i · side + j.
  The product is a sum over k from 0 to inner - 1; for every other function k is inner - 1.
- The machine has `workers`, a power of two up to side². Element (i, j) is number i · side + j of
  all side² places; each group of `workers` places with consecutive numbers is computed at once:
  all reads of a group come before its writes. Groups follow each other in the order of numbers;
  those without an element are left out. So `a` may overlap `c`: a group sees what earlier groups
  stored. Each group fetches the instruction again.
- After the last group, and only if its judge bit was set, flag and p are fetched and mem[flag]
  is read: if it is zero or negative, p is the next program counter, else the following
  instruction is.
- The program counter has one bit more than an address. With that bit set the machine has halted.
- Any other function traps: the program counter stays, and the group reads and writes nothing.

Every result saturates. Sums of products are exact and rounded once, half up. Division truncates; by
zero it gives the largest word of the dividend's sign (of zero: the positive one). The remainder has
the sign of the dividend; by zero it is the dividend. The root is that of max(x, 0), rounded down.
Sigmoid, sine and exponential are those of looped/reference/fleq_tables.py. `print` stores nothing:
it prints its elements, a space after each one but a line end after the last of a row.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from looped.reference.fleq_tables import exp_table, sigmoid_table, sin_table
from looped.reference.fleq_text import decimal_text
from looped.reference.reference import Reference
from looped.trace import Access, Printed, Step

__all__ = ["Fleq"]

_ILLEGAL = 2
"""The cause of the trap, as RISC-V numbers it."""

_MUL, _PRINT = 1, 19
_ONE = frozenset({2, 8, 9, 18, 19, 25, 26})
_TWO = frozenset({1, 16, 17, 24, 27})


@dataclass(frozen=True, slots=True)
class _Operation:
    """An op word taken apart; `last` is the largest k.

    `x` and `y` say by how many words an operand's address moves with i, with j and with k.
    """

    function: int
    x: tuple[int, int, int]
    y: tuple[int, int, int]
    rows: int
    cols: int
    last: int
    judge: bool


class Fleq(Reference):
    """A FLEQ machine with `memory` words (a power of two, at least side²) of `width` bits.

    `words` are loaded at address 0, the rest of the memory is zero. It has no input: `data` is what
    every reference takes. `side` is 2, 4, 8 or 16.
    """

    def __init__(
        self,
        words: Sequence[int],
        width: int,
        memory: int,
        data: bytes = b"",
        entry: int = 0,
        *,
        fraction: int = 16,
        side: int = 8,
        workers: int = 1,
    ) -> None:
        super().__init__(words, width, memory, data, entry)
        self.fraction = fraction
        self.side = side
        self.workers = workers
        self.trap = 0
        self.cause = 0
        self.output = bytearray()
        self._printed: dict[int, Printed] = {}
        self._functions = _functions(width, fraction)
        self._operations: dict[int, _Operation] = {}

    @property
    def halted(self) -> bool:
        """Whether the program counter has left the memory, or the machine has trapped."""
        return self.pc >= len(self.memory) or self.trap == 1

    def cpu_words(self) -> Mapping[str, int]:
        """The program counter, whether the machine has halted, the trap and its cause."""
        halted = int(self.halted)
        return {"pc": self.pc, "halted": halted, "trap": self.trap, "cause": self.cause}

    def printed(self) -> Sequence[Printed | None]:
        """What each worker has printed in the last loop: nothing if that has judged a branch."""
        workers = max(self._printed, default=-1) + 1
        return [self._printed.get(worker) for worker in range(workers)]

    def step(self) -> Step:
        """Execute one instruction. Must not be called on a halted machine."""
        pc = self.pc
        self._reads: list[Access] = []
        self._writes: list[Access] = []
        self._text = bytearray()
        operation = self._elements()
        if operation is None:
            self.trap, self.cause = 1, _ILLEGAL
        else:
            self.pc = (pc + 6) % (2 * len(self.memory))
            if operation.judge:
                self._printed = {}
                if self._read(self._fetch(pc + 4)) <= 0:
                    self.pc = self._fetch(pc + 5) % (2 * len(self.memory))
        self.output += self._text
        return Step(
            pc,
            self.pc,
            tuple(self._reads),
            tuple(self._writes),
            cause=self.cause if self.trap else None,
            written=bytes(self._text),
        )

    def _elements(self) -> _Operation | None:
        """Compute group after group; the operation of the last one, None for a trap."""
        row = column = 0
        while True:
            self._printed = {}
            operation = self._operation(self._fetch(self.pc))
            if operation is None:
                return None
            a, b, c = (self._fetch(self.pc + n) for n in (1, 2, 3))
            group = self._group(operation, row, column)
            results = [self._element(operation, a, b, i, j) for i, j in group]
            if operation.function == _PRINT:
                first = row * self.side + column
                for (i, j), word in zip(group, results, strict=True):
                    self._print(i * self.side + j - first, word, j == operation.cols - 1)
            else:
                for (i, j), word in zip(group, results, strict=True):
                    self._write(c + i * self.side + j, word)
            if self.workers < self.side and column + self.workers < operation.cols:
                column += self.workers
                continue
            row, column = row + max(1, self.workers // self.side), 0
            if row >= operation.rows:
                return operation

    def _group(self, operation: _Operation, row: int, column: int) -> list[tuple[int, int]]:
        """The elements of the group whose first place is (row, column).

        There are none if the instruction has become smaller since the last group.
        """
        columns = range(operation.cols)
        if self.workers < self.side:
            columns = range(column, min(column + self.workers, operation.cols))
        rows = range(row, min(row + max(1, self.workers // self.side), operation.rows))
        return [(i, j) for i in rows for j in columns]

    def _element(self, operation: _Operation, a: int, b: int, i: int, j: int) -> int:
        """One element of the result, as a signed word."""
        x_i, x_j, x_k = operation.x
        y_i, y_j, y_k = operation.y
        at_x, at_y = a + i * x_i + j * x_j, b + i * y_i + j * y_j
        if operation.function == _MUL:
            total = 0
            for k in range(operation.last + 1):
                total += self._read(at_x + k * x_k) * self._read(at_y + k * y_k)
            return self._saturated(total + (1 << self.fraction - 1) >> self.fraction)
        x = self._read(at_x + operation.last * x_k)
        y = self._read(at_y + operation.last * y_k) if operation.function in _TWO else 0
        return self._saturated(self._functions[operation.function](x, y))

    def _operation(self, word: int) -> _Operation | None:
        """What an op word says, None for an unknown function."""
        found = self._operations.get(word)
        if found is None and word & 31 in _ONE | _TWO:
            size = self.side - 1
            found = self._operations[word] = _Operation(
                word & 31,
                self._strides(word >> 5 & 3, word >> 7 & 3),
                self._strides(word >> 9 & 3, word >> 11 & 3),
                (word >> 13 & size) + 1,
                (word >> 17 & size) + 1,
                word >> 21 & size,
                word >> 25 & 1 == 1,
            )
        return found

    def _strides(self, row: int, column: int) -> tuple[int, int, int]:
        """How an address moves with i (selector 1), j (2) and k (3)."""
        i, j, k = (self.side * (row == n) + (column == n) for n in (1, 2, 3))
        return i, j, k

    def _fetch(self, address: int) -> int:
        """A word of the instruction, unsigned; fetches are not reads."""
        return self.memory[address % len(self.memory)]

    def _read(self, address: int) -> int:
        """A signed word of data."""
        place = address % len(self.memory)
        word = self.memory[place]
        self._reads.append(Access(place, word))
        return word - (1 << self.width) if word >> self.width - 1 else word

    def _write(self, address: int, number: int) -> None:
        place, word = address % len(self.memory), number % (1 << self.width)
        self.memory[place] = word
        self._writes.append(Access(place, word))

    def _print(self, worker: int, number: int, ends_row: bool) -> None:
        self._printed[worker] = Printed(number % (1 << self.width), ends_row)
        self._text += decimal_text(number, self.fraction).encode()
        self._text += b"\n" if ends_row else b" "

    def _saturated(self, number: int) -> int:
        half = 1 << self.width - 1
        return max(-half, min(half - 1, number))


def _functions(width: int, fraction: int) -> dict[int, Callable[[int, int], int]]:
    """Every function but the product, of signed words; what it gives may exceed a word."""
    sigmoid, sine, exponential = (
        table(width, fraction) for table in (sigmoid_table, sin_table, exp_table)
    )
    return {
        2: lambda x, y: max(x, 0),
        8: lambda x, y: sigmoid(x),
        9: lambda x, y: sine(x),
        16: lambda x, y: x + y,
        17: lambda x, y: x - y,
        18: lambda x, y: x,
        19: lambda x, y: x,  # print
        24: lambda x, y: _quotient(x, y, width, fraction),
        25: lambda x, y: math.isqrt(max(x, 0) << fraction),
        26: lambda x, y: exponential(x),
        27: _remainder,
    }


def _quotient(x: int, y: int, width: int, fraction: int) -> int:
    if y == 0:
        return -(1 << width) if x < 0 else 1 << width
    magnitude = (abs(x) << fraction) // abs(y)
    return -magnitude if (x < 0) != (y < 0) else magnitude


def _remainder(x: int, y: int) -> int:
    if y == 0:
        return x
    magnitude = abs(x) % abs(y)
    return -magnitude if x < 0 else magnitude
