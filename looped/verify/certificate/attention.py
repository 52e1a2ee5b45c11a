"""What the heads of a block do to every lane of every class of columns, for all states.

Whom each head finds follows from the scores (`winners`). What it then adds is a form of the lanes
of the column found (`scene`). It must come to what the circuit says of its reads and writes
(`accesses`), in every lane.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from looped.circuit.circuit import Read
from looped.circuit.signals import Signal
from looped.circuit.words import Lane
from looped.diagrams import Number
from looped.errors import LoopedError
from looped.verify.certificate.accesses import Accesses, Wrong
from looped.verify.certificate.claims import DIAGRAMS, Claim
from looped.verify.certificate.columns import ColumnClass
from looped.verify.certificate.rows import BlockRows, Row
from looped.verify.certificate.scene import Scene, is_device
from looped.verify.certificate.subject import Subject
from looped.verify.certificate.winners import Answer, answer, touch

__all__ = ["Attended", "attended"]


@dataclass(frozen=True)
class Attended:
    """What was shown of the attention of a block: claims, and the least lead of each head."""

    claims: tuple[Claim, ...]
    leads: dict[int, Number]


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
        return f"{_reading(reads)}; no other lane changes"
    if writes and not is_device(subject, columns):
        return "hold what is written where the address is theirs, else what they held"
    return "are left alone" if not columns.is_cpu else "no lane changes"


def _reading(reads: Sequence[Read]) -> str:
    """What reads do, those that do the same together."""
    groups: dict[str, list[str]] = {}
    for read in reads:
        what = "the word at its address"
        if read.onto is not None:
            what += ", taken from ones" if read.negated else ", added to zeros"
        groups.setdefault(what, []).append(f"`{read.name}`")
    return "; ".join(f"{', '.join(names)}: {what}" for what, names in groups.items())


def _unfolding(
    subject: Subject, block: int, rows: BlockRows, columns: ColumnClass
) -> dict[int, Number]:
    """Try with all lanes free; where that fails, see through those that queries and keys read."""
    unfolded: dict[Lane, Signal] = {}
    while True:
        part = _Part(Scene(subject, block, columns, unfolded), block, rows)
        try:
            return part.shown()
        except LoopedError:
            more = subject.past(part.asking - unfolded.keys())
            if not more:
                raise
            unfolded |= more


class _Part:
    """One class of columns in the attention of one block: what its heads make of a scene."""

    def __init__(self, scene: Scene, block: int, rows: BlockRows) -> None:
        self.scene = scene
        self.block = block
        self.rows = rows
        self.plan_heads = scene.subject.plan.blocks[block].heads
        self.asking: frozenset[Lane] = frozenset()

    def shown(self) -> dict[int, Number]:
        """The leads of the heads. Raises Wrong unless every lane becomes what it should be."""
        scene = self.scene
        accesses = Accesses(scene, self.block)
        carried = {h: self.rows.carried(h) for h in range(self.rows.heads)}
        busy = [head for head, lanes in carried.items() if lanes]
        touch(scene.view, self.rows, busy, scene.columns, scene.classes)
        self.asking = frozenset(name for name in scene.space.names if isinstance(name, Lane))
        answers = {h: answer(scene.view, self.rows, h, scene.columns, scene.classes) for h in busy}
        for head, found in answers.items():
            self._check_lead(head, found.lead)
        for lane in range(scene.subject.plan.d_model):
            new = scene.old(lane)
            for head in busy:
                if lane in carried[head]:
                    added = self._added(answers[head], carried[head][lane])
                    new = scene.space.add(new, added)
            if new != accesses.expected(lane):
                raise Wrong(f"{scene.subject.plan.lane_name(lane)} is not what it should be")
        return {head: found.lead for head, found in answers.items()}

    def _check_lead(self, head: int, lead: Number) -> None:
        if head >= len(self.plan_heads):
            raise Wrong(f"head {head} is not in the plan")
        told = self.plan_heads[head]
        if not 0 < told.gap * told.beta <= lead:
            raise Wrong(
                f"head `{told.name}` leads by {float(lead):g}, not by "
                f"{told.gap} · {told.beta} as its plan says"
            )

    def _added(self, found: Answer, form: Row) -> int:
        """What a head adds to a lane: a form of the column found."""
        space = self.scene.space
        total = space.zero
        for outcome in found.outcomes:
            terms = [(self.scene.found(outcome, lane), c) for lane, c in form.items()]
            value = space.affine(terms, 0)
            total = space.add(total, space.times(outcome.condition, value))
        return total
