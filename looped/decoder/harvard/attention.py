"""The attention of the encoder-decoder, as forms of lanes.

Scores are integer multiples of 128 logits, so that float32 holds them exactly and the softmax is
one-hot. The *clock* of the decoder is the number of a key's position, times 128. M is at least
twice the largest clock. With an address of n bits and h wrong bits:

- *gather*: a token of the kind that a head looks for scores M + clock, and so does the first token;
  every other one scores its clock.
- *read* in the decoder: the cell of an address scores M (n - 2 h - 1) + clock, the first token
  M (n - 2), every other token 2 M less than a cell. So the latest cell of the address wins, and if
  there is none the first token, whose value is zero and which is not `found`.
- *read* in the encoder, in units of 128: a word scores n - 2 h + 1, the first token n - 1 if the
  word is to be read here, and n + 3 if the decoder has found it: then its value is zero.
"""

from __future__ import annotations

import math

from looped.decoder.attention import Attention, Head
from looped.decoder.forms import Form, bit, constant, lane, number
from looped.decoder.harvard.layout import Layout
from looped.decoder.spec import HEAD_DIM

__all__ = ["encode", "fetch", "gather", "read", "read_program"]

_UNIT = 128.0 * HEAD_DIM**0.5
"""128 logits, in queries: attention divides scores by √d_head."""


def encode(layout: Layout) -> Attention:
    """Encoder: each word gathers the digits of itself and of the two words after it.

    A token with the address and the place of the digit scores n + 2, every other one n or less.
    The first token attends to itself.
    """
    lanes, spec, n = layout.lanes, layout.spec, layout.spec.address_bits
    first = bit(lanes["first"][0])
    itself = n + spec.digits
    keys = {j: lane(index) for j, index in enumerate(lanes["address"])}
    keys |= {n + k: bit(index) for k, index in enumerate(lanes["is_v"])} | {itself: first}
    heads, (leading, second) = [], "ab" if spec.order == 0 else "ba"
    for address, word in (("address", leading), ("pc+1", second), ("pc+2", "c")):
        for k in range(spec.digits):
            query = {j: lane(index) * _UNIT for j, index in enumerate(lanes[address])}
            query |= {n + k: constant(2 * _UNIT), itself: first * (_UNIT * (2 * n + 4))}
            low = 8 * (spec.digits - 1 - k)
            heads.append(Head(query, {i: lanes[word][low + i] for i in range(8)}))
    return Attention(keys, _copied(lanes["digit"][:8]), tuple(heads))


def gather(layout: Layout) -> Attention:
    """Decoder: the latest address, value and program counter."""
    lanes, spec = layout.lanes, layout.spec
    first = bit(lanes["first"][0])
    kinds = [("is_b", 0, "address", 0)]
    kinds += [("is_v", k, "value", 8 * (spec.digits - 1 - k)) for k in range(spec.digits)]
    kinds += [("is_p", 0, "pc", 0)]
    keys = {0: number(lanes["time"])}
    heads = []
    for index, (kind, k, word, low) in enumerate(kinds, 1):
        keys[index] = bit(lanes[kind][k]) + (constant(0) if kind == "is_p" else first)
        query = {0: constant(_UNIT), index: constant(_beyond(layout))}
        size = 8 if word == "value" else min(len(lanes[word]), len(lanes["digit"]))
        heads.append(Head(query, {i: lanes[word][low + i] for i in range(size)}))
    return Attention(keys, _copied(lanes["digit"]), tuple(heads))


def fetch(layout: Layout) -> Attention:
    """Cross-attention: the instruction at the program counter, and the program counter after it."""
    lanes = layout.lanes
    words = [*lanes["a"], *lanes["b"], *lanes["c"], *lanes["following"]]
    query = _asked(layout, "pc", _UNIT)
    return Attention(_addressed(layout), _copied(words), (Head(query, dict(enumerate(words))),))


def read(layout: Layout) -> Attention:
    """Decoder: the words at the operands a and b, and whether a record has them."""
    lanes, n, scale = layout.lanes, layout.spec.address_bits, _beyond(layout)
    first = bit(lanes["first"][0])
    keys = {j: lane(index) + first for j, index in enumerate(lanes["address"])}
    keys[n] = bit(lanes["cell"][0]) * 2 - constant(3) + first * (n + 1)
    keys[n + 1] = number(lanes["time"])
    heads = []
    for operand in "ab":
        query = _asked(layout, operand, scale) | {n + 1: constant(_UNIT)}
        targets = [*lanes[f"mem_{operand}"], *lanes[f"found_{operand}"]]
        heads.append(Head(query, dict(enumerate(targets))))
    return Attention(keys, _copied([*lanes["value"], *lanes["cell"]]), tuple(heads))


def read_program(layout: Layout) -> Attention:
    """Cross-attention: the words at the operands of which the decoder has no record."""
    lanes, n = layout.lanes, layout.spec.address_bits
    keys = _addressed(layout) | {n + 1: bit(lanes["first"][0])}
    heads = []
    for operand in "ab":
        found = lane(lanes[f"found_{operand}"][0])
        query = _asked(layout, operand, _UNIT)
        query[n + 1] = (found * 2 + constant(n + 4)) * _UNIT
        heads.append(Head(query, dict(enumerate(lanes[f"mem_{operand}"]))))
    return Attention(keys, _copied(lanes["a"]), tuple(heads))


def _copied(lanes: range | list[int]) -> dict[int, Form]:
    """Values that turn a lane that is -1 into another lane when they are added."""
    return {i: lane(index) + constant(1) for i, index in enumerate(lanes)}


def _asked(layout: Layout, address: str, scale: float) -> dict[int, Form]:
    """A query for an address, and for a cell."""
    n = layout.spec.address_bits
    query = {j: lane(layout.lanes[address][j]) * scale for j in range(n)}
    return query | {n: constant(scale)}


def _addressed(layout: Layout) -> dict[int, Form]:
    """Keys of the encoder: the last digit of a word is its cell, the first token has no address."""
    lanes, n = layout.lanes, layout.spec.address_bits
    first = bit(lanes["first"][0])
    keys = {j: lane(index) + first for j, index in enumerate(lanes["address"])}
    return keys | {n: bit(lanes["is_v"][-1]) * 4 - constant(3)}


def _beyond(layout: Layout) -> float:
    """M: twice the largest clock and more."""
    return math.ldexp(_UNIT, layout.time_bits + 1)
