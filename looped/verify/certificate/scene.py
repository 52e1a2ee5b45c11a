"""Scene: the columns of a machine as one class of them sees the others, before an attention.

Every lane of every column is a function in one space of diagrams. The content of a memory column or
a register is a variable that is named by the code of its column, so that two columns found are the
same if and only if their codes are the same function. Register 0 holds zero where the circuit says
that it does for good.
"""

from __future__ import annotations

import functools

from looped.circuit.signals import Signal
from looped.circuit.words import Lane
from looped.diagrams import Diagrams
from looped.passes.allocate import FILE, TAG
from looped.verify.certificate.columns import POSITION, ColumnClass
from looped.verify.certificate.meaning import Meaning
from looped.verify.certificate.scores import View
from looped.verify.certificate.subject import Subject, Tenants
from looped.verify.certificate.winners import Outcome

__all__ = ["Scene", "is_device", "is_file"]


def is_device(subject: Subject, columns: ColumnClass) -> bool:
    """Whether columns are the CPU or the input."""
    return columns.fixed[subject.layout.index[TAG[0]]] > 0


def is_file(subject: Subject, columns: ColumnClass) -> bool:
    """Whether columns are those of the register file."""
    lane = subject.layout.index.get(FILE[0])
    return lane is not None and columns.fixed[lane] > 0


class Scene:
    """What stands in all lanes before the attention of a block, for one class of columns.

    `unfolded` has the lanes of the CPU that are seen through.
    """

    def __init__(
        self, subject: Subject, block: int, columns: ColumnClass, unfolded: dict[Lane, Signal]
    ) -> None:
        self.subject = subject
        self.before: Tenants = subject.alive(2 * block - 1)
        self.space = Diagrams()
        self.meaning = Meaning(self.space, unfolded)
        self.view = View(self.space, self.meaning, self.before)
        alive = frozenset(self.before)
        self.classes = [c.with_free(alive) if c.is_cpu else c for c in subject.classes]
        self.columns = next(c for c in self.classes if c.name == columns.name)

    def old(self, lane: int) -> int:
        """What a lane of the columns holds: -1 or +1."""
        return self.signed(self.view.lane(lane, self.columns, "query", POSITION))

    def signed(self, condition: int) -> int:
        """A condition as a lane: +1 where it holds, else -1."""
        return self.space.affine([(condition, 1)], 0)

    def found(self, outcome: Outcome, lane: int) -> int:
        """A lane of the column found, as a condition."""
        asked = outcome.asked
        if asked.columns.single or lane not in asked.columns.free:
            held = self.view.lane(lane, asked.columns, "key", asked.basis)
            return self.space.compose(held, dict(zip(asked.names, outcome.selectors, strict=True)))
        if self._is_own(outcome):
            return self.view.lane(lane, self.columns, "query", POSITION)
        content = self.space.variable((asked.columns.name, asked.basis, outcome.selectors, lane))
        if self.subject.circuit.zero_register and is_file(self.subject, asked.columns):
            named = functools.reduce(self.space.maximum, outcome.selectors, self.space.zero)
            return self.space.times(named, content)
        return content

    def _is_own(self, outcome: Outcome) -> bool:
        """Whether a column of many finds itself."""
        asked = outcome.asked
        if asked.columns.name != self.columns.name or asked.basis != POSITION:
            return False
        own = (
            self.view.lane(lane, self.columns, "query", POSITION)
            for lane in self.columns.codes[POSITION]
        )
        masked = tuple(self.space.times(outcome.condition, lane) for lane in own)
        return masked == outcome.selectors
