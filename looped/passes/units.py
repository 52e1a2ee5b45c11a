"""Definitions as hidden units of a gated MLP over named lanes.

A new lane changes to `2·signal - 1` from -1, or from the bit of an occupant that the same MLP
clears. All linear parts of that difference are joined first, so a lane that replaces one of its own
operands costs only its gated terms.

Only the CPU column computes. In every other column all CPU lanes are -1. If that makes the gate or
the up projection of a unit zero, the unit needs no change; otherwise the tag `cpu` switches it off
there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from looped.circuit.signals import Condition, Signal
from looped.circuit.words import Form, Lane, bit, constant, sign
from looped.passes.allocate import CPU, Layout
from looped.passes.schedule import LOOP_START, Schedule

__all__ = ["CLEAR", "Unit", "change", "ramps", "units"]

CLEAR = "clear"
"""The name of units that only reset lanes to -1."""


@dataclass
class Unit:
    """`relu(gate) · up`, added to lanes of the residual stream (by index) with factors.

    `names` are the definitions that use it.
    """

    gate: Form
    up: Form
    down: dict[int, Fraction] = field(default_factory=dict)
    names: dict[str, None] = field(default_factory=dict)


def units(schedule: Schedule, layout: Layout, phase: int, undone: int = LOOP_START) -> list[Unit]:
    """The hidden units of the MLP of a phase; equal ones are shared between lanes.

    Lanes made before the phase `undone` need not be cleared, unless a definition replaces them.
    """
    pool: dict[object, Unit] = {}
    old = {layout.index[lane]: lane for lane in layout.cleared_in(phase)}
    for definition in schedule.bits.get(phase, []):
        index = layout.index[definition.lane]
        cleared = old.pop(index, None)
        products = change(definition.signal, cleared)
        _add(pool, definition.define.name, index, products)
    for index, lane in old.items():
        if schedule.made[lane] < undone:
            continue
        _add(pool, CLEAR, index, [(None, -(sign(lane) + 1))])
    return list(pool.values())


def change(signal: Signal, cleared: Lane | None) -> Iterator[tuple[Condition | None, Form]]:
    """The change of a lane: products of a condition (None: always) and a form."""
    linear = signal.linear * 2
    if cleared is not None:
        linear = linear - (sign(cleared) + 1)
    if linear:
        yield None, linear
    for term in signal.gated:
        yield term.condition, term.form * 2


def _add(
    pool: dict[object, Unit],
    name: str,
    index: int,
    products: Iterable[tuple[Condition | None, Form]],
) -> None:
    for condition, form in products:
        for gate, factor in ramps(condition):
            for unit_gate, up, scale in _switched(gate, form):
                key = (unit_gate.key, up.key)
                unit = pool.setdefault(key, Unit(unit_gate, up))
                unit.down[index] = unit.down.get(index, Fraction(0)) + factor * scale
                unit.names[name] = None


def ramps(condition: Condition | None) -> list[tuple[Form, int]]:
    """A condition as a difference of ramps, without ramps that never rise."""
    if condition is None:
        return [(constant(1), 1)]
    start = condition.form - condition.threshold
    both = [(start + 1, 1), (start, -1)]
    return [(gate, factor) for gate, factor in both if gate.maximum > 0]


def _switched(gate: Form, up: Form) -> Iterator[tuple[Form, Form, Fraction]]:
    """Gate, up projection and factor of a product that is zero outside the CPU column."""
    scale = next(iter(up.terms.values())) if up.terms else up.constant
    up = up * (1 / scale)
    if gate.at({}) > 0 and up.at({}) != 0:
        if not up.terms:
            up = bit(CPU[0]) * up.constant
        elif not gate.terms:
            gate = bit(CPU[0]) * gate.constant
        else:
            factor = Fraction(gate.at({}))
            gate = gate + (bit(CPU[0]) - 1) * factor
    yield gate, up, scale
