"""Attention: gather the latest digits, and read words from the latest records of their addresses.

All heads of a layer share one key and one value per token. Scores are in units of S, the scale of
the clock; `clock` stands for the clock's share, between -0.77 S and +0.77 S, larger for later
tokens.

- *gather*: a token of the kind that a head looks for scores 2 S + clock, every other token at most
  0.77 S. The first token is of every kind, and the oldest.
- *read*, for an address of n bits: a cell with h wrong bits scores
  S (n - 2 h - 1) + clock. Other tokens score 2 S less. The first token has no clock, and scores
  S (n - 2): it is the zero of words that were never written. So the latest cell of an address beats
  that zero by 0.23 S, and the zero beats a cell of any other address by 0.23 S.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from looped.circuit.circuit import Read
from looped.decoder.clock import PAIRS, Clock
from looped.decoder.forms import Form, Lanes, bit, constant, lane
from looped.decoder.machine import machine
from looped.decoder.spec import COLUMN_BITS, HEAD_DIM, Spec
from looped.errors import CompileError

__all__ = ["Attention", "Head", "attention", "least_distance", "matched_lanes"]

_SCALING = math.sqrt(HEAD_DIM)
"""Attention divides scores by it; queries make up for it."""


@dataclass(frozen=True, slots=True)
class Head:
    """The query by place in the head, and where the places of the value are added to."""

    query: dict[int, Form]
    targets: dict[int, int]


@dataclass(frozen=True, slots=True)
class Attention:
    """The shared keys and values, by place in the head, and the heads of one layer."""

    keys: dict[int, Form]
    values: dict[int, Form]
    heads: tuple[Head, ...]


def _kinds(spec: Spec) -> list[tuple[str, int, str, int]]:
    """What a head gathers: lane that marks the kind, and the target of its digit, with places."""
    values = [("is_v", k, "value", 8 * (spec.digits - 1 - k)) for k in range(spec.digits)]
    kinds = [("is_b", 0, "address", 0), *values, ("is_p", 0, "pc", 0)]
    return kinds + ([("is_r", 0, "oldest", 0)] if spec.window is not None else [])


def matched_lanes(spec: Spec) -> int:
    """The most lanes of a head that match: the bits of an address and a flag, or the kinds."""
    return max(spec.address_bits + 1, len(_kinds(spec)))


def least_distance(spec: Spec) -> int:
    """Tokens between two keys that match one query and differ in value, at least.

    Records are two tokens or more, and so are the words of the prompt; only one-byte words are one.
    """
    return min(2, spec.digits)


def attention(spec: Spec, lanes: Lanes, clock: Clock) -> tuple[Attention, ...]:
    """The attention of each layer: the first one gathers, each other one reads.

    Raises CompileError if the clock and the matching lanes need more rotary pairs than a head has.
    """
    match = PAIRS - matched_lanes(spec)
    if clock.pair >= match:
        raise CompileError(
            f"a context of {spec.span:,} tokens is too long: the clock meets the matching lanes",
            hint="use a shorter context or a smaller memory",
        )
    time = {
        clock.pair: constant(clock.scale * math.cos(clock.phase) * _SCALING),
        clock.pair + PAIRS: constant(clock.scale * math.sin(clock.phase) * _SCALING),
    }
    gather = _gather(spec, lanes, clock, time, match)
    cells = _Cells(spec, lanes, clock, time, match)
    trace = machine(spec)
    reads = (trace.schedule.reads.get(2 * layer, []) for layer in range(1, trace.layers))
    return gather, *map(cells.reading, reads)


def _gather(spec: Spec, lanes: Lanes, clock: Clock, time: dict[int, Form], match: int) -> Attention:
    keys = {clock.pair: constant(1)}
    heads = []
    for index, (kind, place, word, low) in enumerate(_kinds(spec)):
        keys[match + index] = bit(lanes[kind][place])
        query = time | {match + index: constant(2 * clock.scale * _SCALING)}
        size = 8 if word == "value" else min(len(lanes[word]), len(lanes["digit"]))
        heads.append(Head(query, {i: lanes[word][low + i] for i in range(size)}))
    values = {i: lane(index) + constant(1) for i, index in enumerate(lanes["digit"])}
    return Attention(keys, values, tuple(heads))


class _Cells:
    """Memory cells as keys and values, and queries for addresses."""

    def __init__(
        self, spec: Spec, lanes: Lanes, clock: Clock, time: dict[int, Form], match: int
    ) -> None:
        self.lanes, self.clock, self.time, self.match = lanes, clock, time, match
        self.bits = bits = spec.address_bits
        first = bit(lanes["first"][0])
        keys = {clock.pair: constant(1) - first}
        address = [*lanes["cell address"], *lanes["address"][COLUMN_BITS:]]
        for i, index in enumerate(address):  # zero in the first token: its address is 0
            keys[match + i] = lane(index) + first
        cell = bit(lanes["cell"][0])
        keys[match + bits] = cell * 2 - constant(3) + first * (bits + 1)
        self.keys = keys
        self.values = {i: lane(index) + constant(1) for i, index in enumerate(lanes["value"])}

    def reading(self, reads: Sequence[Read]) -> Attention:
        """Heads that read words. Without any, keys still say what a token is."""
        return Attention(self.keys, self.values, tuple(map(self._head, reads)))

    def _head(self, read: Read) -> Head:
        scale = self.clock.scale * _SCALING
        address = [lane(index) for index in self.lanes.indices(read.address)]
        address += [constant(-1)] * (self.bits - len(address))
        query = {self.match + i: form * scale for i, form in enumerate(address)}
        query[self.match + self.bits] = constant(scale)
        return Head(self.time | query, dict(enumerate(self.lanes.indices(read.result), read.first)))
