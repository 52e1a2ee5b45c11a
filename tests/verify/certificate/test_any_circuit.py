"""Circuits of all shapes: each is certified, or refused by a claim, never by an accident."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from looped.circuit.arithmetic import all_ones
from looped.circuit.circuit import Circuit
from looped.circuit.signals import Signal, Value, gated, literal
from looped.circuit.words import bit, constant
from looped.passes.emit import compile_circuit
from looped.verify.certificate import certify


def fetched_alone(width: int) -> Circuit:
    """A word is fetched, and all of it kept."""
    m = Circuit("fetched", width, min(width, 5))
    pc = m.register("pc", width)
    kept = m.register("kept", width)
    word = m.fetch("word", pc)
    m.next(kept, word)
    m.next(pc, Value(tuple(Signal(constant(1) - bit(lane)) for lane in pc)))
    return m


def indirect(depth: int) -> Circuit:
    """A chain of pointers, one block each; all bits of each word are used."""
    m = Circuit("indirect", 5, 5)
    pc = m.register("pc", 5)
    word = m.fetch("first", pc)
    for i in range(depth):
        word = m.read(f"next of {i}", word)
    m.next(pc, word)
    return m


def moved() -> Circuit:
    """mem[pc] := mem[mem[pc]], written after reads of two blocks."""
    m = Circuit("moved", 8, 5)
    pc = m.register("pc", 8)
    word = m.fetch("word", pc)
    content = m.read("content", word)
    m.write("content", pc, content, when=m.let("odd", literal(content[:1])))
    m.next(pc, content)
    return m


def filed() -> Circuit:
    """A register file without a zero register: x[low] := x[high], memory is read only."""
    m = Circuit("filed", 8, 5, 2)
    pc = m.register("pc", 8)
    word = m.fetch("word", pc)
    x = m.read_register("x", word[:2])
    where = m.let("where", gated(all_ones(word[4:6]), *map(bit, word[2:4]), *[constant(0)] * 3))
    m.write("x", where, x, in_registers=m.let("in file", Value((Signal(constant(1)),))))
    m.next(pc, m.add(pc, 1))
    return m


def outputs_only() -> Circuit:
    """A register that the host sets, an output of it, a word that is fetched for nothing else."""
    m = Circuit("outputs", 8, 5)
    pc = m.register("pc", 8)
    word = m.fetch("word", pc)
    m.output("told", m.select(literal(m.pin("pin")), word, 0), 8)
    m.next(pc, pc)
    return m


CIRCUITS: dict[str, Callable[[], Circuit]] = {
    "5 bits": lambda: fetched_alone(5),
    "13 bits": lambda: fetched_alone(13),
    "64 bits": lambda: fetched_alone(64),
    "a chain": lambda: indirect(3),
    "moved": moved,
    "filed": filed,
    "outputs": outputs_only,
}


@pytest.mark.parametrize("name", CIRCUITS)
def test_a_valid_circuit_is_certified(name: str) -> None:
    circuit = CIRCUITS[name]()
    circuit.check()
    found = certify(compile_circuit(circuit), circuit)
    assert [claim.fault for claim in found.claims if not claim.holds] == []
    assert found.sound


def test_a_register_file_beside_a_fetch_with_an_offset() -> None:
    """Registers have their numbers in every word of positions, memory words shifted ones."""
    m = Circuit("x", 4, 3, 1)
    pc = m.register("pc", 4)
    m.next(pc, m.read_register("b", m.fetch("a", pc, 1)))
    assert [claim.fault for claim in certify(compile_circuit(m), m).claims if claim.fault] == []
