"""Sums whose terms belong to kinds of instructions, simplified kind by kind.

Most terms of a large sum are products with a condition of one bit: the kind of the instruction.
What one kind adds to a lane is often one bit: the terms of an adder, for example, which are a carry
and both operands, add up to a bit of the sum. If a decision diagram shows that they are a bit, this
bit with the condition replaces them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from looped.diagrams import Node, TooLarge
from looped.engines.lifted.conditions import All, Bit, Expression, leaves
from looped.engines.lifted.shapes import Shapes
from looped.engines.lifted.sums import Form, State, Sum

__all__ = ["Split", "products", "split"]

Product = frozenset[Expression]

_MOST_BITS = 12
"""Bits of what one kind adds: an adder has an operand, a carry and three sums."""


def products(total: Sum) -> dict[Product, float]:
    """A sum as factors of conjunctions; the empty one is the constant."""
    factors: dict[Product, float] = {}
    for condition, form in [(True, total.form), *total.gated]:
        conditions = frozenset(_conjuncts(condition))
        own = [(conditions, form.constant)]
        own += [(conditions | {bit}, factor) for bit, factor in form.bits.items()]
        for parts, factor in own:
            factors[parts] = factors.get(parts, 0.0) + factor
    return {parts: factor for parts, factor in factors.items() if factor}


@dataclass(frozen=True, slots=True)
class Split:
    """A sum: `2 · condition · function` for each of some parts, and the products left."""

    parts: list[tuple[Bit, Node]]
    left: dict[Product, float]

    def joined(self, bits: Iterable[State]) -> Sum:
        """The sum, with a bit for the function of each part."""
        result = Sum(Form())
        for parts, factor in self.left.items():
            result.gate(_all(parts), Form(factor))
        for (condition, _), bit in zip(self.parts, bits, strict=True):
            assert isinstance(bit, Bit)
            result.gate(condition, Form(0.0, {bit: 2.0}))
        return result


def split(total: Sum, shapes: Shapes, single: Collection[int]) -> Split:
    """A sum apart by the bits of the values `single` that gate its terms, where their terms are
    together a bit and none of them is alone."""
    left = products(total)
    counts = Counter(p for parts in left for p in parts if isinstance(p, Bit))
    found = []
    for bit, count in sorted(counts.items()):
        if count > 1 and bit.value in single:
            own = {parts - {bit}: factor for parts, factor in left.items() if bit in parts}
            function = _function(own, shapes) if own else None
            if function is not None:
                left = {parts: factor for parts, factor in left.items() if bit not in parts}
                found.append((bit, function))
    return Split(found, left)


def _function(factors: Mapping[Product, float], shapes: Shapes) -> Node | None:
    """The condition of which a sum is twice the value, if it is one and none of the terms alone."""
    mentioned = {bit for parts in factors for part in parts for bit in leaves(part)}
    if min(factors.values()) >= 0 or len(mentioned) > _MOST_BITS:
        return None
    rest = Sum(Form(-1.0))
    for parts, factor in factors.items():
        rest.gate(_all(parts), Form(factor))
    try:
        wrong, function = shapes.value(rest)
    except TooLarge:
        return None
    simple = wrong == shapes.space.zero and shapes.space.constant(function) is None
    return function if simple else None


def _all(parts: Product) -> Expression:
    ordered = sorted(parts, key=repr)
    return All(tuple(ordered)) if ordered else True


def _conjuncts(condition: Expression) -> Iterator[Expression]:
    """The conditions whose conjunction a condition is."""
    if isinstance(condition, All):
        for part in condition.parts:
            yield from _conjuncts(part)
    elif condition is not True:
        yield condition
