"""What breaks without a part is what needs it: weights without the part against the circuit."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest

from looped import study
from looped.artefact.plan import CompiledMachine
from looped.engines.dense import DenseEngine
from looped.errors import CompileError
from looped.isa.rv32i import INSTRUCTIONS
from looped.study.ablation import knock_out_all
from looped.study.loops import LoopCase, random_loops
from looped.study.needs import CircuitLoop
from looped.study.parts import Group, Head
from looped.study.survey import Survey, survey
from tests.conftest import compiled

KINDS = {"halted", "subleq", "subleq input", "subleq output", "subleq taken", "waiting"}


@functools.cache
def cases(name: str, width: int) -> list[LoopCase]:
    return random_loops(compiled(name, width, 32).plan, 3)


@functools.cache
def subleq() -> Survey:
    return survey(compiled("subleq", 8, 32), {}, of_each=3)


def test_cases_are_loops_of_the_dense_engine() -> None:
    machine, loops = compiled("subleq", 16, 32), cases("subleq", 16)
    assert {case.kind for case in loops} == KINDS and 18 <= len(loops) < 30
    engine = DenseEngine(machine)
    engine.load(np.stack([case.before for case in loops]))
    engine.step()
    assert np.array_equal(engine.state(), np.stack([case.after for case in loops]))


@pytest.mark.slow
def test_each_class_of_the_fuzz_profile_has_a_case() -> None:
    """On RV32I: every instruction (some `fence` is unnamed), and copies of negative signs."""
    plan = compiled("rv32i", 32, 32).plan
    loops, value = random_loops(plan, 0), list(plan.words["value"])
    assert {case.kind.split()[0] for case in loops} >= set(INSTRUCTIONS) - {"fence"}
    for name in ("lb", "lh", "sra", "srai"):
        alike = [case for case in loops if case.kind == name]
        assert any(_makes_negative(case, slice(plan.memory, plan.cpu), value) for case in alike)


def _makes_negative(case: LoopCase, registers: slice, value: list[int]) -> bool:
    """Whether a loop gives a register another value, which is negative."""
    before, after = case.before[registers][:, value], case.after[registers][:, value]
    return bool(((before != after).any(axis=1) & (after[:, -1] > 0)).any())


@pytest.mark.parametrize(
    ("name", "width"), [("subleq", 16), pytest.param("rv32i", 32, marks=pytest.mark.slow)]
)
def test_the_circuit_leaves_the_states_of_the_reference(name: str, width: int) -> None:
    loops = cases(name, width)
    found = CircuitLoop(compiled(name, width, 32).plan).run(np.stack([c.before for c in loops]))
    assert found.exact.all()
    assert np.array_equal(found.x, np.stack([c.after for c in loops]))


def test_exactly_what_needs_a_part_breaks_without_it() -> None:
    found = subleq()
    assert found.disagreements() == []
    for outcome in found.outcomes:
        assert outcome.agrees and outcome.breaks[~outcome.exact].all()
    decided = [outcome for outcome in found.outcomes if outcome.exact.all()]
    assert len(decided) >= 15 and all(outcome.breaks.any() for outcome in decided)


def test_parts_break_the_instructions_of_their_jobs() -> None:
    breaks = {(row.block, row.part): row.breaks for row in subleq().rows()}
    assert breaks[1, "group reading"] == ("subleq input",)
    assert breaks[1, "group writing"] == breaks[2, "group out"] == ("subleq output",)
    assert breaks[1, "group waiting"] == ("waiting",)
    assert set(breaks[1, "group subtracting"]) == {"subleq", "subleq taken"}
    assert set(breaks[3, "head write result"]) == KINDS


def test_the_sparse_run_is_the_dense_engine_without_the_part() -> None:
    machine, loops = compiled("subleq", 16, 32), cases("subleq", 16)
    before, after = (np.stack([getattr(c, n) for c in loops]) for n in ("before", "after"))
    for outcome in knock_out_all(machine, loops):
        part = outcome.part
        kind = "head" if isinstance(part, Head) else "group"
        changed = study.ablate(machine, **{kind: part.name}, block=part.block)
        engine = DenseEngine(changed)
        engine.load(before)
        engine.step()
        broken = (engine.state() != after).any(axis=(1, 2))
        assert np.array_equal(outcome.breaks, broken), part


def test_a_wrong_job_is_found() -> None:
    """If the weights lose another word than the circuit, other loops break than those in need."""
    machine = compiled("subleq", 16, 32)
    lane = next(p for p in study.parts(machine.plan) if p.name == "writing" and p.block == 0)
    other = next(p for p in study.parts(machine.plan) if p.name == "waiting" and p.block == 0)
    assert isinstance(lane, Group) and isinstance(other, Group)
    down = "layers.0.mlp.down_proj.weight"
    weights = {**machine.weights, down: machine.weights[down].clone()}
    weights[down][list(other.lanes)] = 0
    faulty = CompiledMachine(machine.plan, weights)
    wrong = [o.part.name for o in knock_out_all(faulty, cases("subleq", 16)) if not o.agrees]
    assert "writing" in wrong


def test_a_part_that_adds_nothing_has_no_row() -> None:
    machine = compiled("subleq", 16, 32)
    part = next(p for p in study.parts(machine.plan) if p.name == "waiting")
    weights = dict(machine.weights)
    name = "layers.0.mlp.down_proj.weight"
    weights[name] = weights[name].clone()
    weights[name][list(part.lanes)] = 0
    found = knock_out_all(CompiledMachine(machine.plan, weights), cases("subleq", 16)[:2])
    assert part not in [outcome.part for outcome in found]


def test_the_table_says_what_it_does_not_know() -> None:
    text = subleq().markdown()
    assert "| 3 | head erase for result † | every column -= its old content | all |" in text
    assert "The circuit decides" in text and "exactly those loops break" in text
    wrong = dataclasses.replace(subleq().outcomes[0], needs=~subleq().outcomes[0].needs)
    changed = dataclasses.replace(subleq(), outcomes=(wrong,))
    assert "these parts differ: head a in block 1" in changed.markdown()


def test_a_baked_machine_is_refused() -> None:
    plan = dataclasses.replace(compiled("subleq", 16, 32).plan, baked=True)
    with pytest.raises(CompileError, match="the circuit is evaluated for universal machines"):
        CircuitLoop(plan)


@pytest.mark.slow
def test_on_rv32i_exactly_what_needs_a_part_breaks_without_it() -> None:
    found = survey(compiled("rv32i", 32, 32), {}, of_each=1)
    assert found.disagreements() == [] and len(found.outcomes) > 70
    assert all(outcome.breaks.any() for outcome in found.outcomes)
