"""Ramps to steps: the hidden units of an MLP as thresholds times affine forms, for one column.

Ramps of the same integer form z under the same form are joined to a function φ(z), which is
piecewise linear. Where it is flat except for jumps from one integer to the next it is a sum of
steps v·[z ≥ t]: `relu(z - t + 1) - relu(z - t)` is the one step [z ≥ t].

Everything is in terms of bits, (lane + 1) / 2. Forms and steps are exact dyadic fractions.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from looped.analysis.forms import Form, Known
from looped.analysis.grid import Ints
from looped.analysis.model import Block
from looped.analysis.restricted import RestrictedMlp, restrict_mlp
from looped.errors import CompileError

__all__ = ["Affine", "Gated", "MlpSteps", "Threshold", "mlp_steps"]

_MOST_STEPS = 16
"""Steps that one linear piece of a ramp may become.

The compiler makes thresholds, one step long. For other weights the bound keeps code and diagrams
small: a ramp over the values of an n-bit word would be 2^n steps."""


@dataclass
class Affine:
    """`constant + Σ coefficient · bit(lane)`."""

    constant: float = 0.0
    bits: dict[int, float] = field(default_factory=dict)

    def add(self, other: Affine, factor: float = 1.0) -> None:
        """Add a multiple of another form."""
        self.constant += factor * other.constant
        for lane, coefficient in other.bits.items():
            total = self.bits.get(lane, 0.0) + factor * coefficient
            if total:
                self.bits[lane] = total
            else:
                del self.bits[lane]

    def add_lane(self, lane: int, factor: float, known: Known) -> None:
        """Add `factor · lane`, where the lane is ±1: a constant if it is known."""
        if known[lane]:
            self.constant += factor * int(known[lane])
        else:
            self.add(Affine(-factor, {lane: 2 * factor}))


@dataclass(frozen=True, slots=True)
class Threshold:
    """`[Σ coefficient · bit(lane) ≥ at]`; the integer coefficients have no common divisor."""

    bits: tuple[tuple[int, int], ...]
    at: int


@dataclass(frozen=True, slots=True)
class Gated:
    """`threshold · form`."""

    threshold: Threshold
    form: Affine


@dataclass
class MlpSteps:
    """What an MLP adds to the lanes of a column: for each lane an affine form and gated forms."""

    affine: dict[int, Affine] = field(default_factory=dict)
    gated: dict[int, list[Gated]] = field(default_factory=dict)

    @property
    def adds_nothing(self) -> bool:
        """Whether it adds zero to every lane, whatever the unknown lanes hold."""
        return not self.gated and not any(f.constant or f.bits for f in self.affine.values())


class _Bits(NamedTuple):
    """An integer form `constant + Σ coefficient · bit(lane)`, lanes in ascending order."""

    constant: int
    terms: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, row: Ints, constant: int) -> _Bits:
        """`row · lanes + constant`, for lanes that are ±1."""
        lanes = np.flatnonzero(row)
        terms = tuple(zip(lanes.tolist(), (2 * row[lanes]).tolist(), strict=True))
        return cls(int(constant) - int(row.sum()), terms)

    def affine(self, factor: float = 1.0) -> Affine:
        return Affine(factor * self.constant, {lane: factor * c for lane, c in self.terms})

    def divided(self, divisor: int) -> _Bits:
        return _Bits(
            self.constant // divisor, tuple((lane, c // divisor) for lane, c in self.terms)
        )


class _Ramp(NamedTuple):
    """`weight · relu(scale · z + offset)`, all integers."""

    scale: int
    offset: int
    weight: int

    def at(self, z: int) -> int:
        return self.weight * max(self.scale * z + self.offset, 0)


_Families = dict[tuple[_Bits, _Bits], dict[int, list[_Ramp]]]
"""For each pair of z (without a constant) and a form: for each lane, the ramps of z times the form.
Both are in lowest terms."""


def mlp_steps(block: Block, known: Known) -> MlpSteps:
    """What the MLP of a block adds to a column with the lanes `known` (d_model,), 0: not known.

    Raises CompileError if a ramp is not a sum of a few steps.
    """
    restricted = restrict_mlp(block, known)
    steps, unit = MlpSteps(), 1 / block.down_one
    linear = zip(restricted.lanes.tolist(), *restricted.linear, strict=True)
    for lane, row, constant in linear:
        if constant or row.any():
            steps.affine[lane] = _Bits.of(row, constant).affine(unit)
    for (z, form), ramps in _families(restricted).items():
        made: dict[tuple[_Ramp, ...], tuple[Affine, list[Gated]]] = {}
        for lane, own in ramps.items():
            key = tuple(own)
            if key not in made:  # most units add the same to many lanes
                made[key] = _steps_of(z, own, form.affine(unit))
            lowest, gated = made[key]
            if lowest.constant or lowest.bits:
                steps.affine.setdefault(lane, Affine()).add(lowest)
            if gated:
                steps.gated.setdefault(lane, []).extend(gated)
    return steps


def _families(mlp: RestrictedMlp) -> _Families:
    """The units that are ramps, by z and by form."""
    families: _Families = {}
    one = Form(np.zeros((1, mlp.gate.matrix.shape[1]), np.int64), np.ones(1, np.int64))
    for unit in range(len(mlp.gate.matrix)):
        gate = _Bits.of(mlp.gate.matrix[unit], mlp.gate.constant[unit])
        at, ups = (unit, mlp.up) if unit < mlp.products else (0, one)
        form, size = _primitive(_Bits.of(ups.matrix[at], ups.constant[at]))
        scale = math.gcd(*(c for _, c in gate.terms))
        z = _Bits(0, gate.terms).divided(scale)
        ramps = families.setdefault((z, form), {})
        for row in np.flatnonzero(mlp.down[:, unit]).tolist():
            ramp = _Ramp(scale, gate.constant, int(mlp.down[row, unit]) * size)
            ramps.setdefault(int(mlp.lanes[row]), []).append(ramp)
    return families


def _primitive(form: _Bits) -> tuple[_Bits, int]:
    """A form in lowest terms, with its first number positive, and the divisor."""
    size = math.gcd(form.constant, *(c for _, c in form.terms))
    first = form.constant or form.terms[0][1]
    size = size if first > 0 else -size
    return form.divided(size), size


def _steps_of(z: _Bits, ramps: list[_Ramp], form: Affine) -> tuple[Affine, list[Gated]]:
    """Ramps of z times a form: their value at the least z, and their steps."""
    low = sum(min(c, 0) for _, c in z.terms)
    high = sum(max(c, 0) for _, c in z.terms)
    lowest = Affine()
    if value := sum(ramp.at(low) for ramp in ramps):
        lowest.add(form, value)
    gated = []
    for at, jump in _jumps(ramps, low, high):
        scaled = Affine()
        scaled.add(form, jump)
        gated.append(Gated(Threshold(z.terms, at), scaled))
    return lowest, gated


def _jumps(ramps: list[_Ramp], low: int, high: int) -> list[tuple[int, int]]:
    """The integers at which a sum of ramps jumps, and by how much."""
    points = {low, high}
    for ramp in ramps:
        around = -ramp.offset // ramp.scale, -(ramp.offset // ramp.scale)
        points |= {p for p in around if low <= p <= high}
    jumps = []
    for first, last in itertools.pairwise(sorted(points)):
        rise = sum(ramp.at(last) - ramp.at(first) for ramp in ramps)
        if rise == 0:
            continue
        if last - first > _MOST_STEPS:
            what = "a hidden unit is a long ramp, not a threshold"
            raise CompileError(f"{what}: the model cannot be lifted")
        each = rise // (last - first)  # the sum is linear here: no ramp begins in between
        jumps += [(at, each) for at in range(first + 1, last + 1)]
    return jumps
