"""Loads and stores: little-endian bytes and halves of a word, by the low bits of an address."""

from __future__ import annotations

from collections.abc import Iterable

from looped.compiler.arithmetic import equal
from looped.compiler.circuit import Circuit
from looped.compiler.signals import (
    Condition,
    Gated,
    Signal,
    Value,
    literal,
    merge,
    one_of,
    weighed,
)
from looped.compiler.words import Form, Word, bit, constant, total
from looped.machines.rv32i.adder import Adder
from looped.machines.rv32i.decode import Decoded

__all__ = ["ACCESSES", "STORES", "load", "misaligned", "outside", "store"]

STORES = ("sb", "sh", "sw")
ACCESSES = ("load", *STORES)


def load(d: Decoded, place: Word, word: Word) -> Value:
    """What a load puts into its register, else zero; `place` is the byte in the word."""
    bits = [bit(lane) for lane in word]
    parts = [_from(16, d.holds("lw"), bits[16:])]
    for byte in range(4):
        here, own = equal(place, byte), bits[8 * byte : 8 * byte + 8]
        parts.append(_from(0, d.holds("load") & here, own))
        parts.append(_from(8, d.holds("lb") & here, own[-1:] * 24))
    for half in range(2):
        here, own = equal(place[1:], half), bits[16 * half : 16 * half + 16]
        parts.append(_from(8, d.holds("wide") & here, own[8:]))
        parts.append(_from(16, d.holds("lh") & here, own[-1:] * 16))
    return merge(*parts)


def _from(first: int, condition: Condition, bits: list[Form]) -> Value:
    """Some bits of a word of 32, from bit `first`, where a condition holds; zeros around them."""
    before = [constant(0)] * first
    return weighed(condition, *before, *bits, *[constant(0)] * (32 - first - len(bits)))


def store(d: Decoded, place: Word, word: Word, new: Word) -> Value:
    """The memory word that a store leaves, else zero."""
    signals = []
    for i, lane in enumerate(word):
        old, byte, half = bit(lane), bit(new[i % 8]), bit(new[i % 16])
        terms = (
            Gated(Condition(old, 1), d.bit("sb", "sh")),
            Gated(d.holds("sb") & equal(place, i // 8), byte - old),
            Gated(d.holds("sh") & equal(place[1:], i // 16), half - old),
            Gated(d.holds("sw"), bit(new[i])),
        )
        signals.append(Signal(constant(0), terms))
    return Value(tuple(signals))


def misaligned(d: Decoded, place: Word) -> Value:
    """Whether a half or a word is accessed at an address that is no multiple of its size."""
    half = one_of([d.holds("half") & literal(place[:1])])
    return merge(half, weighed(Condition(total(place), 1), d.bit("word")))


def outside(m: Circuit, d: Decoded, address: Adder) -> Iterable[Word]:
    """Bits that say that a load or a store goes beyond the memory: its address is too large.

    The high sum modulo its limit must be zero, and so must what is left of the low one.
    """
    accesses = d.bit(*ACCESSES)
    high, limit = address.high_total, address.high_limit
    yield m.let(
        "outside",
        merge(
            weighed(Condition(high, 1), accesses),
            weighed(Condition(high, limit), -accesses),
            weighed(Condition(high, limit + 1), accesses),
        ),
    )
    rest = address.low[m.address_bits + 2 :]
    if len(rest):
        yield m.let("outside by little", weighed(Condition(total(rest), 1), accesses))
