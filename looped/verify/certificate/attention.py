"""What the heads of a block do to every lane of every class of columns, for all states.

Whom each head finds follows from the scores (`winners`). What it then adds is a form of the lanes
of the column found; the content of a memory column is a variable that is named by the code of the
column, so that two columns found are the same if and only if their codes are the same function. On
the other side stands the circuit: a read puts the word at its address into lanes that were idle, a
write replaces the word in the column of its address, and nothing else changes.
"""

from __future__ import annotations

from dataclasses import dataclass

from looped.compiler.circuit import Read, Write
from looped.compiler.layout import TAG
from looped.compiler.signals import Signal
from looped.compiler.words import Lane
from looped.errors import LoopedError
from looped.verify.certificate.claims import DIAGRAMS, Claim
from looped.verify.certificate.columns import POSITION, ColumnClass
from looped.verify.certificate.diagrams import Diagrams, Number
from looped.verify.certificate.meaning import Meaning
from looped.verify.certificate.rows import BlockRows, Row
from looped.verify.certificate.scores import Asked, View
from looped.verify.certificate.subject import Subject, Tenants
from looped.verify.certificate.winners import Answer, Outcome, answer, touch

__all__ = ["Attended", "attended"]


@dataclass(frozen=True)
class Attended:
    """What was shown of the attention of a block: claims, and the least lead of each head."""

    claims: tuple[Claim, ...]
    leads: dict[int, Number]


class _Wrong(LoopedError):
    """A lane is not what it should be."""


def attended(subject: Subject, block: int, rows: BlockRows) -> Attended:
    """The claims about the attention of a block, and by how much its heads lead."""
    claims: list[Claim] = []
    leads: dict[int, Number] = {}
    for columns in subject.classes:
        fault = None
        try:
            for head, lead in _unfolding(subject, block, rows, columns).items():
                leads[head] = min(lead, leads.get(head, lead))
        except LoopedError as error:
            fault = str(error)
        statement = _statement(subject, block, columns)
        part = "attention: CPU" if columns.is_cpu else f"attention: columns {columns.name}"
        claims.append(Claim(block, part, statement, DIAGRAMS, subject.plan.d_model, fault))
    return Attended(tuple(claims), leads)


def _statement(subject: Subject, block: int, columns: ColumnClass) -> str:
    reads = subject.schedule.reads.get(2 * block, [])
    writes = subject.schedule.writes.get(2 * block, [])
    if columns.is_cpu and reads:
        names = ", ".join(f"`{read.name}`" for read in reads)
        return f"{names}: the word at its address; no other lane changes"
    if _is_memory(subject, columns) and writes:
        return "hold what is written where the address is theirs, else what they held"
    return "are left alone" if not columns.is_cpu else "no lane changes"


def _unfolding(
    subject: Subject, block: int, rows: BlockRows, columns: ColumnClass
) -> dict[int, Number]:
    """Try with all lanes free; where that fails, see through those that queries and keys read."""
    unfolded: dict[Lane, Signal] = {}
    while True:
        part = _Part(subject, block, rows, columns, unfolded)
        try:
            return part.shown()
        except LoopedError:
            more = subject.past(part.asking - unfolded.keys())
            if not more:
                raise
            unfolded |= more


def _is_memory(subject: Subject, columns: ColumnClass) -> bool:
    return not columns.is_cpu and columns.fixed[subject.layout.index[TAG[0]]] < 0


