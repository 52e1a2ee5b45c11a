"""The hidden units of an MLP as thresholds times affine forms, for one column.

With some lanes known to be constant, a unit relu(gate)·up is one of these:

- nothing, if its gate is never above zero or its up projection is zero;
- an affine form, if its gate is constant, or never below zero under a constant up projection;
- a ramp of an integer form z times an affine form. Ramps of the same z under the same form are
  joined to a function φ(z), which is piecewise linear; where it is flat but for jumps from one
  integer to the next it is a sum of steps v·[z ≥ t].

Everything is counted in bits, (lane + 1) / 2, and in exact dyadic fractions.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from looped.errors import CompileError

if TYPE_CHECKING:
    from looped.engines.lifted.model import Block, Known

__all__ = ["Affine", "Changes", "Gated", "Threshold", "mlp_changes"]

_MOST_STEPS = 16
"""Steps that a stretch of a ramp may fall into."""


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
        """Add `factor · lane`, the lane being ±1: a constant if it is known."""
        if known[lane]:
            self.constant += factor * int(known[lane])
        else:
            self.add(Affine(-factor, {lane: 2 * factor}))

    @property
    def range(self) -> tuple[float, float]:
        """The least and the largest value over all bits."""
        low = sum(min(c, 0.0) for c in self.bits.values())
        high = sum(max(c, 0.0) for c in self.bits.values())
        return self.constant + low, self.constant + high


@dataclass(frozen=True, slots=True)
class Threshold:
    """`[Σ coefficient · bit(lane) ≥ at]`, coefficients integers without a common divisor."""

    bits: tuple[tuple[int, int], ...]
    at: int


@dataclass(frozen=True, slots=True)
class Gated:
    """`threshold · form`."""

    threshold: Threshold
    form: Affine


@dataclass
class Changes:
    """What an MLP adds to the lanes of a column: affine forms and gated ones, lane by lane."""

    affine: dict[int, Affine] = field(default_factory=dict)
    gated: dict[int, list[Gated]] = field(default_factory=dict)

    def add(self, lane: int, form: Affine, factor: float) -> None:
        """Add a multiple of a form to a lane."""
        if factor:
            self.affine.setdefault(lane, Affine()).add(form, factor)


def _form(weights: Iterable[tuple[int, float]], known: Known) -> Affine:
    """A weighted sum of lanes, over the bits of those that are not known."""
    form = Affine()
    for lane, weight in weights:
        form.add_lane(lane, weight, known)
    return form


class _Ramp(NamedTuple):
    """An integer form z of bits without a constant, and the form (constant, bits) that it gates."""

    z: tuple[tuple[int, int], ...]
    constant: float
    bits: tuple[tuple[int, float], ...]


_Ramps = dict[_Ramp, dict[int, list[tuple[float, float]]]]
"""For each lane, the knees and the slopes of the ramps of z that are added to it."""


def mlp_changes(block: Block, known: Known) -> Changes:
    """What the MLP of a block adds to a column whose lanes are known so far.

    Raises CompileError if a ramp is no sum of a few steps.
    """
    changes = Changes()
    ramps: _Ramps = {}
    for unit in block.units:
        gate = _form(unit.gate, known)
        low, high = gate.range
        if high <= 0:
            continue
        up = _form(unit.up, known)
        if not gate.bits or (low >= 0 and not up.bits):
            form, factor = (gate, up.constant) if gate.bits else (up, gate.constant)
            for lane, weight in unit.down:
                changes.add(lane, form, weight * factor)
        elif up.constant or up.bits:
            _note_ramp(ramps, gate, up, unit.down)
    for ramp, lanes in ramps.items():
        _join_ramps(changes, ramp, lanes)
    return changes


def _note_ramp(ramps: _Ramps, gate: Affine, up: Affine, down: Iterable[tuple[int, float]]) -> None:
    """relu(gate)·up as slope · relu(z - knee) · form, z and form in lowest terms."""
    scale = _common_divisor(gate.bits.values())
    z = tuple(sorted((lane, round(c / scale)) for lane, c in gate.bits.items()))
    lead = up.constant or next(c for _, c in sorted(up.bits.items()))
    bits = tuple(sorted((lane, c / lead) for lane, c in up.bits.items()))
    knee = -gate.constant / scale
    lanes = ramps.setdefault(_Ramp(z, up.constant / lead, bits), {})
    for lane, weight in down:
        lanes.setdefault(lane, []).append((knee, weight * scale * lead))


def _common_divisor(numbers: Iterable[float]) -> float:
    """The largest number of which some dyadic fractions are multiples."""
    values = [abs(x) for x in numbers]
    unit = min(math.ulp(x) for x in values)
    return math.gcd(*(int(x / unit) for x in values)) * unit


def _join_ramps(
    changes: Changes, ramp: _Ramp, lanes: Mapping[int, list[tuple[float, float]]]
) -> None:
    """Note sums of ramps, lane by lane: their value at the least z, and the steps from there."""
    form = Affine(ramp.constant, dict(ramp.bits))
    low = sum(min(c, 0) for _, c in ramp.z)
    high = sum(max(c, 0) for _, c in ramp.z)
    for lane, parts in lanes.items():
        changes.add(lane, form, _height(parts, low))
        for at, jump in _steps(parts, low, high):
            scaled = Affine()
            scaled.add(form, jump)
            changes.gated.setdefault(lane, []).append(Gated(Threshold(ramp.z, at), scaled))


def _height(ramps: list[tuple[float, float]], z: int) -> float:
    return sum(slope * max(z - knee, 0.0) for knee, slope in ramps)


def _steps(ramps: list[tuple[float, float]], low: int, high: int) -> list[tuple[int, float]]:
    """The integers at which a sum of ramps jumps, and by how much."""
    points = {low, high}
    for knee, _ in ramps:
        points |= {p for p in (math.floor(knee), math.ceil(knee)) if low <= p <= high}
    steps = []
    ordered = sorted(points)
    for first, last in itertools.pairwise(ordered):
        rise = _height(ramps, last) - _height(ramps, first)
        if rise == 0:
            continue
        if last - first > _MOST_STEPS:
            raise CompileError("a hidden unit is a long ramp, not a threshold: it cannot be lifted")
        each = rise / (last - first)
        steps += [(at, each) for at in range(first + 1, last + 1)]
    return steps
