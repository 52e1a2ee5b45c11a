"""The front panel serves the ports that a machine declares, and needs no others."""

from __future__ import annotations

import dataclasses
import io

import numpy as np
import pytest

from looped.artefact.plan import CompiledMachine
from looped.artefact.validity import check_plan
from looped.circuit.arithmetic import all_ones, equal
from looped.circuit.circuit import Circuit
from looped.circuit.signals import literal
from looped.engines.auto import AutoEngine
from looped.errors import CompileError
from looped.passes.emit import compile_circuit
from looped.ports import InputPort, OutputPort, Ports
from looped.run.computer import Computer


def printer() -> CompiledMachine:
    """Writes the words of memory up to the first zero. It has an output port only."""
    m = Circuit("printer", 8, 5)
    pc, done = m.register("pc", 8), m.register("done", 1)
    m.halts(done)
    word = m.fetch("word", pc)
    writes = m.output("writes", ~equal(word, 0) & ~literal(done))
    m.output_port(m.output("byte", m.select(writes, word, 0), 8), when=writes)
    m.next(pc, m.add(pc, 1))
    m.next(done, literal(done) | equal(word, 0))
    return compile_circuit(m)


def adder() -> CompiledMachine:
    """Adds up its input. It has an input port only, with names of its own."""
    m = Circuit("adder", 8, 5)
    pc, total, done, full = (
        m.register(n, w) for n, w in (("pc", 8), ("total", 8), ("done", 1), ("full", 1))
    )
    m.halts(done)
    took = m.output("took", literal(full) & ~literal(done))
    stalls = m.output("stalls", ~literal(full) & ~literal(done))
    m.input_port(ready=full, taken=took, waiting=stalls)
    word = m.read("word", m.let("everywhere", 31, 5), port=took)
    over = literal(m.let("over", m.select(took, all_ones(word), 0)))
    adds = m.let("adds", literal(took) & ~over)
    m.next(total, m.select(adds, m.add(total, word), total))
    m.next(done, literal(done) | over)
    m.next(pc, pc)
    return compile_circuit(m)


def finish(computer: Computer) -> tuple[bytes, int]:
    """The bytes that it writes, and the loops in which it waits."""
    output, waited = bytearray(), 0
    for _ in range(100):
        if computer.halted():
            return bytes(output), waited
        event = computer.step()[0]
        waited += event.waiting
        output += b"" if event.emitted is None else bytes([event.emitted])
    raise AssertionError("it does not halt")


def test_a_machine_with_an_output_port_only() -> None:
    machine = printer()
    assert machine.plan.ports == Ports(output=OutputPort("byte", "writes"))
    computer = Computer(machine.plan, AutoEngine(machine), [list(b"abc")], [b"never read"])
    assert finish(computer) == (b"abc", 0)
    before, event = Computer(machine.plan, AutoEngine(machine), [list(b"abc")], [b""]).advance(10)
    assert (before, event.emitted) == (0, ord("a"))


@pytest.mark.parametrize("wait", [False, True])
def test_a_machine_with_an_input_port_only(wait: bool) -> None:
    """Also where each byte comes only when the machine waits for it."""
    machine = adder()
    assert machine.plan.ports == Ports(input=InputPort("full", "took", "stalls"))
    source = io.BytesIO(b"\x05\x07\x0b") if wait else b"\x05\x07\x0b"
    computer = Computer(machine.plan, AutoEngine(machine), [[]], [source])
    assert finish(computer) == (b"", 4 if wait else 0)
    total = computer.engine.read(machine.plan.cpu, np.array(machine.plan.words["total"]))[0] > 0
    assert sum(1 << i for i, bit in enumerate(total) if bit) == 5 + 7 + 11


def test_a_port_is_made_of_registers() -> None:
    m = Circuit("none", 8, 5)
    pc = m.register("pc", 8)
    with pytest.raises(CompileError, match="has `low\\[0:8\\]`, which is not a register"):
        m.output_port(m.let("low", pc[:8]), when=m.pin("when"))
    with pytest.raises(CompileError, match="takes 1 bits at most, but `pc` has 8"):
        m.output_port(m.output("byte", pc[:8], 8), when=pc)


@pytest.mark.parametrize(
    ("ports", "message"),
    [
        (Ports(output=OutputPort("nobody", "writes")), "name words that do not exist"),
        (Ports(output=OutputPort("byte", "byte")), "flags of more than one bit"),
        (Ports(output=OutputPort("value", "writes")), "name words that are not registers"),
        (Ports(input=InputPort(*["writes"] * 3)), "an input port without an input column"),
    ],
)
def test_a_plan_with_impossible_ports_is_refused(ports: Ports, message: str) -> None:
    plan = dataclasses.replace(printer().plan, ports=ports)
    with pytest.raises(ValueError, match=message):
        check_plan(plan)