class _Part:
    """One class of columns in the attention of one block."""

    def __init__(
        self,
        subject: Subject,
        block: int,
        rows: BlockRows,
        columns: ColumnClass,
        unfolded: dict[Lane, Signal],
    ) -> None:
        phase = 2 * block
        self.subject = subject
        self.rows = rows
        self.before: Tenants = subject.alive(phase - 1)
        self.after: Tenants = subject.alive(phase)
        self.reads = {lane: (r, i) for r in subject.schedule.reads.get(phase, [])
                      for i, lane in enumerate(r.result)}  # fmt: skip
        self.writes = subject.schedule.writes.get(phase, [])
        self.space = Diagrams()
        self.meaning = Meaning(self.space, unfolded)
        self.view = View(self.space, self.meaning, self.before)
        alive = frozenset(self.before)
        self.classes = [c.with_free(alive) if c.is_cpu else c for c in subject.classes]
        self.columns = next(c for c in self.classes if c.name == columns.name)
        self.plan_heads = subject.plan.blocks[block].heads
        self.asking: frozenset[Lane] = frozenset()

    def shown(self) -> dict[int, Number]:
        """The leads of the heads. Raises _Wrong unless every lane becomes what it should be."""
        accesses: list[Read | Write] = [*self.writes, *(read for read, _ in self.reads.values())]
        for access in accesses:
            missing = [lane for lane in access.lanes() if lane not in self.before.values()]
            if missing:
                raise _Wrong(f"`{access.name}` needs `{missing[0]}`, which is not there")
        carried = {h: self.rows.carried(h) for h in range(self.rows.heads)}
        busy = [head for head, lanes in carried.items() if lanes]
        touch(self.view, self.rows, busy, self.columns, self.classes)
        self.asking = frozenset(name for name in self.space.names if isinstance(name, Lane))
        answers = {h: answer(self.view, self.rows, h, self.columns, self.classes) for h in busy}
        for head, found in answers.items():
            self._check_lead(head, found.lead)
        for lane in range(self.subject.plan.d_model):
            new = self._old(lane)
            for head in busy:
                if lane in carried[head]:
                    added = self._added(answers[head], carried[head][lane])
                    new = self.space.add(new, added)
            if new != self._expected(lane):
                raise _Wrong(f"{self.subject.plan.lane_name(lane)} is not what it should be")
        return {head: found.lead for head, found in answers.items()}

    def _check_lead(self, head: int, lead: Number) -> None:
        if head >= len(self.plan_heads):
            raise _Wrong(f"head {head} is not in the plan")
        told = self.plan_heads[head]
        if not 0 < told.gap * told.beta <= lead:
            raise _Wrong(
                f"head `{told.name}` leads by {float(lead):g}, not by "
                f"{told.gap} · {told.beta} as its plan says"
            )

    def _old(self, lane: int) -> int:
        condition = self.view.lane(lane, self.columns, "query", POSITION)
        return self.space.affine([(condition, 1)], 0)

    def _added(self, found: Answer, form: Row) -> int:
        """What a head adds to a lane: a form of the column found."""
        total = self.space.zero
        for outcome in found.outcomes:
            terms = [(self._lane_found(outcome, lane), c) for lane, c in form.items()]
            value = self.space.affine(terms, 0)
            total = self.space.add(total, self.space.times(outcome.condition, value))
        return total

    def _lane_found(self, outcome: Outcome, lane: int) -> int:
        """A lane of the column found, as a condition."""
        asked = outcome.asked
        if asked.columns.single or lane not in asked.columns.free:
            held = self.view.lane(lane, asked.columns, "key", asked.basis)
            return self.space.compose(held, dict(zip(asked.names, outcome.selectors, strict=True)))
        if self._is_own(outcome):
            return self.view.lane(lane, self.columns, "query", POSITION)
        return self.space.variable((asked.columns.name, asked.basis, outcome.selectors, lane))

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

    def _expected(self, lane: int) -> int:
        """What the circuit says that a lane holds after the attention of the block."""
        if self.columns.is_cpu:
            tenant = self.after.get(lane)
            if tenant in self.reads:
                return self._read(*self.reads[tenant])
            if tenant != self.before.get(lane):
                raise _Wrong(f"{self.subject.plan.lane_name(lane)} has a tenant from nowhere")
        elif _is_memory(self.subject, self.columns) and lane in self.subject.value():
            return self._written(lane)
        return self._old(lane)

    def _read(self, read: Read, bit: int) -> int:
        """A bit of the word at an address, in the memory or in the device columns."""
        space = self.space
        word = POSITION if read.offset == 0 else f"{POSITION}-{read.offset}"
        port = self.meaning.lane(read.port[0]) if read.port else space.zero
        tag = self.subject.layout.index[TAG[0]]
        value = self.subject.value()[bit]
        total, left = space.zero, space.one
        for columns in self.classes:
            space_chosen = port if columns.fixed[tag] > 0 else space.negated(port)
            outcome = self._at(read, Asked(columns, word), space_chosen)
            left = space.minus(left, outcome.condition)
            held = space.affine([(self._lane_found(outcome, value), 1)], 0)
            total = space.add(total, space.times(outcome.condition, held))
        if left != space.zero:
            raise _Wrong(f"`{read.name}` may ask for a column that is not there")
        return total

    def _at(self, read: Read, asked: Asked, chosen: int) -> Outcome:
        """The column of a class at the address of a read, where its space is chosen."""
        space = self.space
        columns = asked.columns
        word_lanes = self.subject.plan.words[asked.basis]
        condition = space.times(chosen, space.one)
        selectors = []
        for place, address in zip(word_lanes, read.address, strict=True):
            asks = self.meaning.lane(address)
            if place in columns.fixed:
                same = asks if columns.fixed[place] > 0 else space.negated(asks)
                condition = space.times(condition, same)
            else:
                selectors.append(asks)
        masked = tuple(space.times(condition, s) for s in selectors)
        return Outcome(asked, condition, masked)

    def _written(self, lane: int) -> int:
        """What a lane of a memory word holds when all writes are done."""
        old = self._old(lane)
        total = old
        bit = self.subject.value().index(lane)
        for write in self.writes:
            new = self.space.affine([(self.meaning.lane(write.value[bit]), 1)], 0)
            change = self.space.times(self._addressed(write), self.space.minus(new, old))
            total = self.space.add(total, change)
        if not self.space.values(total) <= {-1, 1}:
            raise _Wrong("two writes may meet in one column")
        return total

    def _addressed(self, write: Write) -> int:
        """The condition that a column is the one that is written to."""
        hit = self.space.one
        lanes = self.subject.plan.words[POSITION]
        for place, address in zip(lanes, write.address, strict=True):
            own = self.view.lane(place, self.columns, "query", POSITION)
            same = self.space.equals(own, self.meaning.lane(address))
            hit = self.space.times(hit, same)
        return hit
