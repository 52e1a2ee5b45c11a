"""Directives for data: what bytes they lay out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from looped.errors import LoopedError
from looped.lang.gnu.items import Item, span_of, texts_of
from looped.lang.gnu.nodes import Missing, Operand

__all__ = [
    "ALIGNING",
    "FILLING",
    "LEB128",
    "NUMBERS",
    "TEXTS",
    "Alignment",
    "Valuer",
    "alignment",
    "fill",
    "leb128",
    "numbers",
    "repeated",
    "texts",
]

Valuer = Callable[[Operand, int], int]
"""The value of an operand in which `.` is an address."""

NUMBERS = {
    ".byte": 1, ".2byte": 2, ".half": 2, ".short": 2, ".hword": 2,
    ".4byte": 4, ".word": 4, ".long": 4, ".int": 4,
    ".8byte": 8, ".dword": 8, ".quad": 8,
}  # fmt: skip
"""Directives for numbers → bytes of each, the lowest first."""

TEXTS = {".ascii": b"", ".asciz": b"\0", ".string": b"\0", ".string8": b"\0"}
"""Directives for texts → what follows each text."""

FILLING = (".space", ".skip", ".zero", ".fill")
"""Directives for a number of bytes, all the same, or of numbers."""

ALIGNING = {
    ".align": 0, ".p2align": 0, ".balign": 0,
    ".p2alignw": 2, ".balignw": 2, ".p2alignl": 4, ".balignl": 4,
}  # fmt: skip
"""Directives that continue at a multiple of a power of two → the size of their fill value in bytes.
`.balign` and its like take the number, the others its exponent."""

LEB128 = (".uleb128", ".sleb128")
"""Directives for numbers of as many bytes as they need, seven bits in each."""

_LARGEST_ALIGNMENT = 1 << 16
_MOST_BYTES = 1 << 22


def numbers(item: Item, value: Valuer) -> bytes:
    """The bytes of `.word` and its like. Raises LoopedError."""
    width, here = NUMBERS[item.kind], item.anchor.address
    return b"".join(
        _number(operand, value(operand, here + i * width), width)
        for i, operand in enumerate(item.operands)
    )


def texts(item: Item) -> bytes:
    """The bytes of `.ascii` and its like. Raises LoopedError."""
    return b"".join(text + TEXTS[item.kind] for text in texts_of(item))


def leb128(item: Item, value: Valuer) -> bytes:
    """The bytes of `.uleb128` and `.sleb128`. Raises LoopedError."""
    signed = item.kind == ".sleb128"
    content = bytearray()
    for operand in item.operands:
        number = value(operand, item.anchor.address + len(content))
        if not signed:
            number &= (1 << 64) - 1
        while True:
            rest = number >> 7
            done = rest == (-(number >> 6 & 1) if signed else 0)
            content.append(number & 0x7F | (0 if done else 0x80))
            number = rest
            if done:
                break
    return bytes(content)


def fill(item: Item, value: Valuer) -> tuple[int, bytes]:
    """The repetitions and the bytes of `.space` and its like. Raises LoopedError."""
    most = 3 if item.kind == ".fill" else 2
    if not 1 <= len(item.operands) <= most:
        example = f"{item.kind} 64"
        raise LoopedError(f"{item.kind} needs a number of bytes", item.span, example)
    here = item.anchor.address
    count, *others = (value(operand, here) for operand in item.operands)
    if count < 0:
        raise LoopedError(f"{item.kind} {count} is negative", span_of(item.operands[0]))
    if item.kind != ".fill":
        byte = _number(item.operands[1], others[0], 1) if others else b"\0"
        size, content = 1, byte
    else:
        size = others[0] if others else 1
        if not 0 <= size <= 8:
            span = span_of(item.operands[1])
            raise LoopedError(
                f"a number cannot have {size} bytes", span, ".fill REPEAT, SIZE, VALUE: 0 to 8"
            )
        pattern = others[1] if len(others) > 1 else 0
        content = (pattern & 0xFFFFFFFF).to_bytes(8, "little")[:size]
    if count * size > _MOST_BYTES:
        message = f"the program is longer than {_MOST_BYTES:,} bytes"
        raise LoopedError(message, item.span)
    return count, content


@dataclass(frozen=True, slots=True)
class Alignment:
    """A multiple, the fill value if given, and the most bytes to skip."""

    multiple: int
    pattern: bytes | None
    most: int

    def gap(self, address: int) -> int:
        """The bytes up to the next place."""
        gap = -address % self.multiple
        return gap if gap <= self.most else 0


def alignment(item: Item, value: Valuer) -> Alignment:
    """The operands of an alignment directive. Raises LoopedError."""
    operands, here = item.operands, item.anchor.address
    if not 1 <= len(operands) <= 3 or isinstance(operands[0], Missing):
        raise LoopedError(f"{item.kind} needs one number", item.span, f"{item.kind} 2")
    number, span = value(operands[0], here), span_of(operands[0])
    power = not item.kind.startswith(".balign")
    if power and not 0 <= number <= 16:
        hint = "it is the exponent of a power of two, 0 to 16"
        raise LoopedError(f"{item.kind} {number} is too large", span, hint)
    if not power and (not 0 <= number <= _LARGEST_ALIGNMENT or number & (number - 1)):
        hint = f"1, 2, 4, … {_LARGEST_ALIGNMENT}"
        raise LoopedError(f"{item.kind} {number} is not a power of two", span, hint)
    multiple = 1 << number if power else max(1, number)
    pattern, most = None, multiple
    if len(operands) > 1 and not isinstance(operands[1], Missing):
        pattern = _number(operands[1], value(operands[1], here), ALIGNING[item.kind] or 1)
    if len(operands) > 2 and not isinstance(operands[2], Missing):
        most = value(operands[2], here) or multiple
    return Alignment(multiple, pattern, most)


def repeated(item: Item, pattern: bytes, gap: int) -> bytes:
    """A gap filled with a pattern. Raises LoopedError if the pattern does not fit evenly."""
    if gap % len(pattern):
        message = f"a gap of {gap} bytes is not a multiple of {len(pattern)}"
        raise LoopedError(message, item.span)
    return pattern * (gap // len(pattern))


def _number(operand: Operand, value: int, width: int) -> bytes:
    lowest, highest = -(1 << (8 * width - 1)), (1 << 8 * width) - 1
    if not lowest <= value <= highest:
        message = f"{value} does not fit {8 * width} bits"
        raise LoopedError(message, span_of(operand), f"{lowest} to {highest}")
    return (value & highest).to_bytes(width, "little")
