"""All lanes of all columns before the attention of a block, as one class of columns sees them.

Each lane is a function in one space of diagrams. The content of a memory column or a register is a
variable whose name contains the code of its column. So two heads attend to the same column if and
only if the codes are the same function. Register 0 holds zero if the circuit states that it does.
"""

from __future__ import annotations

import functools

from looped.circuit.signals import Signal
from looped.circuit.words import Lane
from looped.diagrams import Diagrams, Node
from looped.passes.allocate import REGISTER, TAG
from looped.verify.certificate.column_lanes import ColumnLanes
from looped.verify.certificate.columns import POSITION, ColumnClass, rival_workers
from looped.verify.certificate.context import ProofContext
from looped.verify.certificate.phases import before_attention
from looped.verify.certificate.semantics import CircuitSemantics
from looped.verify.certificate.winners import Winner

__all__ = ["AttentionState", "is_device", "is_register_file"]


def is_device(context: ProofContext, columns: ColumnClass) -> bool:
    """Whether columns are the CPU or the input."""
    return columns.fixed[context.index(TAG[0])] > 0


def is_register_file(context: ProofContext, columns: ColumnClass) -> bool:
    """Whether columns are those of the register file."""
    lane = context.layout.index.get(REGISTER[0])
    return lane is not None and columns.fixed[lane] > 0


class AttentionState:
    """What all lanes hold before the attention of a block, for one class of columns.

    `seen_through` maps some lanes of the CPU to their definitions, which replace them. `rivals` are
    columns to which these may not attend: other workers, if they are workers.
    """

    def __init__(
        self,
        context: ProofContext,
        block: int,
        columns: ColumnClass,
        seen_through: dict[Lane, Signal],
    ) -> None:
        self.context = context
        self.before = context.occupants(before_attention(block))
        self.space = Diagrams()
        self.semantics = CircuitSemantics(self.space, seen_through)
        self.lanes = ColumnLanes(self.space, self.semantics, self.before)
        occupied = frozenset(self.before)
        self.classes = [c.with_free(occupied) if c.is_cpu else c for c in context.classes]
        self.columns = next(c for c in self.classes if c.name == columns.name)
        self.rivals = rival_workers(context.plan, self.columns) if columns.is_cpu else ()

    def old(self, lane: int) -> Node:
        """What a lane of the columns holds: -1 or +1."""
        return self.signed(self.lanes.lane(lane, self.columns, "query", POSITION))

    def signed(self, condition: Node) -> Node:
        """A condition as a lane: +1 where it holds, else -1."""
        return self.space.affine([(condition, 1)], 0)

    def winners_lane(self, winner: Winner, lane: int) -> Node:
        """A lane of the column that a head attends to, as a condition."""
        keys = winner.keys
        if keys.columns.single or lane not in keys.columns.free:
            held = self.lanes.lane(lane, keys.columns, "key", keys.basis)
            return self.space.compose(held, dict(zip(keys.names, winner.code, strict=True)))
        if self._is_own(winner):
            return self.lanes.lane(lane, self.columns, "query", POSITION)
        content = self.space.variable((keys.columns.name, keys.basis, winner.code, lane))
        if self.context.circuit.zero_register and is_register_file(self.context, keys.columns):
            nonzero = functools.reduce(self.space.maximum, winner.code, self.space.zero)
            return self.space.times(nonzero, content)
        return content

    def _is_own(self, winner: Winner) -> bool:
        """Whether each column of a class of many attends to itself."""
        keys = winner.keys
        if keys.columns.name != self.columns.name or keys.basis != POSITION:
            return False
        own = (
            self.lanes.lane(lane, self.columns, "query", POSITION)
            for lane in self.columns.codes[POSITION]
        )
        masked = tuple(self.space.times(winner.condition, lane) for lane in own)
        return masked == winner.code
