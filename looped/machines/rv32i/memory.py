"""Loads and stores: little-endian bytes and halves of a word, by the low bits of an address."""

from __future__ import annotations

from looped.compiler.arithmetic import equal, select
from looped.compiler.signals import Condition, Gated, Signal, Value, merge, weighed
from looped.compiler.words import Form, Word, bit, constant
from looped.machines.rv32i.adder import Adder
from looped.machines.rv32i.decode import Decoded

__all__ = ["ACCESSES", "STORES", "beyond", "load", "misplaced", "store"]

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


def misplaced(d: Decoded, address: Adder) -> Value:
    """The bits of an address that must be zero, as an access to a half or a word asks."""
    first, second = (Value((signal,)) for signal in address.low_bits.signals[:2])
    bits = (
        select(d.holds("wide access"), first, 0, 1),
        select(d.holds("word access"), second, 0, 1),
    )
    return Value(tuple(signal for value in bits for signal in value.signals))


def beyond(address: Adder, misplaced: Word, address_bits: int, what: Form) -> Value:
    """The bit `what` where an address is misplaced or outside memory.

    Bit 31 is not looked at. One sum tells it: the high part of the address weighs more than all the
    low bits that must be zero. It has to be zero, or to be what just carries, and so have they.
    """
    low = [*misplaced, *address.low[address_bits + 2 :]]
    weight = len(low) + 1
    whole = sum(map(bit, low), address.signless_total * weight)
    limit = address.signless_limit * weight
    return merge(
        weighed(Condition(whole, 1), what),
        weighed(Condition(whole, limit), -what),
        weighed(Condition(whole, limit + 1), what),
    )
