"""Data directives of GNU as: what bytes they lay out."""

from __future__ import annotations

from looped.errors import LoopedError
from looped.lang.ast import Text
from looped.lang.expressions import Bound
from looped.lang.items import Item, text_of
from looped.lang.riscv.operands import Operands, span_of

__all__ = ["ALIGNING", "FILLING", "NUMBERS", "TEXTS", "alignment", "fill", "numbers", "texts"]

NUMBERS = {
    ".byte": 1, ".2byte": 2, ".half": 2, ".short": 2, ".hword": 2,
    ".4byte": 4, ".word": 4, ".long": 4, ".int": 4,
    ".8byte": 8, ".dword": 8, ".quad": 8,
}  # fmt: skip
"""Directives for numbers → bytes of each, the lowest first."""

TEXTS = {".ascii": b"", ".asciz": b"\0", ".string": b"\0"}
"""Directives for texts → what follows each text."""

FILLING = (".space", ".skip", ".zero")
"""Directives for a number of bytes, all the same."""

ALIGNING = (".align", ".p2align", ".balign")
"""Directives that go on at a multiple of a power of two; the first two are given its exponent."""

_LARGEST_ALIGNMENT = 1 << 16


def numbers(item: Item, operands: Operands) -> bytes:
    """The bytes of `.word` and its like. Raises LoopedError."""
    width = NUMBERS[item.kind]
    return b"".join(_number(argument, operands, width) for argument in item.arguments)


def texts(item: Item) -> bytes:
    """The bytes of `.ascii` and its like. Raises LoopedError."""
    return b"".join(text + TEXTS[item.kind] for text in text_of(item))


def fill(item: Item, operands: Operands) -> tuple[int, bytes]:
    """How many bytes `.space` and its like lay out, and which. Raises LoopedError."""
    if not 1 <= len(item.arguments) <= 2:
        raise LoopedError(f"{item.kind} needs a number of bytes", item.span, f"{item.kind} 64")
    count = operands.number(item.arguments[0])
    if count < 0:
        raise LoopedError(f"{item.kind} {count} is negative", span_of(item.arguments[0]))
    return count, _number(item.arguments[1], operands, 1) if len(item.arguments) == 2 else b"\0"


def alignment(item: Item, operands: Operands) -> int:
    """The number that the next address is to be a multiple of. Raises LoopedError."""
    if len(item.arguments) != 1:
        raise LoopedError(f"{item.kind} needs one number", item.span, f"{item.kind} 2")
    number = operands.number(item.arguments[0])
    power = item.kind != ".balign"
    if power and not 0 <= number <= 16:
        hint = "it is the exponent of a power of two, 0 to 16"
        raise LoopedError(f"{item.kind} {number} is too much", span_of(item.arguments[0]), hint)
    if not power and (not 1 <= number <= _LARGEST_ALIGNMENT or number & (number - 1)):
        hint = f"1, 2, 4, … {_LARGEST_ALIGNMENT}"
        message = f".balign {number} is no power of two"
        raise LoopedError(message, span_of(item.arguments[0]), hint)
    return 1 << number if power else number


def _number(argument: Bound | Text, operands: Operands, width: int) -> bytes:
    value = operands.number(argument)
    lowest, highest = -(1 << (8 * width - 1)), (1 << 8 * width) - 1
    if not lowest <= value <= highest:
        message = f"{value} does not fit {8 * width} bits"
        raise LoopedError(message, span_of(argument), f"{lowest} to {highest}")
    return (value & highest).to_bytes(width, "little")
