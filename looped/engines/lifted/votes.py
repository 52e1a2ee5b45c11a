"""Votes: what thresholds, copies and codes of columns say about the order of lanes in words.

If a threshold weighs lane u with w and lane v with 2w, and both came to the driver in the same way,
that is a vote for v as the bit after u. So is a head whose target moves by 2^n columns with u and
by 2^(n + 1) with v. A carry from one slice of a word into another is a vote for the lightest bit of
the latter as the one after the heaviest of the former. And a word speaks for the lanes that its
bits come from: if an MLP or a head computes u from s as it computes v from t, then t comes after s.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from looped.analysis.grid import Ints
from looped.analysis.keys import NOBODY
from looped.analysis.steps import Gated, MlpSteps, Threshold
from looped.engines.lifted.columns import Behaviour, Block
from looped.engines.lifted.heads import Capture, Lookup, columns_of, without

__all__ = ["HeadVotes", "MlpVotes", "Votes", "Ways", "carry_votes", "ways_of"]

Votes = Counter[tuple[int, int]]
"""For two lanes at some point of a pass: how much speaks for the second as the bit after the
first."""

Ways = dict[int, tuple[int, ...]]
"""How lanes came to the driver: by which heads or which MLP. Lanes without an entry are as they
were at the beginning of the pass."""


def ways_of(behaviour: Behaviour) -> list[Ways]:
    """How lanes came to the driver, before the MLP of each block."""
    result = []
    ways: Ways = {}
    for number, block in enumerate(behaviour.blocks):
        heads: Ways = {}
        for head, (weights, _) in enumerate(block.heads):
            for lane in weights.w_ov:
                heads[lane] = (*heads.get(lane, ()), head)
        ways = ways | {lane: (number, *some) for lane, some in heads.items()}
        result.append(ways)
        ways = ways | dict.fromkeys({*block.mlp.affine, *block.mlp.gated}, (number,))
    return result


def carry_votes(behaviour: Behaviour, ways: Sequence[Ways]) -> list[Votes]:
    """The votes of carries for the lanes that the MLP of each block reads, which makes them."""
    result: list[Votes] = [Counter() for _ in behaviour.blocks]
    made: dict[int, tuple[int, Threshold]] = {}
    for number, block in enumerate(behaviour.blocks):
        for threshold in {gate.threshold for some in block.mlp.gated.values() for gate in some}:
            for carry, _ in threshold.bits:
                if carry in made and ways[number].get(carry) == (made[carry][0],):
                    origin, sum_ = made[carry]
                    slices = _lightest(threshold, ways[number])
                    for pair in _after_heaviest(sum_, slices, ways[origin]):
                        for place in (origin, number):
                            if all(_same(lane, ways[origin], ways[place]) for lane in pair):
                                result[place][pair] += 1
        for lane, gates in block.mlp.gated.items():
            if len(gates) == 1 and not gates[0].form.bits:
                made[lane] = number, gates[0].threshold
    return result


def _same(lane: int, *places: Ways) -> bool:
    """Whether a lane came to the driver in the same way at all places, so has not changed."""
    return len({ways.get(lane) for ways in places}) == 1


def _lightest(threshold: Threshold, ways: Ways) -> set[tuple[int, object]]:
    """The lanes with the weights 1 or -1, and how they came to the driver, where others have twice
    as much and came like them."""
    twice = {(ways.get(lane), weight) for lane, weight in threshold.bits}
    return {
        (lane, ways.get(lane))
        for lane, weight in threshold.bits
        if abs(weight) == 1 and (ways.get(lane), 2 * weight) in twice
    }


def _after_heaviest(
    threshold: Threshold, lightest: Iterable[tuple[int, object]], ways: Ways
) -> Iterable[tuple[int, int]]:
    """The heaviest lanes of a threshold, with the `lightest` ones of a later threshold that came
    like them."""
    heaviest: dict[object, tuple[int, int]] = {}
    for lane, weight in threshold.bits:
        own = ways.get(lane)
        heaviest[own] = max(heaviest.get(own, (0, lane)), (abs(weight), lane))
    for lane, way in lightest:
        weight, before = heaviest.get(way, (0, lane))
        if weight > 1 and ways.get(lane) == way:
            yield before, lane


class MlpVotes:
    """The votes of an MLP for the lanes that it reads: `own` are those of its thresholds, and of
    the `carries` that it makes."""

    def __init__(self, mlp: MlpSteps, ways: Ways, carries: Votes) -> None:
        self.mlp = mlp
        self.ways = ways
        self.changed = {*mlp.affine, *mlp.gated}
        self.own: Votes = Counter(carries)
        self._gates: dict[int, dict[object, Gated]] = {}
        self._sources: dict[tuple[int, int], list[tuple[int, int]]] = {}
        gates = [(lane, gate) for lane, some in mlp.gated.items() for gate in some]
        for threshold in {gate.threshold for _, gate in gates}:
            self._count(threshold)
        for lane, gate in gates:
            if list(gate.form.bits) == [lane]:
                self._count_flip(gate.threshold, lane)

    def of_sources(self, votes: Votes) -> Votes:
        """Votes for the lanes that the MLP reads, from votes for the lanes that it leaves."""
        result: Votes = Counter()
        for pair, count in votes.items():
            if not self.changed & {*pair}:
                result[pair] += count
                continue
            if pair not in self._sources:
                first, second = (self._by_shape(lane) for lane in pair)
                alike = [(gate, second[shape]) for shape, gate in first.items() if shape in second]
                self._sources[pair] = [p for a, b in alike for p in _sources(a, b, self.ways)]
            for source in self._sources[pair]:
                result[source] += count
        return result

    def _count(self, threshold: Threshold) -> None:
        """Count lanes whose weight doubles."""
        by_weight: dict[tuple[object, int], list[int]] = {}
        for lane, weight in threshold.bits:
            by_weight.setdefault((self.ways.get(lane), weight), []).append(lane)
        for (way, weight), firsts in by_weight.items():
            for second in by_weight.get((way, 2 * weight), []):
                self.own.update((first, second) for first in firsts)

    def _count_flip(self, threshold: Threshold, flipped: int) -> None:
        """Count a carry that flips a bit in place: the bit comes after the heaviest of the
        carry."""
        way = self.ways.get(flipped)
        same = [(abs(w), lane) for lane, w in threshold.bits if self.ways.get(lane) == way]
        if same and max(same)[1] != flipped:
            self.own[max(same)[1], flipped] += 1

    def _by_shape(self, lane: int) -> dict[object, Gated]:
        """The gates of a lane by what is the same for bits that are computed alike: the threshold,
        if it gates another lane, else its weights."""
        if lane not in self._gates:
            found: dict[object, Gated] = {}
            for gate in self.mlp.gated.get(lane, ()):
                factors = tuple(gate.form.bits.values())
                weights = tuple(sorted(weight for _, weight in gate.threshold.bits))
                alike = gate.threshold if factors else (weights, gate.threshold.at)
                found.setdefault((alike, factors, gate.form.constant), gate)
            self._gates[lane] = found
        return self._gates[lane]


def _sources(first: Gated, second: Gated, ways: Ways) -> list[tuple[int, int]]:
    """The lanes at corresponding places of two gates of one shape, where they differ."""
    if first.form.bits:
        pairs = zip(first.form.bits, second.form.bits, strict=True)
        return [pair for pair in pairs if pair[0] != pair[1]]
    return _differing(first.threshold, second.threshold, ways)


def _differing(first: Threshold, second: Threshold, ways: Ways) -> list[tuple[int, int]]:
    """The lanes of two thresholds that have the same weight and came in the same way, if they
    differ and no other lanes have the same."""
    one, other = set(first.bits), set(second.bits)
    found: dict[object, tuple[list[int], list[int]]] = {}
    for side, bits in enumerate((one - other, other - one)):
        for lane, weight in bits:
            found.setdefault((ways.get(lane), weight), ([], []))[side].append(lane)
    return [(a[0], b[0]) for a, b in found.values() if len(a) == len(b) == 1]


class HeadVotes:
    """The votes of the heads of a block: `own` are those of codes of columns, for the driver."""

    def __init__(self, block: Block, behaviour: Behaviour) -> None:
        self.own: Votes = Counter()
        self.origins: list[dict[int, int]] = []
        self.written: list[dict[int, int]] = []
        for head, seen in block.heads:
            for codes in (seen.driver, seen.capture):
                if isinstance(codes, Lookup | Capture):
                    self.own.update(_in_order(codes.bits, codes.table))
            if seen.capture is not None:
                effects = seen.capture.effects.items()
                driver = {lane: [*sources] for lane, (_, _, sources) in effects}
                self.written.append({lane: s[0] for lane, s in driver.items() if len(s) == 1})
            if isinstance(seen.driver, Lookup):
                columns = without(columns_of(seen.driver.table), np.array([behaviour.driver]))
                known = np.asarray(behaviour.of_all(columns).all(axis=0))
                free = {
                    lane: [source for source in factors if not known[source]]
                    for lane, factors in head.w_ov.items()
                }
                self.origins.append({lane: s[0] for lane, s in free.items() if len(s) == 1})

    def of_driver(self, pairs: set[tuple[int, int]]) -> set[tuple[int, int]]:
        """The lanes that lookups fill with successive lanes of columns, from these."""
        return {
            (first, second)
            for origins in self.origins
            for first, second in itertools.permutations(origins, 2)
            if (origins[first], origins[second]) in pairs
        }

    def of_written(self, votes: Votes) -> Votes:
        """Votes for lanes that the driver writes, from votes for the lanes of columns."""
        result: Votes = Counter()
        for written in self.written:
            for (first, second), count in votes.items():
                if first in written and second in written:
                    result[written[first], written[second]] += count
        return result

    def of_columns(self, votes: Votes) -> Votes:
        """Votes for lanes of the columns that lookups read, from votes for the lanes that they
        fill."""
        result: Votes = Counter()
        for origins in self.origins:
            for (first, second), count in votes.items():
                if first in origins and second in origins:
                    result[origins[first], origins[second]] += count
        return result


def _in_order(bits: Sequence[Threshold], table: Ints) -> Iterable[tuple[int, int]]:
    """The lanes of successive bits of the number of a column."""
    lowest = int(np.where(table == NOBODY, table.max(), table).argmin())
    by_distance: dict[int, Threshold] = {}
    for place, threshold in enumerate(bits):
        column = int(table[lowest ^ 1 << place])
        if column != NOBODY:
            by_distance[column - int(table[lowest])] = threshold
    for distance, threshold in by_distance.items():
        if distance > 0 and 2 * distance in by_distance:
            yield from _differing(threshold, by_distance[2 * distance], {})
