"""A sum of a word and registers becomes heads that add onto the word, if nothing else uses it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from looped import registry
from looped.circuit.arithmetic import without
from looped.circuit.circuit import Circuit
from looped.circuit.signals import Value, disjoint_or, gated, literal
from looped.circuit.words import Word, bit
from looped.passes.emit import compile_circuit
from looped.passes.fuse_reads import fuse_reads
from looped.passes.schedule import schedule
from tests.circuit.evaluate import evaluate, number_in

WIDTH, BITS = 8, 5

Made = Callable[[Circuit, Word, Word, Word], Value]
"""A sum of a word in lanes and of two registers, with all other statements that it needs."""


def circuit(made: Made) -> Circuit:
    """Register 1 is read as `a`, register 2 as `b`; `word` has the high half of the pc."""
    m = Circuit("sums", WIDTH, BITS, register_bits=2, zero_register=True)
    pc, one, two = m.register("pc", WIDTH), m.register("first", 2), m.register("second", 2)
    word = m.let("word", m.select(pc[:1], pc, pc))
    a, b = m.read_register("a", one), m.read_register("b", two)
    m.next(pc, m.add(m.let("sum", made(m, word, a, b)), 1))
    m.check()
    return m


def both(m: Circuit, word: Word, a: Word, b: Word) -> Value:
    return without(disjoint_or(word, a), b)


def test_a_sum_of_a_word_and_two_registers_is_made_by_heads() -> None:
    fused = fuse_reads(circuit(both))
    reads = [(r.name, r.onto.name if r.onto else None, r.negated) for r in fused.reads]
    assert reads == [("a", "word", False), ("sum", "a", True)]
    assert "sum" not in {define.name for define in fused.defines}
    assert schedule(fused).blocks < schedule(circuit(both)).blocks


@pytest.mark.parametrize(("pc", "a", "b"), [(0xA1, 0x0E, 0xAF), (0xF0, 0x0F, 0x81), (3, 0x40, 2)])
def test_it_computes_the_same(pc: int, a: int, b: int) -> None:
    cpu, file = {"pc": pc, "first": 1, "second": 2}, [0, a, b, 0]
    results = []
    for m in (circuit(both), fuse_reads(circuit(both))):
        lanes = evaluate(m, [0] * 32, file, cpu)
        results.append([number_in(r.following or r.word, lanes) for r in m.registers])
    assert results == [[(pc + a - b + 1) & 255, 1, 2]] * 2


def doubled(m: Circuit, word: Word, a: Word, b: Word) -> Value:
    m.next(m.register("kept", WIDTH), word)
    return both(m, word, a, b)


def read_twice(m: Circuit, word: Word, a: Word, b: Word) -> Value:
    m.next(m.register("kept", WIDTH), a)
    return both(m, word, a, b)


def one_bit_elsewhere(m: Circuit, word: Word, a: Word, b: Word) -> Value:
    m.next(m.register("kept", 1), b[7:])
    return both(m, word, a, b)


def turned(m: Circuit, word: Word, a: Word, b: Word) -> Value:
    return both(m, word, Word(a.name, (*a.lanes[1:], a.lanes[0])), b)


def onto_a_register(m: Circuit, word: Word, a: Word, b: Word) -> Value:
    m.next(m.register("kept", WIDTH), word)
    return both(m, m.registers[0].word, a, b)


def beside_a_gated_word(m: Circuit, word: Word, a: Word, b: Word) -> Value:
    flag = m.registers[0].word[:1]
    return disjoint_or(both(m, word, a, b), gated(literal(flag), *[bit(flag[0])] * WIDTH))


def only_registers(m: Circuit, word: Word, a: Word, b: Word) -> Value:
    m.next(m.register("kept", WIDTH), word)
    return disjoint_or(a, b)


@pytest.mark.parametrize(
    "made",
    [
        doubled,
        read_twice,
        one_bit_elsewhere,
        turned,
        onto_a_register,
        beside_a_gated_word,
        only_registers,
    ],
)
def test_what_another_statement_needs_stays(made: Made) -> None:
    m = circuit(made)
    fused = fuse_reads(m)
    assert (fused.reads, fused.defines) == (m.reads, m.defines)


def test_a_next_value_stays_where_its_register_is() -> None:
    m = Circuit("sums", WIDTH, BITS, register_bits=2, zero_register=True)
    pc, one = m.register("pc", WIDTH), m.register("first", 2)
    m.next(pc, disjoint_or(m.let("word", m.add(pc, 1)), m.read_register("a", one)))
    assert fuse_reads(m).defines == m.defines


def test_a_second_time_changes_nothing() -> None:
    once = fuse_reads(circuit(both))
    assert fuse_reads(once) == once


@pytest.mark.parametrize("name", ["rv32i", "rv32im"])
def test_the_pass_saves_a_block_of_a_processor(name: str) -> None:
    described = registry.machine(name).circuit(32, 32)
    assert schedule(described).blocks == 5
    assert schedule(fuse_reads(described)).blocks == 4
    assert all(read.onto is None for read in described.reads)


def test_the_weights_are_those_of_the_fused_circuit() -> None:
    left, right = (compile_circuit(m) for m in (circuit(both), fuse_reads(circuit(both))))
    assert left.plan == right.plan
    ours, theirs = left.model().state_dict(), right.model().state_dict()
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
