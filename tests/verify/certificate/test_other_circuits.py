"""Circuits that are no SUBLEQ: shifts by one-hot lanes, several writes, lanes that nobody needs."""

from __future__ import annotations

import pytest

from looped.circuit.arithmetic import equal
from looped.circuit.circuit import Circuit
from looped.circuit.signals import Gated, Signal, Value, literal
from looped.circuit.words import Word, bit, constant
from looped.errors import CompileError
from looped.passes.allocate import allocate
from looped.passes.emit import compile_circuit, emit
from looped.passes.schedule import schedule
from looped.verify.certificate import Certificate, certify

WIDTH, BITS = 8, 5


def shown(m: Circuit) -> Certificate:
    m.check()
    return certify(compile_circuit(m), m)


def faults(found: Certificate) -> list[str]:
    return [claim.fault for claim in found.claims if claim.fault is not None]


def shifted(x: Word, hot: Word) -> Value:
    """x shifted left by the place of the one in `hot`: a bit only if just one lane is a one."""
    return Value(
        tuple(
            Signal(
                constant(0),
                tuple(Gated(literal(hot[k : k + 1]), bit(x[i - k])) for k in range(i + 1)),
            )
            for i in range(len(x))
        )
    )


def shifter(one_hot: bool) -> Circuit:
    """acc := mem[pc] << (low three bits of mem[pc + 1]), written back to mem[pc]."""
    m = Circuit("shifter", WIDTH, BITS)
    pc = m.register("pc", WIDTH)
    x, amount = m.fetch("x", pc), m.fetch("amount", pc, 1)
    signals = [
        Signal(constant(0), (Gated(equal(amount[:3], k), constant(1)),)) for k in range(WIDTH)
    ]
    if not one_hot:
        signals[3] = Signal(bit(amount[2]))
    hot = m.let("hot", Value(tuple(signals)))
    result = m.let("result", shifted(x, hot))
    m.write("result", pc, result)
    m.next(pc, m.add(pc, 2))
    return m


def test_lanes_that_exclude_each_other_are_seen_through() -> None:
    """As sums over free lanes these are no bits; they are because one lane of `hot` is a one."""
    found = shown(shifter(one_hot=True))
    assert faults(found) == []
    assert found.certified("float32")


def test_lanes_that_do_not_exclude_each_other_are_found_out() -> None:
    m = shifter(one_hot=False)
    with pytest.raises(CompileError, match=r"^lane `result\.4` at .* is not a bit: it is 2 where "):
        m.check()
    scheduled = schedule(m)
    found = certify(emit(scheduled, allocate(scheduled)), m)
    assert any("it is not always a bit" in fault for fault in faults(found))


def two_writes(apart: bool) -> Circuit:
    """mem[x] and mem[not x] are swapped with words of the program, in one block."""
    m = Circuit("twice", WIDTH, BITS)
    pc = m.register("pc", WIDTH)
    x, first, second = m.fetch("x", pc), m.fetch("first", pc, 1), m.fetch("second", pc, 2)
    flipped = Value(tuple(Signal(constant(1) - bit(lane)) for lane in x[:BITS]))
    other = m.let("other", flipped if apart else x[:BITS])
    m.write("first", x, first)
    m.write("second", other, second)
    m.next(pc, m.add(pc, 3))
    return m


def test_two_writes_in_one_block() -> None:
    found = shown(two_writes(apart=True))
    assert faults(found) == []
    names = [head.head for head in found.margins]
    assert [n for n in names if n.startswith("write")] == ["write first", "write second"]


def test_two_writes_that_may_meet_are_found_out() -> None:
    assert faults(shown(two_writes(apart=False))) == ["two writes may meet in one column"]


def test_a_port_that_may_name_a_column_that_is_not_there_is_found_out() -> None:
    """Only `all ones` names a device: a port that is open for any address is none."""
    m = Circuit("port", WIDTH, BITS)
    pc = m.register("pc", WIDTH)
    x = m.fetch("x", pc)
    port = m.let("port", literal(x[:1]))
    m.write("copy", pc, m.read("y", x, port=port))
    m.next(pc, m.add(pc, 1))
    assert any("scaled margin" in fault for fault in faults(shown(m)))


def test_a_circuit_of_another_machine_is_not_that_of_the_weights() -> None:
    machine = compile_circuit(two_writes(apart=True))
    with pytest.raises(CompileError):
        two_writes(apart=True).register("pc", WIDTH)
    m = Circuit("twice", WIDTH, BITS)
    pc = m.register("pc", WIDTH)
    m.next(pc, m.add(pc, 3))
    found = certify(machine, m)
    assert not found.sound
    assert "it has 2 blocks, the circuit takes 1" in faults(found)
