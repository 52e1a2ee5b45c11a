"""What is known of the bits of values: a bit is known to be zero, to be one, or is not known.

The rules for sums are those of LLVM's `KnownBits::computeForAddCarry`.
"""

from __future__ import annotations

from typing import NamedTuple

from looped.engines.lifted.code import MASK

__all__ = ["Bits", "after", "exactly", "up_to"]


class Bits(NamedTuple):
    """The bits of a word that are known to be zero, and those that are known to be one."""

    zero: int
    one: int

    @property
    def number(self) -> int | None:
        """The word, None if not all of its bits are known."""
        return self.one if self.zero | self.one == MASK else None

    @property
    def most(self) -> int:
        """The largest number that the word may be, and the bits that may be one."""
        return ~self.zero & MASK


def exactly(number: int) -> Bits:
    """All bits known."""
    return Bits(~number & MASK, number)


def up_to(most: int) -> Bits:
    """A number that is not larger than `most`."""
    return Bits(~((1 << most.bit_length()) - 1) & MASK, 0)


_UNKNOWN = Bits(0, 0)


def after(operation: str, operands: list[Bits]) -> Bits:
    """What an operation on values leaves, from what is known of these."""
    match operation, operands:
        case "and", [a, b]:
            return Bits(a.zero | b.zero, a.one & b.one)
        case "or", [a, b]:
            return Bits(a.zero & b.zero, a.one | b.one)
        case "xor", [a, b]:
            differ = (a.zero & b.one) | (a.one & b.zero)
            return Bits((a.zero & b.zero) | (a.one & b.one), differ)
        case "add", [a, b]:
            return _sum(a, b, 0)
        case "sub", [a, b]:
            return _sum(a, Bits(b.one, b.zero), 1)
        case "mul", [a, b]:
            return _product(a, b)
        case "shl" | "shr", [a, b]:
            return _shifted(operation, a, b.number)
        case "select", [c, a, b]:
            return a if c.one else b if not c.most else Bits(a.zero & b.zero, a.one & b.one)
        case "equal" | "less" | "negative", _:
            return _truth(operation, operands)
    assert operation == "ones", operation
    (a,) = operands
    found = a.number
    return up_to(a.most.bit_count()) if found is None else exactly(found.bit_count())


def _sum(a: Bits, b: Bits, carry: int) -> Bits:
    most, least = (a.most + b.most + carry) & MASK, (a.one + b.one + carry) & MASK
    carries = (~(most ^ a.zero ^ b.zero) | (least ^ a.one ^ b.one)) & MASK
    known = (a.zero | a.one) & (b.zero | b.one) & carries
    return Bits(~most & known, least & known)


def _product(a: Bits, b: Bits) -> Bits:
    if a.number is not None and b.number is not None:
        return exactly(a.number * b.number & MASK)
    most = a.most * b.most
    ends = sum((x & -x).bit_length() - 1 for x in (a.most, b.most) if x)
    low = (1 << min(ends, 64)) - 1
    return Bits((up_to(most).zero if most <= MASK else 0) | low, 0)


def _shifted(operation: str, a: Bits, by: int | None) -> Bits:
    if by is None:
        return up_to(a.most) if operation == "shr" else _UNKNOWN
    assert by < 64, by
    if operation == "shl":
        return Bits((a.zero << by | (1 << by) - 1) & MASK, a.one << by & MASK)
    return Bits(a.zero >> by | ~(MASK >> by) & MASK, a.one >> by)


def _truth(operation: str, operands: list[Bits]) -> Bits:
    """What is known of 0 or 1."""
    a = operands[0]
    if operation == "negative":
        return Bits(MASK - 1 | a.zero >> 63, a.one >> 63)
    b = operands[1]
    if operation == "equal":
        if (a.zero & b.one) | (a.one & b.zero):
            return exactly(0)
        return exactly(1) if a.number is not None and a == b else up_to(1)
    if a.most < b.one:
        return exactly(1)
    return exactly(0) if a.one >= b.most else up_to(1)
