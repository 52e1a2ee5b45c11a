"""The RV32IM interpreter: RV32I and the M extension, from the unprivileged specification.

No instruction of the extension traps. Division rounds towards zero, and the remainder has the sign
of the dividend. Division by zero gives all ones and leaves the dividend as the remainder; the most
negative number divided by -1 is itself, without a remainder.
"""

from __future__ import annotations

from looped.reference.rv32i import Rv32i

__all__ = ["Rv32im"]

_MASK = 0xFFFFFFFF


class Rv32im(Rv32i):
    """An RV32IM hart: see Rv32i."""

    def _execute(self, word: int) -> int:
        if word & 127 != 0b0110011 or word >> 25 != 1:
            return super()._execute(word)
        a, b = self.x[word >> 15 & 31], self.x[word >> 20 & 31]
        self._set(word >> 7 & 31, _result(word >> 12 & 7, a, b))
        return self.pc + 4 & _MASK


def _result(funct3: int, a: int, b: int) -> int:
    """The result of an instruction on x[rs1] and x[rs2]; only the low 32 bits count."""
    signed_a, signed_b = _signed(a), _signed(b)
    match funct3:
        case 0:  # MUL
            return a * b
        case 1:  # MULH
            return signed_a * signed_b >> 32
        case 2:  # MULHSU
            return signed_a * b >> 32
        case 3:  # MULHU
            return a * b >> 32
        case 4:  # DIV
            return _divide(signed_a, signed_b)[0]
        case 5:  # DIVU
            return _divide(a, b)[0]
        case 6:  # REM
            return _divide(signed_a, signed_b)[1]
        case _:  # REMU
            return _divide(a, b)[1]


def _signed(word: int) -> int:
    return word - (1 << 32) if word >> 31 else word


def _divide(a: int, b: int) -> tuple[int, int]:
    """Quotient and remainder."""
    if b == 0:
        return -1, a
    quotient = abs(a) // abs(b)
    if (a < 0) != (b < 0):
        quotient = -quotient
    return quotient, a - b * quotient
