"""FLEQ in float64: NumPy executes the same instructions, without words."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt

from looped.image import Image
from looped.isa.fleq import FUNCTIONS, WORDS, Operation, Selector, decode

__all__ = ["Float64", "place_of"]

Floats = npt.NDArray[np.float64]

_BYTES = 8


def _sigmoid(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-x))


_ONE: dict[str, Callable[[Floats], Floats]] = {
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": _sigmoid,
    "sin": np.sin,
    "exp": np.exp,
    "sqrt": lambda x: np.sqrt(np.maximum(x, 0)),
    "copy": lambda x: x,
}
_TWO: dict[str, Callable[[Floats, Floats], Floats]] = {
    "mul": np.multiply,
    "add": np.add,
    "sub": np.subtract,
    "div": np.divide,
    "rem": np.fmod,
}


class Float64:
    """A program whose words are float64: nothing is rounded to a word, and nothing saturates.

    Matrices must not wrap around the end of memory, and results must not overlap operands: both
    hold for what the assembler makes. It prints nothing. A fixed-point word is a float64 exactly,
    so instructions, which are data, are what they are in words.
    """

    def __init__(self, image: Image, memory: int) -> None:
        self.image = image
        self.side = image.symbols["fleq.side"]
        self.scale = 1 << image.symbols["fleq.fraction"]
        self.mask = (1 << image.width) - 1
        words = np.zeros(memory)
        words[: len(image.words)] = image.words
        words[words > self.mask >> 1] -= self.mask + 1
        self.numbers = words / self.scale
        self.pc = image.entry
        self.steps = 0

    @property
    def halted(self) -> bool:
        """Whether the program counter has left the memory."""
        return self.pc >= len(self.numbers)

    def run_to(self, place: int) -> bool:
        """Execute instructions until the next one is at `place`; False if the program halts."""
        self.step()
        while self.pc != place and not self.halted:
            self.step()
        return not self.halted

    def step(self) -> None:
        """Execute one instruction. Raises ValueError for a word that is none."""
        words = [int(n) for n in self.numbers[self.pc : self.pc + len(WORDS)] * self.scale]
        operation = _decoded(words[0] & self.mask)
        if FUNCTIONS[operation.function].stores:
            result = self._result(operation, words[1], words[2])
            self._view(words[3], operation.rows, operation.cols, self.side, 1)[...] = result
        self.pc += len(WORDS)
        self.steps += 1
        if operation.judge and self.numbers[words[4] % len(self.numbers)] <= 0:
            self.pc = words[5] % (2 * len(self.numbers))

    def matrix(self, name: str) -> Floats:
        """A matrix of the program as it stands in memory."""
        start, rows, cols = place_of(self.image, name)
        return self._view(start, rows, cols, self.side, 1).copy()

    def _result(self, o: Operation, a: int, b: int) -> Floats:
        (a_i, a_j, a_k), (b_i, b_j, b_k) = self._strides(o.a), self._strides(o.b)
        if o.function == "mul" and o.inner > 1:
            if a_j or b_i:
                raise ValueError("an element of a sum of products that is no matrix product")
            x = self._view(a, o.rows, o.inner, a_i, a_k)
            return x @ self._view(b, o.inner, o.cols, b_k, b_j)
        last = o.inner - 1
        x = self._view(a + last * a_k, o.rows, o.cols, a_i, a_j)
        if o.function in _ONE:
            return _ONE[o.function](x)
        return _TWO[o.function](x, self._view(b + last * b_k, o.rows, o.cols, b_i, b_j))

    def _strides(self, selectors: tuple[Selector, Selector]) -> tuple[int, int, int]:
        """By how many numbers an operand moves with i, j and k."""
        row, col = selectors
        i, j, k = (
            self.side * (row is index) + (col is index)
            for index in (Selector.I, Selector.J, Selector.K)
        )
        return i, j, k

    def _view(self, address: int, rows: int, cols: int, down: int, right: int) -> Floats:
        strides, start = (_BYTES * down, _BYTES * right), _BYTES * (address % len(self.numbers))
        return np.ndarray((rows, cols), np.float64, self.numbers, start, strides)


def place_of(image: Image, name: str) -> tuple[int, int, int]:
    """The address of a matrix, and its rows and columns."""
    symbols = image.symbols
    return symbols[name], symbols[f"{name}.rows"], symbols[f"{name}.cols"]


@cache
def _decoded(word: int) -> Operation:
    operation = decode(word)
    if operation is None:
        raise ValueError(f"no instruction: {word:#x}")
    return operation
