"""A fixed-point word as decimal text: as short as one that reads back as the same word can be."""

from __future__ import annotations

__all__ = ["decimal_text"]


def decimal_text(number: int, fraction: int) -> str:
    """The value number / 2^fraction with the fewest decimals that tell it from its neighbours.

    The value is rounded half up to no decimals, one, two and so on, until the text, rounded half
    up to `fraction` bits, is the number again.
    """
    decimals, scale = 0, 1
    while True:
        rounded = ((number * scale << 1) + (1 << fraction)) >> fraction + 1
        if ((rounded << fraction + 1) + scale) // (2 * scale) == number:
            return _placed(rounded, decimals)
        decimals, scale = decimals + 1, scale * 10


def _placed(number: int, decimals: int) -> str:
    """A whole number of units of the last decimal, as text."""
    digits = str(abs(number)).rjust(decimals + 1, "0")
    point = len(digits) - decimals
    sign = "-" if number < 0 else ""
    return sign + digits[:point] + ("." + digits[point:] if decimals else "")
