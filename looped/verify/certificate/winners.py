"""Which column a head attends to, and by which margin, in every state.

The best score over a class is a maximum over the code of its column; the class that has the best of
all wins. Each bit of the winner's code is a condition: that a column with that bit has the best
score. The margin is the least difference between the best score and that of any other column: one
of another class, or one whose code is not the winner's. Two winners make it zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from looped.diagrams import Diagrams, Node, Number
from looped.verify.certificate.claims import ClaimFailed
from looped.verify.certificate.column_lanes import ColumnLanes, KeyClass
from looped.verify.certificate.columns import POSITION, ColumnClass
from looped.verify.certificate.rows import BlockRows

__all__ = [
    "AttentionResult", "Winner", "attention_result", "content_in_keys", "order_variables",
]  # fmt: skip

_FAR = 1 << 80


@dataclass(frozen=True, slots=True)
class Winner:
    """Under `condition` the head attends to the column of a class that has a `code`.

    The bits of the code are zero where the condition does not hold.
    """

    keys: KeyClass
    condition: Node
    code: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AttentionResult:
    """Which columns a class of columns attends to through a head: winners that exclude each other,
    and the margin times β."""

    winners: tuple[Winner, ...]
    scaled_margin: Number


def content_in_keys(
    rows: BlockRows, heads: Sequence[int], classes: Sequence[ColumnClass]
) -> ClaimFailed | None:
    """A failed claim if keys of columns depend on their content, or None."""
    for head in heads:
        for columns in classes:
            if not columns.single and _key_lanes(rows, head) & columns.free:
                return ClaimFailed("a key depends on what is stored in memory")
    return None


def _key_lanes(rows: BlockRows, head: int) -> set[int]:
    return {lane for d in rows.dimensions(head) for lane in rows.key[d]}


def _basis(rows: BlockRows, head: int, columns: ColumnClass) -> str:
    """The word of positions that the keys of a head use, on a class of columns."""
    lanes = _key_lanes(rows, head)
    for word, coded in columns.codes.items():
        if lanes & set(coded):
            return word
    return POSITION


def order_variables(
    lanes: ColumnLanes,
    rows: BlockRows,
    heads: Sequence[int],
    columns: ColumnClass,
    others: Sequence[ColumnClass],
) -> None:
    """Order the variables of scores: dimension by dimension, queries beside keys."""
    for i in range(rows.d_head):
        for head in heads:
            d = head * rows.d_head + i
            lanes.touch(rows.query[d], columns, "query", POSITION)
            for other in others:
                lanes.touch(rows.key[d], other, "key", _basis(rows, head, other))


def attention_result(
    lanes: ColumnLanes,
    rows: BlockRows,
    head: int,
    columns: ColumnClass,
    others: Sequence[ColumnClass],
) -> AttentionResult:
    """Which columns a class of columns attends to through a head, of all other classes and its
    own."""
    space = lanes.space
    key_classes = [KeyClass(other, _basis(rows, head, other)) for other in others]
    scores = [_score(lanes, rows, head, columns, keys) for keys in key_classes]
    bests = [space.greatest(s, k.names) for s, k in zip(scores, key_classes, strict=True)]
    best = bests[0]
    for other in bests[1:]:
        best = space.maximum(best, other)
    left = space.one
    winners = []
    margin: Number = _FAR
    for keys, score, own_best in zip(key_classes, scores, bests, strict=True):
        condition = space.times(left, space.equals(own_best, best))
        left = space.minus(left, condition)
        winner = _winner(space, keys, condition, score, best)
        winners.append(winner)
        behind = space.choose(_is(space, winner), space.number(_FAR), space.minus(best, score))
        margin = min(margin, *space.values(behind))
    return AttentionResult(tuple(winners), margin)


def _score(
    lanes: ColumnLanes, rows: BlockRows, head: int, columns: ColumnClass, keys: KeyClass
) -> Node:
    space = lanes.space
    total = space.zero
    for d in rows.dimensions(head):
        if rows.query[d] and rows.key[d]:
            query = lanes.form(rows.query[d], columns, "query")
            key = lanes.form(rows.key[d], keys.columns, "key", keys.basis)
            total = space.add(total, space.times(query, key))
    total = space.scaled(total, rows.scale or 1)
    exists = lanes.exists(keys)
    return total if exists == space.one else space.choose(exists, total, space.number(-_FAR))


def _winner(space: Diagrams, keys: KeyClass, condition: Node, score: Node, best: Node) -> Winner:
    reached = space.times(condition, space.equals(score, best)) if keys.names else space.zero
    code = (
        space.greatest(space.times(reached, space.variable(name)), keys.names)
        for name in keys.names
    )
    return Winner(keys, condition, tuple(code))


def _is(space: Diagrams, winner: Winner) -> Node:
    """The condition that a column of the class is the winner."""
    result = winner.condition
    for name, bit in zip(winner.keys.names, winner.code, strict=True):
        result = space.times(result, space.equals(space.variable(name), bit))
    return result
