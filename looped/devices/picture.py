"""Picture: a region of memory that is an image.

At a symbol of the program are three words, the width, the height and the bits of a pixel, and then
the pixels, row by row, from bit 0 of each word on. A row is a whole number of words, or a word is a
whole number of rows. So the pixels of a word are a rectangle, a *patch*, and the words of a picture
are what a convolution over patches makes of the image (`looped.nn.patches`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from looped.errors import CompileError
from looped.image import Image

__all__ = ["HEADER", "Levels", "Picture"]

Levels = npt.NDArray[np.int64]
"""Pixels (height, width), from 0 to 2^depth - 1."""

HEADER = 3
"""Words before the pixels."""

_DEPTHS = (1, 2, 4, 8)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of `width` × `height` pixels of `depth` bits in words of `bits` bits.

    `first` is the index of the first word of pixels, `name` the symbol before it.
    """

    name: str
    first: int
    width: int
    height: int
    depth: int
    bits: int

    @classmethod
    def of(cls, image: Image, name: str, memory: Sequence[int]) -> Picture:
        """The picture at a symbol of a program, in the words of memory. Raises CompileError."""
        if name not in image.symbols:
            raise CompileError(
                f"the program has no `{name}`",
                hint="a picture is the words width, height and bits of a pixel at that symbol, and "
                "then its pixels",
            )
        start = image.index(image.symbols[name])
        if start + HEADER > len(memory):
            raise CompileError(f"`{name}` is outside memory")
        width, height, depth = (int(word) for word in memory[start : start + HEADER])
        found = cls(name, start + HEADER, width, height, depth, image.width)
        found._check(len(memory))
        return found

    @property
    def patch(self) -> tuple[int, int]:
        """The rows and columns of pixels in a word."""
        pixels = self.bits // self.depth
        return max(1, pixels // self.width), min(pixels, self.width)

    @property
    def size(self) -> int:
        """The number of words."""
        return self.width * self.height * self.depth // self.bits

    def words(self, levels: Levels) -> list[int]:
        """The words of an image."""
        digits = levels.reshape(-1, 1) >> np.arange(self.depth) & 1  # (pixels, depth)
        lanes = digits.reshape(self.size, self.bits)
        return [int("".join(map(str, word[::-1])), 2) for word in lanes]

    def levels(self, memory: Sequence[int]) -> Levels:
        """The image in the words of memory."""
        words = [int(word) for word in memory[self.first : self.first + self.size]]
        digits = np.array([word >> bit & 1 for word in words for bit in range(self.bits)])
        pixels = digits.reshape(-1, self.depth) << np.arange(self.depth)
        levels: Levels = pixels.sum(1).reshape(self.height, self.width)
        return levels

    def _check(self, memory: int) -> None:
        """Raise CompileError for sizes that are impossible, or that exceed memory."""
        about = f"`{self.name}` is a picture of {self.width} × {self.height} pixels"
        if self.depth not in _DEPTHS:
            raise CompileError(
                f"{about} of {self.depth} bits", hint="a pixel has 1, 2, 4 or 8 bits"
            )
        row = self.width * self.depth
        if not row or not self.height or (row % self.bits and self.bits % row):
            raise CompileError(
                about,
                hint=f"a row is a whole number of words of {self.bits} bits, or a word of rows",
            )
        if row * self.height % self.bits:
            raise CompileError(about, hint=f"its pixels fill whole words of {self.bits} bits")
        if self.first + self.size > memory:
            raise CompileError(f"{about}, and memory ends before the last one")
