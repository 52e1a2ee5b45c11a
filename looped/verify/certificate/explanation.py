"""What a plan says of heads and hidden units, held against the circuit.

No proof relies on it, but whoever reads a listing or a picture of a certified machine does. Margins
and β are compared with the weights elsewhere.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from looped.artefact.plan import HeadPlan, Plan
from looped.passes.allocate import Layout
from looped.passes.emit import block_heads, explain_head, explain_units
from looped.passes.schedule import Schedule
from looped.passes.units import units

__all__ = ["explanation_faults"]


def explanation_faults(plan: Plan, schedule: Schedule, layout: Layout) -> Iterator[str]:
    """Heads and groups of hidden units that the plan explains otherwise than the circuit does."""
    for block in range(schedule.blocks):
        yield from _head_faults(plan, schedule, block)
        if plan.blocks[block].groups != explain_units(units(schedule, layout, 2 * block + 1)):
            yield f"block {block + 1}: the groups of hidden units are not those of the circuit"


def _head_faults(plan: Plan, schedule: Schedule, block: int) -> Iterator[str]:
    """Heads may have any order, and there may be more that have no words."""
    made = {head.name: explain_head(head) for head in block_heads(schedule, block)}
    for planned in plan.blocks[block].heads:
        own = _words(planned)
        expected = made.pop(planned.name, HeadPlan(planned.name, "", (), (), (), (), 1, 1))
        if own != _words(expected):
            yield f"block {block + 1}, head `{planned.name}`: the plan names other words"
    yield from (f"block {block + 1}, head `{name}` is not in the plan" for name in made)


def _words(head: HeadPlan) -> HeadPlan:
    """A head without its numbers."""
    return dataclasses.replace(head, margin=1, beta=1)
