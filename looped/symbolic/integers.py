"""Unknown integers, for plain Python code to compute with.

An Integer stands for any of many integers. It is a signed bit-vector with enough bits that nothing
overflows: a sum has one bit more than its operands. So its arithmetic equals that of Python's
integers. Where code branches on it (`if`, `match`, `int`, a shift of a constant by it), the path
forks: see `paths`.
"""

from __future__ import annotations

import z3

from looped.errors import ProofError
from looped.symbolic.paths import Paths

__all__ = ["Integer", "Truth", "as_term", "same"]

_LARGEST_SHIFT = 64
"""The most places by which one unknown integer may shift another."""


class Truth:
    """An unknown condition: a branch on it forks the path."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, term: z3.BoolRef, paths: Paths) -> None:
        self.term = term
        self._paths = paths

    def __bool__(self) -> bool:
        return self._paths.decide(self.term)

    def __int__(self) -> int:
        return int(bool(self))

    def __eq__(self, other: object) -> bool:
        return bool(self) == other

    def __ne__(self, other: object) -> bool:
        return bool(self) != other


class Integer:
    """An unknown integer: a signed bit-vector, wide enough for every value that it may have."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, term: z3.BitVecRef, paths: Paths) -> None:
        self.term = term
        self._paths = paths

    @classmethod
    def unsigned(cls, word: z3.BitVecRef, paths: Paths) -> Integer:
        """A word as an unsigned number."""
        return cls(z3.ZeroExt(1, word), paths)

    @property
    def bits(self) -> int:
        """The width of the bit-vector; the uppermost bit is the sign."""
        return int(self.term.size())

    def __bool__(self) -> bool:
        return self._paths.decide(self.term != 0)

    def __add__(self, other: int | Integer) -> Integer:
        a, b = _aligned(self.term, as_term(other), 1)
        return self._of(a + b)

    def __sub__(self, other: int | Integer) -> Integer:
        a, b = _aligned(self.term, as_term(other), 1)
        return self._of(a - b)

    def __rsub__(self, other: int) -> Integer:
        a, b = _aligned(as_term(other), self.term, 1)
        return self._of(a - b)

    def __mul__(self, other: int | Integer) -> Integer:
        if isinstance(other, int) and other > 0 and not other & other - 1:
            return self << other.bit_length() - 1
        a, b = self.term, as_term(other)
        width = a.size() + b.size()
        return self._of(_extended(a, width) * _extended(b, width))

    def __and__(self, other: int | Integer) -> Integer:
        a, b = _aligned(self.term, as_term(other))
        if isinstance(other, int) and other >= 0:
            kept = max(1, other.bit_length())
            return self._of(z3.ZeroExt(1, z3.Extract(kept - 1, 0, a & b)))
        return self._of(a & b)

    def __or__(self, other: int | Integer) -> Integer:
        a, b = _aligned(self.term, as_term(other))
        return self._of(a | b)

    def __xor__(self, other: int | Integer) -> Integer:
        a, b = _aligned(self.term, as_term(other))
        return self._of(a ^ b)

    __radd__, __rmul__, __rand__, __ror__, __rxor__ = __add__, __mul__, __and__, __or__, __xor__

    def __neg__(self) -> Integer:
        return 0 - self

    def __abs__(self) -> Integer:
        return -self if self < 0 else self

    def __mod__(self, other: int) -> Integer:
        if other <= 0 or other & other - 1:
            raise ProofError(f"the remainder of an unknown integer by {other}")
        return self & other - 1

    def __lshift__(self, other: int | Integer) -> Integer:
        if isinstance(other, int):
            return self._of(z3.Concat(self.term, z3.BitVecVal(0, other))) if other else self
        most = (1 << other.bits - 1) - 1
        if most > _LARGEST_SHIFT or other < 0:
            raise ProofError("a shift of an unknown integer by many places, or by none")
        width = self.bits + most
        return self._of(_extended(self.term, width) << _extended(other.term, width))

    def __rlshift__(self, other: int) -> int:
        return other << self._found()

    def __rshift__(self, other: int | Integer) -> Integer:
        if isinstance(other, int):
            return self._of(z3.Extract(self.bits - 1, min(other, self.bits - 1), self.term))
        if other < 0:
            raise ValueError("negative shift count")
        a, b = _aligned(self.term, other.term)
        return self._of(a >> b)

    def __rrshift__(self, other: int) -> int:
        return other >> self._found()

    def __eq__(self, other: object) -> Truth:  # type: ignore[override]
        return self._truth(*_aligned(self.term, as_term(other)), "==")

    def __ne__(self, other: object) -> Truth:  # type: ignore[override]
        return self._truth(*_aligned(self.term, as_term(other)), "!=")

    def __lt__(self, other: int | Integer) -> Truth:
        return self._truth(*_aligned(self.term, as_term(other)), "<")

    def __le__(self, other: int | Integer) -> Truth:
        return self._truth(*_aligned(self.term, as_term(other)), "<=")

    def __gt__(self, other: int | Integer) -> Truth:
        return self._truth(*_aligned(as_term(other), self.term), "<")

    def __ge__(self, other: int | Integer) -> Truth:
        return self._truth(*_aligned(as_term(other), self.term), "<=")

    def _truth(self, a: z3.BitVecRef, b: z3.BitVecRef, relation: str) -> Truth:
        terms = {"==": a == b, "!=": a != b, "<": a < b, "<=": a <= b}
        return Truth(terms[relation], self._paths)

    def _found(self) -> int:
        """Its value, one of a few numbers from zero on: each has a path of its own."""
        if self.bits > _LARGEST_SHIFT.bit_length() + 1:
            raise ProofError("a constant shifted by an unknown number of many places")
        for number in range(1 << self.bits - 1):
            if self == number:
                return number
        raise ValueError("negative shift count")

    def _of(self, term: z3.BitVecRef) -> Integer:
        return Integer(z3.simplify(term), self._paths)


def as_term(value: object) -> z3.BitVecRef:
    """An integer, known or not, as a signed bit-vector of its own width."""
    if isinstance(value, Integer):
        return value.term
    if isinstance(value, Truth):
        return z3.If(value.term, z3.BitVecVal(1, 2), z3.BitVecVal(0, 2))
    if not isinstance(value, int):
        raise TypeError(f"{type(value).__name__} is not an integer")
    return z3.BitVecVal(int(value), int(value).bit_length() + 1)


def same(value: object, word: z3.BitVecRef) -> z3.BoolRef:
    """Whether an integer, known or not, equals the unsigned number in a word."""
    a, b = _aligned(as_term(value), z3.ZeroExt(1, word))
    return a == b


def _aligned(a: z3.BitVecRef, b: z3.BitVecRef, more: int = 0) -> tuple[z3.BitVecRef, z3.BitVecRef]:
    width = max(a.size(), b.size()) + more
    return _extended(a, width), _extended(b, width)


def _extended(term: z3.BitVecRef, width: int) -> z3.BitVecRef:
    return z3.SignExt(width - term.size(), term) if width > term.size() else term
