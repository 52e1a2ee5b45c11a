"""Which lanes are the bits of one word, and in which order: a guess from their weights.

If a threshold weighs lane u with w and lane v with 2w, and both came to the driver in the same way,
that is a vote for v as the bit after u. The majority decides. A wrong guess costs only speed: the
code is right for every order.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from looped.analysis.steps import Threshold
from looped.engines.lifted.columns import Behaviour, Block
from looped.engines.lifted.heads import FixedTarget, Lookup, columns_of

__all__ = ["block_words", "cut", "driver_words", "packed_lanes"]

_BITS = 64
"""Bits of a machine word."""

Origin = tuple[str, int, int]
"""Where a lane's bit comes from: ("own", 0, lane) is a lane of the driver between passes, ("read",
head, lane) a lane that a head reads, ("seen", way, lane) a lane by the way in which it came."""


def driver_words(behaviour: Behaviour) -> list[tuple[int, ...]]:
    """The driver's unknown lanes between passes, as words, least significant bit first."""
    lanes = np.flatnonzero(behaviour.known[behaviour.driver] == 0).tolist()
    return _chains(lanes, _votes(behaviour, "own"))


def packed_lanes(behaviour: Behaviour) -> tuple[int, ...]:
    """The lanes of passive columns that are kept, each word in one piece, the longest first."""
    words = _chains(sorted(_kept_lanes(behaviour)), _votes(behaviour, "read"))
    return tuple(lane for word in words for lane in word)


def _kept_lanes(behaviour: Behaviour) -> set[int]:
    """Lanes of passive columns that change, or that a head reads and that differ by column."""
    passive = np.arange(len(behaviour.known)) != behaviour.driver
    kept = set(np.flatnonzero((behaviour.known[passive] == 0).any(axis=0)).tolist())
    for head, seen in (pair for block in behaviour.blocks for pair in block.heads):
        if isinstance(seen.driver, Lookup):
            columns = np.setdiff1d(columns_of(seen.driver.table), [behaviour.driver])
            for source in {source for factors in head.w_ov.values() for source in factors}:
                values = behaviour.known[columns, source]
                if (values != values[:1]).any():
                    kept.add(source)
    return kept


def block_words(behaviour: Behaviour) -> list[list[tuple[int, ...]]]:
    """For each block, the driver's lanes that its MLP uses as words, least significant bit first.

    Lanes of one word came to the driver in the same way: from the same heads or the same MLP.
    """
    result = []
    ways: dict[int, tuple[int, ...]] = {}
    for number, block in enumerate(behaviour.blocks):
        heads: dict[int, tuple[int, ...]] = {}
        for head, (weights, _) in enumerate(block.heads):
            for lane in weights.w_ov:
                heads[lane] = (*heads.get(lane, ()), head)
        ways |= {lane: (number, *some) for lane, some in heads.items()}
        names = {way: n for n, way in enumerate(set(ways.values()))}
        origins: dict[int, Origin] = {
            lane: ("seen", names[way], lane) for lane, way in ways.items()
        }
        votes: Counter[tuple[int, int]] = Counter()
        thresholds = {g.threshold for gates in block.mlp.gated.values() for g in gates}
        for threshold in thresholds:
            _count(threshold, origins, "seen", votes)
        lanes = sorted({lane for pair in votes for lane in pair})
        result.append([word for word in _chains(lanes, votes) if len(word) > 2])
        ways |= dict.fromkeys({*block.mlp.affine, *block.mlp.gated}, (number,))
    return result


def _votes(behaviour: Behaviour, kind: str) -> Counter[tuple[int, int]]:
    """How often a threshold has one lane right after another, for lanes whose origin has a kind."""
    votes: Counter[tuple[int, int]] = Counter()
    free = np.flatnonzero(behaviour.known[behaviour.driver] == 0).tolist()
    origins: dict[int, Origin] = {lane: ("own", 0, lane) for lane in free}
    for block in behaviour.blocks:
        _after_attention(block, behaviour, origins)
        gates = [(lane, gate) for lane, gates in block.mlp.gated.items() for gate in gates]
        for threshold in {gate.threshold for _, gate in gates}:
            _count(threshold, origins, kind, votes)
        for lane, gate in gates:
            if list(gate.form.bits) == [lane] and origins.get(lane, ("",))[0] == kind:
                _count_flip(gate.threshold, origins[lane], origins, votes)
        for lane in {*block.mlp.affine, *block.mlp.gated}:
            origins.pop(lane, None)
    return votes


def _count(
    threshold: Threshold,
    origins: dict[int, Origin],
    kind: str,
    votes: Counter[tuple[int, int]],
) -> None:
    by_weight: dict[tuple[int, int], list[int]] = {}
    for lane, weight in threshold.bits:
        if lane in origins and origins[lane][0] == kind:
            by_weight.setdefault((origins[lane][1], weight), []).append(origins[lane][2])
    for (head, weight), firsts in by_weight.items():
        for second in by_weight.get((head, 2 * weight), []):
            votes.update((first, second) for first in firsts)


def _count_flip(
    threshold: Threshold,
    flipped: Origin,
    origins: dict[int, Origin],
    votes: Counter[tuple[int, int]],
) -> None:
    """Count a carry that flips a bit in place: the bit comes after the heaviest of the carry."""
    same = [
        (abs(weight), origins[lane][2])
        for lane, weight in threshold.bits
        if lane in origins and origins[lane][:2] == flipped[:2]
    ]
    if same and max(same)[1] != flipped[2]:
        votes[max(same)[1], flipped[2]] += 1


def _after_attention(block: Block, behaviour: Behaviour, origins: dict[int, Origin]) -> None:
    """Note as the origin of each lane that a lookup fills the lane that it reads."""
    for number, (head, seen) in enumerate(block.heads):
        if isinstance(seen.driver, FixedTarget):
            continue
        columns = np.setdiff1d(columns_of(seen.driver.table), [behaviour.driver])
        for lane, factors in head.w_ov.items():
            free = [source for source in factors if not behaviour.known[columns, source].all()]
            if len(free) == 1:
                origins[lane] = ("read", number, free[0])


def cut(row: list[int]) -> list[tuple[int, ...]]:
    """A row of lanes, cut into words of 64 bits at most."""
    return [tuple(row[start : start + _BITS]) for start in range(0, len(row), _BITS)]


def _chains(lanes: list[int], votes: Counter[tuple[int, int]]) -> list[tuple[int, ...]]:
    """Lanes in rows of 64 at most, each before the lane that most votes put after it; the longest
    rows first."""
    after: dict[int, int] = {}
    before: dict[int, int] = {}
    for (first, second), _ in sorted(votes.items(), key=lambda item: (-item[1], item[0])):
        free = first not in after and second not in before and {first, second} <= set(lanes)
        if free and not _leads_to(after, second, first):
            after[first], before[second] = second, first
    rows = []
    for lane in lanes:
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
