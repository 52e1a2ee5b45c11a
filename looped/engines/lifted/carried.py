"""Carried: how a loop over passes holds the words of the state, narrow ones together.

A machine with many registers of one bit has more words than a processor has registers. So the loop
carries groups of words, one after the other in 64 bits, and code takes the words that it reads out
of their group.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from llvmlite import ir

from looped.engines.lifted.code import Code
from looped.engines.lifted.instructions import WORD, constant

__all__ = ["Carried", "carried"]

_BITS = 64
"""Bits of a group."""

_NARROW = 8
"""The most bits of a word that shares a group: flags and counters. Wider words are addresses and
sums, which most passes read."""


@dataclass(frozen=True)
class Carried:
    """`groups` are numbers of words of the state, `at` has the lowest place of each word in its
    group, `most` the bits of each word that may be one."""

    groups: tuple[tuple[int, ...], ...]
    at: tuple[int, ...]
    most: tuple[int, ...]

    def packed(self, builder: ir.IRBuilder, words: Sequence[ir.Value]) -> list[ir.Value]:
        """The groups of some words."""
        return [self._joined(builder, group, words) for group in self.groups]

    def words(
        self, builder: ir.IRBuilder, groups: Sequence[ir.Value], read: Collection[int]
    ) -> list[ir.Value]:
        """The words of some groups; those that are not `read` are undefined."""
        result: list[ir.Value] = [ir.Constant(WORD, ir.Undefined)] * len(self.at)
        for group, value in zip(self.groups, groups, strict=True):
            for number in group:
                if number in read:
                    result[number] = self._word(builder, group, number, value)
        return result

    def masks(self, bits: Mapping[int, int]) -> list[int]:
        """For each group the bits of some words, masks by the number of the word."""
        return [
            sum((bits[n] & self.most[n]) << self.at[n] for n in group if n in bits)
            for group in self.groups
        ]

    def _joined(
        self, builder: ir.IRBuilder, group: Sequence[int], words: Sequence[ir.Value]
    ) -> ir.Value:
        fixed, result = 0, None
        for number in group:
            word = words[number]
            if isinstance(word, ir.Constant):
                fixed |= word.constant << self.at[number]
                continue
            at = self.at[number]
            moved = builder.shl(word, constant(at)) if at else word
            result = moved if result is None else builder.or_(result, moved)
        if result is None:
            return constant(fixed)
        return builder.or_(result, constant(fixed)) if fixed else result

    def _word(
        self, builder: ir.IRBuilder, group: Sequence[int], number: int, value: ir.Value
    ) -> ir.Value:
        if len(group) == 1:
            return value
        at = self.at[number]
        moved = builder.lshr(value, constant(at)) if at else value
        return builder.and_(moved, constant(self.most[number]))


def carried(code: Code, words: int) -> Carried:
    """The groups of so many words: narrow ones in order, as many as there is room for."""
    most = [(1 << _BITS) - 1] * words
    used = {o for instruction in code.instructions for o in instruction.operands}
    for place in used.union(code.following):
        instruction = code.instructions[place]
        if instruction.operation == "state":
            most[instruction.number] = code.most[place]
    groups: list[tuple[int, ...]] = []
    at, shared, end = [0] * words, list[int](), 0
    for number, bits in enumerate(most):
        width = bits.bit_length()
        if width > _NARROW:
            groups.append((number,))
            continue
        if end + width > _BITS:
            groups.append(tuple(shared))
            shared, end = [], 0
        at[number] = end
        shared.append(number)
        end += width
    if shared:
        groups.append(tuple(shared))
    return Carried(tuple(groups), tuple(at), tuple(most))
