"""Calls and returns of RISC-V, as its calling convention tells them from jumps.

RISC-V unprivileged specification, 2.5.1: JAL and JALR that link to x1 or x5 are calls; a JALR that
goes to one of these without a link is a return.
"""

from __future__ import annotations

from looped.isa.flow import Flow

__all__ = ["flow"]

_JAL, _JALR = 0x6F, 0x67
_LINKS = (1, 5)


def flow(words: tuple[int, ...]) -> Flow:
    """Whether the instruction in a word calls or returns."""
    opcode, rd, rs1 = words[0] & 0x7F, words[0] >> 7 & 31, words[0] >> 15 & 31
    if opcode in (_JAL, _JALR) and rd in _LINKS:
        return Flow.CALL
    returns = opcode == _JALR and rd == 0 and rs1 in _LINKS
    return Flow.RETURN if returns else Flow.NEITHER
