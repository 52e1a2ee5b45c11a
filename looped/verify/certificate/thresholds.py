"""Hidden units as thresholds: `Σ factor · relu(gate) · up` as a sum of thresholds times forms.

Take units whose gates are one form L up to scale, sign and constant, and whose up projections are
one form U up to scale. They add up to f(L) · U, with a piecewise linear f. L lies on a lattice (its
lanes are ±1, so its values are two apart), and on that lattice f is a constant plus a jump at every
point where it changes:

    f(L) = f(least L) + Σ jump · [L ≥ point].

Two ramps, relu(z - t + 1) - relu(z - t), are one jump, however units were rescaled or split. The
proof rejects a sum of hidden units that is not a short sum of thresholds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from looped.diagrams import Diagrams, Node, Number
from looped.verify.certificate.claims import ClaimFailed

__all__ = ["Affine", "Product", "evaluated"]

_MOST_JUMPS = 64
"""The most jumps of one sum. A ramp that no other ramp ends jumps at every value of its form."""


@dataclass(frozen=True, slots=True)
class Affine:
    """A form over the free lanes of a column, by the names of their variables."""

    terms: tuple[tuple[object, Number], ...]
    constant: Number

    def primitive(self) -> tuple[Affine, Number]:
        """The form divided by its leading number, and that number; the zero form stays zero."""
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


def evaluated(space: Diagrams, products: Iterable[Product]) -> Node | ClaimFailed:
    """The sum of products, over all states, if it is a short sum of thresholds. Raises TooLarge."""
    total = space.zero
    for direction, up, ramps in _families(products):
        form = space.affine(_conditions(space, up), up.constant)
        steps = _steps(ramps, sum(abs(n) for _, n in direction))
        if isinstance(steps, ClaimFailed):
            return steps
        level = space.number(steps.least)
        for point, jump in steps.jumps:
            step = space.threshold(dict(direction), point)
            level = space.add(level, space.scaled(step, jump))
        total = space.add(total, space.times(level, form))
    return total


def _conditions(space: Diagrams, form: Affine) -> Iterator[tuple[Node, Number]]:
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


@dataclass(frozen=True, slots=True)
class _Steps:
    """A function of L: its value at the least L, and the points at which it jumps, with heights."""

    least: Number
    jumps: tuple[tuple[int, Number], ...]


def _steps(ramps: Sequence[_Ramp], reach: int) -> _Steps | ClaimFailed:
    """The sum of ramps for L from -reach to reach, if it jumps at few points."""
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
            if len(jumps) + count > _MOST_JUMPS:
                return ClaimFailed("hidden units have a ramp that no other ramp ends")
            jump = _exact(Fraction(at_q - at_p) / count)
            jumps += [(point, jump) for point in range(p + 2, q + 2, 2)]
    return _Steps(values[0], tuple(jumps))


def _exact(x: Fraction) -> Number:
    return int(x) if x.denominator == 1 else x
