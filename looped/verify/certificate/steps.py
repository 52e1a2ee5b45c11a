"""Hidden units as steps: `Σ factor · relu(gate) · up` as a sum of thresholds times forms.

Units whose gates are one form L of lanes but for their scale, sign and constant, and whose up
projections are one form U but for their scale, add up to f(L) · U, with a piecewise linear f. L
lies on a lattice (its lanes are ±1, so its values are two apart), and on that lattice f is a
constant plus a jump at every point where it changes:

    f(L) = f(least L) + Σ jump · [L ≥ point].

Two ramps, relu(z - t + 1) - relu(z - t), come out as the one jump that they were made for, whatever
rescaling or splitting of units they went through; what is no short sum of steps is refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from looped.diagrams import Diagrams, Number
from looped.errors import LoopedError

__all__ = ["Affine", "NotSteps", "Product", "evaluated"]

_MOST_STEPS = 64


class NotSteps(LoopedError):
    """A ramp that is left over: the sum of some hidden units is no short sum of thresholds."""


@dataclass(frozen=True, slots=True)
class Affine:
    """A form over the free lanes of a column, by the names of their variables."""

    terms: tuple[tuple[object, Number], ...]
    constant: Number

    def primitive(self) -> tuple[Affine, Number]:
        """The form divided by its leading number, and that number; a form of zero is itself."""
        leading = next((c for _, c in self.terms), self.constant)
        if leading == 0:
            return self, 1
        terms = tuple((name, _exact(Fraction(c) / leading)) for name, c in self.terms)
        return Affine(terms, _exact(Fraction(self.constant) / leading)), leading


@dataclass(frozen=True, slots=True)
class Product:
    """`factor · relu(gate) · up`."""

    gate: Affine
    up: Affine
    factor: Number


@dataclass(frozen=True, slots=True)
class _Ramp:
    """`factor · relu(slope · L + offset)`."""

    slope: Number
    offset: Number
    factor: Number

    def at(self, point: int) -> Number:
        return self.factor * max(0, self.slope * point + self.offset)


def evaluated(space: Diagrams, products: Iterable[Product]) -> int:
    """The sum of products, over all states. Raises NotSteps, TooLarge."""
    total = space.zero
    for direction, up, ramps in _families(products):
        form = space.affine(_conditions(space, up), up.constant)
        start, jumps = _steps(ramps, sum(abs(n) for _, n in direction))
        level = space.number(start)
        for point, jump in jumps:
            step = space.threshold(dict(direction), point)
            level = space.add(level, space.scaled(step, jump))
        total = space.add(total, space.times(level, form))
    return total


def _conditions(space: Diagrams, form: Affine) -> Iterator[tuple[int, Number]]:
    for name, factor in form.terms:
        yield space.variable(name), factor


def _families(
    products: Iterable[Product],
) -> Iterator[tuple[tuple[tuple[object, int], ...], Affine, list[_Ramp]]]:
    """Products by the form of their gate and that of their up projection."""
    found: dict[object, tuple[tuple[tuple[object, int], ...], Affine, list[_Ramp]]] = {}
    for product in products:
        up, size = product.up.primitive()
        direction, slope = _direction(product.gate)
        ramp = _Ramp(slope, product.gate.constant, product.factor * size)
        family = found.setdefault((direction, up), (direction, up, []))
        family[2].append(ramp)
    yield from found.values()


def _direction(gate: Affine) -> tuple[tuple[tuple[object, int], ...], Number]:
    """The terms of a gate as integers without a common divisor, the first positive; the divisor."""
    if not gate.terms:
        return (), 0
    denominator = math.lcm(*(Fraction(c).denominator for _, c in gate.terms))
    integers = [int(c * denominator) for _, c in gate.terms]
    divisor = math.gcd(*integers) * (1 if integers[0] > 0 else -1)
    names = (name for name, _ in gate.terms)
    terms = tuple((name, n // divisor) for name, n in zip(names, integers, strict=True))
    return terms, _exact(Fraction(divisor, denominator))


def _steps(ramps: Sequence[_Ramp], reach: int) -> tuple[Number, list[tuple[int, Number]]]:
    """The sum of ramps at L = -reach, and the points at which it jumps, up to L = reach."""
    points = {-reach, reach}
    for ramp in ramps:
        if ramp.slope != 0:
            below = reach + math.floor(-Fraction(ramp.offset) / ramp.slope)
            first = -reach + below - below % 2
            points.update(p for p in (first, first + 2) if -reach <= p <= reach)
    ordered = sorted(points)
    values = [sum(ramp.at(p) for ramp in ramps) for p in ordered]
    jumps: list[tuple[int, Number]] = []
    for (p, at_p), (q, at_q) in zip(
        zip(ordered, values, strict=True), zip(ordered[1:], values[1:], strict=True), strict=False
    ):
        count = (q - p) // 2
        if at_p != at_q:
            if len(jumps) + count > _MOST_STEPS:
                raise NotSteps("a ramp of hidden units is left without the one that ends it")
            jump = _exact(Fraction(at_q - at_p) / count)
            jumps += [(point, jump) for point in range(p + 2, q + 2, 2)]
    return values[0], jumps


def _exact(x: Fraction) -> Number:
    return int(x) if x.denominator == 1 else x
