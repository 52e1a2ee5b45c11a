"""Loads and stores: little-endian bytes and halves of a word, by the low bits of an address."""

from __future__ import annotations

from dataclasses import dataclass

from looped.circuit.arithmetic import equal, select
from looped.circuit.circuit import Circuit
from looped.circuit.signals import Condition, Gated, Signal, Value, disjoint_or, gated, literal
from looped.circuit.words import Form, Word, bit, constant
from looped.machines.rv32i.adder import Adder
from looped.machines.rv32i.kinds import flag
from looped.machines.rv32i.places import Places

__all__ = ["LoadStoreInputs", "LoadStoreOutputs", "load_store"]


@dataclass(frozen=True, slots=True)
class LoadStoreInputs:
    """Ports into the load/store unit.

    | port                       | bits   | content                                       |
    |----------------------------|--------|-----------------------------------------------|
    | `places`                   |        | which addresses are in memory: Places         |
    | `base`                     | 32     | rs1                                           |
    | `address`                  | 32     | rs1 + immediate                               |
    | `new`                      | 32     | the register to store                         |
    | `rd_nonzero`               | 1      | whether a load has a register to write        |
    | `is_load`                  | 1      | any load                                      |
    | `is_lb`, `is_lh`, `is_lw`  | 1 each | LB, LH, LW                                    |
    | `is_wide`                  | 1      | a load of a half or a word                    |
    | `is_sb`, `is_sh`, `is_sw`  | 1 each | SB, SH, SW                                    |
    | `is_wide_access`           | 1      | the address must be a multiple of 2           |
    | `is_word_access`           | 1      | the address must be a multiple of 4           |
    | `probes`                   | 1 each | flags of other accesses, which only read      |
    """

    places: Places
    base: Word
    address: Adder
    new: Word
    rd_nonzero: Word
    is_load: Word
    is_lb: Word
    is_lh: Word
    is_lw: Word
    is_wide: Word
    is_sb: Word
    is_sh: Word
    is_sw: Word
    is_wide_access: Word
    is_word_access: Word
    probes: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadStoreOutputs:
    """Ports out of the load/store unit.

    | port         | bits | content                                                        |
    |--------------|------|----------------------------------------------------------------|
    | `word`       | 32   | the word in memory                                             |
    | `loaded`     | 32   | the value that a load puts into its register, else zero        |
    | `stored`     | 32   | the word that a store leaves in memory, else zero              |
    | `writes`     | 1    | whether a load or store without a fault writes to a column     |
    | `where`      |      | the place of the word in memory                                |
    | `misaligned` | 2    | the bits of the address that are one but must be zero          |
    | `mem_fault`  | 1    | whether the access is misaligned or outside memory             |
    """

    word: Word
    loaded: Value
    stored: Value
    writes: Value
    where: Word
    misaligned: Word
    mem_fault: Word


def load_store(m: Circuit, i: LoadStoreInputs) -> LoadStoreOutputs:
    """Read the word at the address, align it, and check the address."""
    where = i.places.word(i.address.low, i.base)
    place, word = i.address.low[:2], m.read("word", where)
    misaligned = m.let("misaligned", _misaligned(i))

    def faulty(what: Form) -> Value:
        return fault(i, misaligned, what)

    stores = Value((Signal(flag(i.is_sb, i.is_sh, i.is_sw)),))
    any_access = flag(i.is_load, i.is_sb, i.is_sh, i.is_sw, *i.probes)
    accesses = m.let("accesses", Value((Signal(any_access),)))
    load = gated(literal(i.rd_nonzero), flag(i.is_load))
    would_write = m.let("would write", disjoint_or(stores, load))
    return LoadStoreOutputs(
        word=word,
        loaded=loaded(i, place, word),
        stored=stored(i, place, word),
        writes=disjoint_or(would_write, faulty(-bit(would_write[0]))),
        where=where,
        misaligned=misaligned,
        mem_fault=m.let("mem fault", faulty(bit(accesses[0]))),
    )


def loaded(i: LoadStoreInputs, place: Word, word: Word) -> Value:
    """The value that a load puts into its register, else zero; `place` is the number of the byte in
    the word."""
    bits = [bit(lane) for lane in word]
    parts = [_from(16, literal(i.is_lw), bits[16:])]
    for byte in range(4):
        here, own = equal(place, byte), bits[8 * byte : 8 * byte + 8]
        parts.append(_from(0, literal(i.is_load) & here, own))
        parts.append(_from(8, literal(i.is_lb) & here, own[-1:] * 24))
    for half in range(2):
        here, own = equal(place[1:], half), bits[16 * half : 16 * half + 16]
        parts.append(_from(8, literal(i.is_wide) & here, own[8:]))
        parts.append(_from(16, literal(i.is_lh) & here, own[-1:] * 16))
    return disjoint_or(*parts)


def _from(first: int, condition: Condition, bits: list[Form]) -> Value:
    """Some bits of a word of 32, from bit `first`, where a condition holds; zeros around them."""
    before = [constant(0)] * first
    return gated(condition, *before, *bits, *[constant(0)] * (32 - first - len(bits)))


def stored(i: LoadStoreInputs, place: Word, word: Word) -> Value:
    """The memory word that a store leaves, else zero."""
    signals = []
    for k, lane in enumerate(word):
        old, byte, half = bit(lane), bit(i.new[k % 8]), bit(i.new[k % 16])
        terms = (
            Gated(Condition(old, 1), flag(i.is_sb, i.is_sh)),
            Gated(literal(i.is_sb) & equal(place, k // 8), byte - old),
            Gated(literal(i.is_sh) & equal(place[1:], k // 16), half - old),
            Gated(literal(i.is_sw), bit(i.new[k])),
        )
        signals.append(Signal(constant(0), terms))
    return Value(tuple(signals))


def _misaligned(i: LoadStoreInputs) -> Value:
    """The bits of an address that must be zero for a half or a word."""
    first, second = (Value((signal,)) for signal in i.address.low_bits.signals[:2])
    bits = (
        select(literal(i.is_wide_access), first, 0, 1),
        select(literal(i.is_word_access), second, 0, 1),
    )
    return Value(tuple(signal for value in bits for signal in value.signals))


def fault(i: LoadStoreInputs, misaligned: Word, what: Form) -> Value:
    """The bit `what` where an address is misaligned or outside memory.

    One sum decides for each region: the high part of the address weighs more than all the low bits
    that could be wrong. It must be that of the region's base, with or without a carry out of the
    whole address, and none of those bits may be wrong. With two regions one of these is the bit of
    rs1 that selects a region: an access whose sum is in the other region is a fault, too.
    """
    faults, certain = list[Value](), 1
    for base in i.places.regions.bases:
        wrong = [*map(bit, misaligned), *i.places.differing(i.address.low, i.base, base)]
        weight = len(wrong) + 1
        whole = sum(wrong, i.address.high_total * weight)
        high = base >> len(i.address.low)
        for least in (high * weight, (high + i.address.high_limit) * weight):
            if least:
                faults.append(gated(Condition(whole, least), -what))
            else:  # this condition always holds
                certain -= 1
            faults.append(gated(Condition(whole, least + 1), what))
    return disjoint_or(Value((Signal(what * certain),)), *faults)
