"""Each pass checks what it leaves, and the checks can fail; what once was miscompiled."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from looped import registry
from looped.circuit.circuit import Circuit
from looped.circuit.signals import literal
from looped.circuit.words import Lane
from looped.passes.allocate import Layout, LiveRange, allocate, check_layout
from looped.passes.checks import InvalidError
from looped.passes.emit import check_weights, compile_circuit, emit
from looped.passes.fuse_reads import fuse_reads
from looped.passes.schedule import Schedule, check_schedule, cleared, schedule
from looped.verify.certificate import certify


def late_read() -> Circuit:
    """A read in block 2, of whose eight bits one is used."""
    m = Circuit("late", 8, 3)
    pc = m.register("pc", 8)
    x = m.fetch("x", m.fetch("address", pc))
    m.next(pc, m.add(pc, 1))
    m.output("bit", x[:1])
    return m


def scheduled() -> Schedule:
    return schedule(fuse_reads(registry.machine("subleq").circuit(8, 32)))


def test_unused_bits_of_a_late_read_have_places_of_their_own() -> None:
    found = schedule(late_read())
    layout = allocate(found)
    places = {layout.index[Lane("x", i)] for i in range(8)}
    assert len(places) == 8
    assert all(found.cleared_in(Lane("x", i)) > found.made[Lane("x", i)] for i in range(8))
    m = late_read()
    assert certify(compile_circuit(m), m).certified("float32")


def test_next_values_may_be_said_in_any_order() -> None:
    """One register becomes another, which becomes something that takes a block longer."""
    for order in (1, -1):
        m = Circuit("order", 8, 3)
        pc, old = m.register("pc", 8), m.register("old", 8)
        late = m.fetch("x", m.fetch("address", pc))
        nexts = [(pc, m.add(pc, 1)), (old, m.add(pc, late))]
        for register, following in nexts[::order]:
            m.next(register, following)
        check_schedule(schedule(m))
        assert certify(compile_circuit(m), m).certified("float32")


def test_two_registers_swap() -> None:
    m = Circuit("swap", 8, 3)
    pc, other = m.register("pc", 8), m.register("other", 8)
    m.next(pc, other)
    m.next(other, pc)
    machine = compile_circuit(m)
    assert len(machine.plan.blocks) == 1 and certify(machine, m).certified("float32")


def test_a_circuit_without_heads_is_compiled() -> None:
    m = Circuit("no heads", 8, 3)
    pc = m.register("pc", 8)
    m.next(pc, m.add(pc, 1))
    machine = compile_circuit(m)
    assert machine.plan.n_heads == 1 and not machine.plan.blocks[0].heads
    assert certify(machine, m).certified("float32")


def test_a_circuit_that_does_nothing_is_compiled() -> None:
    m = Circuit("nothing", 8, 3)
    m.register("pc", 8)
    machine = compile_circuit(m)
    assert machine.plan.d_ff == 1 and machine.nonzero_weights == 0


def test_a_head_holds_an_address_and_all_its_tags() -> None:
    m = Circuit("many words", 8, 14, register_bits=2)
    pc = m.register("pc", 14)
    m.write("x", pc, m.fetch("x", pc), in_registers=pc[:1], when=pc[1:2])
    m.next(pc, m.add(pc, 1))
    assert compile_circuit(m).plan.d_head == 64


def test_all_writes_are_done_in_one_block() -> None:
    m = Circuit("writes", 8, 3)
    pc = m.register("pc", 8)
    x = m.fetch("x", pc)
    m.write("early", pc, x, when=x[:1])
    late = m.let("late", m.add(x, 1))
    m.write("late", pc, late, when=m.let("even", ~literal(x[:1])))
    m.next(pc, m.add(pc, 1))
    found = schedule(m)
    assert [[w.name for w in ws] for ws in found.writes.values()] == [["early", "late"]]
    assert certify(compile_circuit(m), m).certified("float32")


@pytest.mark.parametrize("name", registry.names())
def test_what_the_passes_leave_of_a_machine_is_valid(name: str) -> None:
    found = schedule(fuse_reads(registry.machine(name).circuit(32, 64)))
    check_schedule(found)
    layout = allocate(found)
    check_layout(found, layout)
    check_weights(emit(found, layout))


def test_a_schedule_that_makes_a_lane_too_late_is_not_valid() -> None:
    found = scheduled()
    found.made[Lane("result", 3)] += 4
    with pytest.raises(InvalidError, match=r"result\.3 is made in another phase"):
        check_schedule(found)


def test_a_schedule_that_forgets_a_write_is_not_valid() -> None:
    found = scheduled()
    found.writes.clear()
    with pytest.raises(InvalidError, match="an access does not have one phase"):
        check_schedule(found)


def test_a_layout_with_overlapping_live_ranges_is_not_valid() -> None:
    found = scheduled()
    layout = allocate(found)
    index = layout.index[Lane("a", 0)]
    other = next(t for ts in layout.occupants for t in ts if t.lane == Lane("b", 0))
    layout.occupants[layout.index[Lane("b", 0)]].remove(other)
    layout.assign(other, index)
    with pytest.raises(InvalidError, match=r"the live ranges of [ab]\.0 and [ab]\.0 overlap"):
        check_layout(found, layout)


def test_a_layout_with_an_empty_live_range_is_not_valid() -> None:
    found = scheduled()
    layout: Layout = allocate(found)
    index = layout.index[Lane("a", 0)]
    layout.occupants[index] = [
        LiveRange(t.lane, t.start, t.start) if t.lane == Lane("a", 0) else t
        for t in layout.occupants[index]
    ]
    with pytest.raises(InvalidError, match=r"a\.0 has an empty live range"):
        check_layout(found, layout)


def test_weights_of_a_head_that_is_not_planned_are_not_valid(machine) -> None:
    good = machine("subleq", 8, 32)
    name = "layers.1.self_attn.q_proj.weight"
    weight = good.weights[name].clone()
    weight[-1, 0] = 1
    with pytest.raises(InvalidError, match="block 1 has more heads than planned"):
        check_weights(dataclasses.replace(good, weights={**good.weights, name: weight}))


def test_a_gain_that_is_not_one_is_not_valid(machine) -> None:
    good = machine("subleq", 8, 32)
    weights = {**good.weights, "norm.weight": torch.full_like(good.weights["norm.weight"], 2)}
    with pytest.raises(InvalidError, match="`norm.weight` is not a gain of one"):
        check_weights(dataclasses.replace(good, weights=weights))


def test_passes_check_what_they_leave_if_that_is_asked_for(monkeypatch) -> None:
    def cleared_in(self: Schedule, lane: Lane) -> int:
        return max(1, cleared(self.last_use.get(lane, -1)))

    monkeypatch.setattr(Schedule, "cleared_in", cleared_in)
    with pytest.raises(InvalidError):
        compile_circuit(late_read())
    monkeypatch.setenv("LOOPED_CHECK", "0")
    compile_circuit(late_read())
