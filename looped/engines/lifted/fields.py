"""Which lanes are the bits of one word, and in which order: a guess from their weights.

`votes` speak for one lane as the bit after another; the majority decides. Words speak for the lanes
that their bits come from, so the words of a pass are found backwards, from its last block to its
first one. A wrong guess costs only speed: the code is right for every order.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from looped.engines.lifted.columns import Behaviour
from looped.engines.lifted.heads import FixedTarget, columns_of, without
from looped.engines.lifted.votes import HeadVotes, MlpVotes, Votes, carry_votes, ways_of

__all__ = ["Fields", "cut", "find_fields"]

_BITS = 64
"""Bits of a machine word."""

_MOST_ROUNDS = 40
"""The words at the beginning of a pass are those at the end of the pass before, so words are taken
back through the pass again until they stay the same. A word that is moved by one place in a pass
gains a bit in each round."""

Word = tuple[int, ...]
"""Lanes, least significant bit first."""

Pairs = set[tuple[int, int]]
"""Lanes and the lanes after them."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The words of a pass: the `driver`'s unknown lanes between passes; the `packed` lanes of
    passive columns, word after word, the longest first; for each of the `blocks` the words that its
    MLP uses."""

    driver: list[Word]
    packed: Word
    blocks: list[list[Word]]


def find_fields(behaviour: Behaviour) -> Fields:
    """Guess the words of a pass."""
    free = np.flatnonzero(behaviour.of(behaviour.driver) == 0).tolist()
    ways = ways_of(behaviour)
    parts = [
        (HeadVotes(block, behaviour), MlpVotes(block.mlp, own, carries))
        for block, own, carries in zip(
            behaviour.blocks, ways, carry_votes(behaviour, ways), strict=True
        )
    ]
    driver: list[Word] = []
    later: Votes = Counter()
    stored: Votes = Counter()
    for _ in range(_MOST_ROUNDS):
        read: Votes = Counter()
        blocks: list[list[Word]] = []
        for heads, mlp in reversed(parts):
            written = heads.of_written(stored)
            votes = mlp.own + mlp.of_sources(later) + written
            words = [word for word in _chains({*sum(votes, ())}, votes) if len(word) > 1]
            blocks.insert(0, [word for word in words if len(word) > 2])
            later = _along(words, votes)
            read += heads.of_columns(later)
            later = later + heads.own + written
        kept = _chains(_kept_lanes(behaviour), read)
        stored = _along(kept, read)
        before, driver = driver, _chains(free, later)
        if driver == before:
            break
        later = _along(driver, later)
    copies = _copies(parts, {pair for word in kept for pair in itertools.pairwise(word)})
    blocks = [_joined(words, pairs) for words, pairs in zip(blocks, copies, strict=True)]
    return Fields(driver, tuple(lane for word in kept for lane in word), blocks)


def _copies(parts: Sequence[tuple[HeadVotes, MlpVotes]], kept: Pairs) -> Iterator[Pairs]:
    """For each block, before its MLP: the lanes that hold successive bits of columns."""
    held: Pairs = set()
    for heads, mlp in parts:
        copied = heads.of_driver(kept)
        changed = {lane for pair in copied for lane in pair}
        held = {pair for pair in held if not changed & {*pair}} | copied
        yield held
        held = {pair for pair in held if not mlp.changed & {*pair}}


def _joined(words: Iterable[Word], pairs: Pairs) -> list[Word]:
    """Words, joined where the last bit of one and the first bit of another are a pair.

    An adder in slices has a sum for each slice, so that no sum speaks for the whole word.
    """
    words = list(words)
    ends = {(one[-1], other[0]) for one in words for other in words if one != other}
    strong = Counter({pair: 2 for word in words for pair in itertools.pairwise(word)})
    strong.update(pairs & ends)
    return _chains({lane for word in words for lane in word}, strong)


def _kept_lanes(behaviour: Behaviour) -> set[int]:
    """Lanes of passive columns that change, or that a head reads and that differ by column."""
    layout = behaviour.layout
    passive = np.arange(len(behaviour.rows)) != layout.row(behaviour.driver)
    differing = set(layout.counted.tolist())
    kept = set(np.flatnonzero((behaviour.rows[passive] == 0).any(axis=0)).tolist()) - differing
    for head, seen in (pair for block in behaviour.blocks for pair in block.heads):
        if not isinstance(seen.driver, FixedTarget):
            columns = without(columns_of(seen.driver.table), np.array([behaviour.driver]))
            rows = behaviour.of_all(columns)
            for source in {source for factors in head.w_ov.values() for source in factors}:
                alike = source in differing and (rows[:, source] == 0).any()
                if alike or (rows[:, source] != rows[:1, source]).any():
                    kept.add(source)
        if seen.capture is not None:
            kept |= differing & seen.capture.touched
    return kept


def _along(words: Iterable[Word], votes: Votes) -> Votes:
    """The votes that words follow."""
    pairs = (pair for word in words for pair in itertools.pairwise(word))
    return Counter({pair: votes[pair] for pair in pairs if votes[pair]})


def cut(row: list[int]) -> list[Word]:
    """A row of lanes, cut into words of 64 bits at most."""
    return [tuple(row[start : start + _BITS]) for start in range(0, len(row), _BITS)]


def _chains(lanes: Iterable[int], votes: Votes) -> list[Word]:
    """Lanes in rows of 64 at most, each before the lane that most votes put after it; the longest
    rows first."""
    members = set(lanes)
    after: dict[int, int] = {}
    before: dict[int, int] = {}
    for (first, second), _ in sorted(votes.items(), key=lambda item: (-item[1], item[0])):
        free = first not in after and second not in before and {first, second} <= members
        if free and not _leads_to(after, second, first):
            after[first], before[second] = second, first
    rows = []
    for lane in sorted(members):
        if lane not in before:
            row = [lane]
            while row[-1] in after:
                row.append(after[row[-1]])
            rows += cut(row)
    return sorted(rows, key=lambda row: (-len(row), row))


def _leads_to(after: dict[int, int], start: int, end: int) -> bool:
    while start != end:
        if start not in after:
            return False
        start = after[start]
    return True
