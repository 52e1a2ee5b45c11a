"""The program that is timed: three instructions that walk through all of memory, for ever."""

from __future__ import annotations

__all__ = ["STRIDE", "walk"]

STRIDE = 16
"""Words from one place that is written to the next; the program itself lies below the first."""


def walk(width: int) -> tuple[int, ...]:
    """SUBLEQ words that take one from mem[14], mem[30], mem[46], … and begin again at the end.

    The second instruction changes the first one's operand, so every round modifies the program. (It
    never becomes -1, which would put out a byte.)
    """
    mask = (1 << width) - 1
    one, stride, zero, target = 9, 10, 11, STRIDE - 2
    program = (one, target, 3, stride, 1, 6, zero, zero, 0)
    data = (1, -STRIDE & mask, 0)
    return program + data
