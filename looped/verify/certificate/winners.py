"""Which column a head finds, and by how much it leads, in every state.

The best score over a class is a maximum over the code of its column; the class that has the best of
all wins. Each bit of the winner's code is a condition as well: that a column with that bit has the
best score. The lead is the least difference between the best score and that of any other column:
one of another class, or one whose code is not the winner's. Two winners make it zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from looped.diagrams import Diagrams, Number
from looped.verify.certificate.columns import POSITION, ColumnClass
from looped.verify.certificate.rows import BlockRows
from looped.verify.certificate.scores import Asked, ContentDependent, View

__all__ = ["Answer", "Outcome", "answer", "touch"]

_FAR = 1 << 80


@dataclass(frozen=True, slots=True)
class Outcome:
    """Under `condition` the column found is one of a class, with the code `selectors`.

    The selectors are zero where the condition does not hold.
    """

    asked: Asked
    condition: int
    selectors: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a head finds for a class of columns: outcomes that exclude each other, and the lead."""

    outcomes: tuple[Outcome, ...]
    lead: Number


def basis_of(rows: BlockRows, head: int, columns: ColumnClass) -> str:
    """The word of positions that the keys of a head are made of, on a class of columns."""
    lanes = {lane for d in rows.dimensions(head) for lane in rows.key[d]}
    if not columns.single and lanes & columns.free:
        raise ContentDependent("a key depends on what is stored in memory")
    for word, coded in columns.codes.items():
        if lanes & set(coded):
            return word
    return POSITION


def touch(
    view: View,
    rows: BlockRows,
    heads: Sequence[int],
    columns: ColumnClass,
    asked: Sequence[ColumnClass],
) -> None:
    """An order of variables that suits scores: dimension by dimension, queries beside keys."""
    for i in range(rows.d_head):
        for head in heads:
            d = head * rows.d_head + i
            view.touch(rows.query[d], columns, "query", POSITION)
            for other in asked:
                view.touch(rows.key[d], other, "key", basis_of(rows, head, other))


def answer(
    view: View, rows: BlockRows, head: int, columns: ColumnClass, others: Sequence[ColumnClass]
) -> Answer:
    """Whom a class of columns finds through a head, among all other classes and itself."""
    space = view.space
    asked = [Asked(other, basis_of(rows, head, other)) for other in others]
    scores = [_score(view, rows, head, columns, a) for a in asked]
    bests = [space.greatest(s, a.names) for s, a in zip(scores, asked, strict=True)]
    best = bests[0]
    for other in bests[1:]:
        best = space.maximum(best, other)
    left = space.one
    outcomes = []
    lead: Number = _FAR
    for a, score, own_best in zip(asked, scores, bests, strict=True):
        condition = space.times(left, space.equals(own_best, best))
        left = space.minus(left, condition)
        outcome = _outcome(space, a, condition, score, best)
        outcomes.append(outcome)
        behind = space.choose(_is(space, outcome), space.number(_FAR), space.minus(best, score))
        lead = min(lead, *space.values(behind))
    return Answer(tuple(outcomes), lead)


def _score(view: View, rows: BlockRows, head: int, columns: ColumnClass, asked: Asked) -> int:
    space = view.space
    total = space.zero
    for d in rows.dimensions(head):
        if rows.query[d] and rows.key[d]:
            query = view.form(rows.query[d], columns, "query")
            key = view.form(rows.key[d], asked.columns, "key", asked.basis)
            total = space.add(total, space.times(query, key))
    total = space.scaled(total, rows.scale or 1)
    exists = view.exists(asked)
    return total if exists == space.one else space.choose(exists, total, space.number(-_FAR))


def _outcome(space: Diagrams, asked: Asked, condition: int, score: int, best: int) -> Outcome:
    reached = space.times(condition, space.equals(score, best)) if asked.names else space.zero
    selectors = (
        space.greatest(space.times(reached, space.variable(name)), asked.names)
        for name in asked.names
    )
    return Outcome(asked, condition, tuple(selectors))


def _is(space: Diagrams, outcome: Outcome) -> int:
    """The condition that a column of the class is the one found."""
    found = outcome.condition
    for name, selector in zip(outcome.asked.names, outcome.selectors, strict=True):
        found = space.times(found, space.equals(space.variable(name), selector))
    return found
