"""Whether the snap of a block is what it must be: exactly ±1 for every lane that may be off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from looped.artefact.plan import Plan
from looped.artefact.stored_weights import Arrays
from looped.diagrams import Number
from looped.verify.certificate.rows import Row, matrix_rows

__all__ = ["snap_faults"]

_Unit = tuple[tuple[tuple[int, Number], ...], tuple[tuple[int, Number], ...], Number]
"""A hidden unit that adds to a lane: its gate, its up projection, its factor."""


def snap_faults(plan: Plan, weights: Arrays) -> Iterator[str]:
    """Why the snaps of a machine do not make its lanes ±1; nothing if it has none.

    Each lane that attention or MLP of some block writes gets x - relu(2x - 1) + relu(-2x - 1),
    other lanes the same or nothing. That is proved for these units alone (`looped.nn.snap`), so a
    snap of any other units is refused. The constant of the units must be a lane that nothing
    writes.
    """
    if not plan.architecture.snap:
        return
    written = _written(plan, weights)
    (one,) = plan.words["one"]
    if one in written:
        yield "snap: a weight writes the lane that is always +1"
    for block in range(len(plan.blocks)):
        for lane, found in enumerate(_units(weights, block)):
            right = _expected(lane, one)
            if found != right and (found or lane in written):
                yield f"block {block + 1}, snap: {plan.lane_name(lane)} does not become ±1"


def _written(plan: Plan, weights: Arrays) -> set[int]:
    """The lanes that some attention or MLP writes."""
    parts = ("self_attn.o_proj", "mlp.down_proj")
    return {
        lane
        for block in range(len(plan.blocks))
        for part in parts
        for lane, row in enumerate(matrix_rows(weights[f"layers.{block}.{part}.weight"]))
        if row
    }


def _units(weights: Arrays, block: int) -> Iterator[set[_Unit]]:
    """The units that add to each lane; units that are equal must not occur twice."""
    gate, up, down = (
        matrix_rows(weights[f"layers.{block}.snap.{part}_proj.weight"])
        for part in ("gate", "up", "down")
    )
    for row in down:
        units = [(_form(gate[j]), _form(up[j]), factor) for j, factor in row.items()]
        twice = len(set(units)) < len(units)
        yield {*units, ((), (), 0)} if twice else set(units)


def _expected(lane: int, one: int) -> set[_Unit]:
    forms: tuple[tuple[Mapping[int, Number], Mapping[int, Number], Number], ...] = (
        ({one: 1}, {lane: 1}, 1),
        ({lane: 2, one: -1}, {one: 1}, -1),
        ({lane: -2, one: -1}, {one: 1}, 1),
    )
    return {(_form(gate), _form(up), factor) for gate, up, factor in forms}


def _form(row: Row) -> tuple[tuple[int, Number], ...]:
    return tuple(sorted(row.items()))
