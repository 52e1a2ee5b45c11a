"""Sets of instructions as few patterns of bits, each of which is one threshold.

A pattern is a mask and the value of the bits under it. Two patterns with one mask that differ in
one bit are together the pattern without that bit. Joined patterns never overlap, so the patterns of
a set can be added up.
"""

from __future__ import annotations

from collections.abc import Iterable

from looped.circuit.arithmetic import matches
from looped.circuit.signals import Condition, Value, any_of_disjoint
from looped.circuit.words import Word
from looped.isa.rv32ima import INSTRUCTIONS

__all__ = ["Pattern", "any_match", "exactly", "fields", "joined", "match"]

Pattern = tuple[int, int]
"""A mask and a value."""

_BIT_30 = 1 << 30


def exactly(*mnemonics: str) -> list[Pattern]:
    """Patterns of these instructions and of no other word."""
    encodings = (INSTRUCTIONS[mnemonic] for mnemonic in mnemonics)
    return joined((encoding.mask, encoding.match) for encoding in encodings)


def fields(
    *mnemonics: str, funct3: bool = False, bit_30: bool = False, telling_bit: int = 0
) -> list[Pattern]:
    """Patterns that separate these instructions from other valid ones, by few bits.

    These are bits 2 to 6 of the opcode, `funct3` and bit 30 if the arguments select them, and the
    bit that marks an extension where the format fixes it.
    """
    mask = 0x7C | (0x7000 if funct3 else 0) | (_BIT_30 if bit_30 else 0)
    encodings = [INSTRUCTIONS[mnemonic] for mnemonic in mnemonics]
    masks = [mask | telling_bit & encoding.mask for encoding in encodings]
    return joined((m, e.match & m) for m, e in zip(masks, encodings, strict=True))


def match(word: Word, pattern: Pattern) -> Condition:
    """Whether a pattern matches a word: an AND of literals."""
    return matches(word, *pattern)


def any_match(word: Word, patterns: Iterable[Pattern], also: Condition | None = None) -> Value:
    """One bit: whether one of several patterns matches a word and the literal `also` holds."""
    conditions = (match(word, pattern) for pattern in patterns)
    return any_of_disjoint(c if also is None else c & also for c in conditions)


def joined(patterns: Iterable[Pattern]) -> list[Pattern]:
    """Fewer patterns that match the same words; if no two of these overlap, no two of those do."""
    found = sorted(set(patterns))
    for mask, value in found:
        for bit in (1 << i for i in range(32) if mask >> i & 1):
            other = (mask, value ^ bit)
            if other in found:
                rest = [p for p in found if p not in ((mask, value), other)]
                return joined([*rest, (mask & ~bit, value & ~bit)])
    return found
