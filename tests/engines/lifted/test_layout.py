"""Alike columns analysed as one behave as if each were analysed alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.artefact.embedding import embed, embed_compact
from looped.artefact.plan import CompiledMachine
from looped.engines.host_lanes import HostLanes
from looped.engines.lifted import LiftedEngine
from looped.engines.lifted.columns import behaviour
from looped.engines.lifted.heads import Capture, Lookup
from looped.engines.lifted.layout import Layout, known_rows
from looped.engines.lifted.lift import lift
from looped.engines.lifted.model import Model, sparse
from looped.errors import CompileError
from tests import seeds
from tests.conftest import compiled, examples
from tests.engines.arrays import model_of
from tests.engines.transformers import Edit, edited, edits

NOTHING = HostLanes(0)
MACHINES = [
    ("subleq", 8, 32),
    ("subleq", 16, 256),
    pytest.param("rv32i", 32, 64, marks=pytest.mark.slow),
    pytest.param("fleq", 32, 1024, marks=pytest.mark.slow),
]


def analysed(machine: CompiledMachine) -> Model:
    return sparse(model_of(machine))


@pytest.mark.parametrize("name,width,memory", MACHINES)
def test_the_code_is_the_same(name: str, width: int, memory: int) -> None:
    machine = compiled(name, width, memory)
    words = seeds.rng(f"layout {name}").choices(range(1 << width), k=memory)
    x, model = embed_compact(words, machine.plan), analysed(machine)
    known = known_rows(x, NOTHING)
    assert known is not None and len(known) <= 40
    one, each = behaviour(model, known, Layout(x)), behaviour(model, np.asarray(x))
    positions = one.layout.counted
    assert np.array_equal(np.delete(one.known, positions, 1), np.delete(each.known, positions, 1))
    assert one.driver == each.driver and np.array_equal(one.protected, each.protected)
    for mine, theirs in zip(one.blocks, each.blocks, strict=True):
        for (_, seen), (_, other) in zip(mine.heads, theirs.heads, strict=True):
            assert _codes(seen.driver) == _codes(other.driver)
            assert _codes(seen.capture) == _codes(other.capture)
    shared, alone = lift(one), lift(each)
    assert shared.code.instructions == alone.code.instructions
    assert (shared.words, shared.packed) == (alone.words, alone.packed)
    assert all(map(np.array_equal, shared.code.tables, alone.code.tables))


def _codes(found: object) -> object:
    if isinstance(found, Lookup | Capture):
        return found.bits, found.table.tolist(), getattr(found, "effects", None)
    return found


def test_every_row_expands_to_its_columns() -> None:
    plan = compiled("subleq", 16, 64).plan
    x = embed_compact([], plan)
    known = known_rows(x, NOTHING)
    assert known is not None
    whole, values = Layout(x).expanded(known), np.array(plan.words["value"])
    assert (whole[: plan.memory, values] == 0).all()
    other = np.setdiff1d(np.arange(plan.d_model), values)
    assert np.array_equal(whole[:, other], np.asarray(x)[:, other])
    assert np.array_equal(whole[plan.memory :], np.asarray(x)[plan.memory :])


def test_a_host_that_makes_columns_differ_has_each_analysed() -> None:
    plan = compiled("subleq", 16, 64).plan
    host, x = HostLanes(plan.d_model), embed_compact([], plan)
    host.add(7, np.array(plan.words["value"]))
    host.add(plan.cpu, np.array(plan.words["pc"]))
    known = known_rows(x, host)
    assert known is not None and not known[plan.cpu - plan.memory + 1, plan.words["pc"]].any()
    host.add(7, np.array(plan.words["cpu"]))
    assert known_rows(x, host) is None


@examples(0.15, shrink=False)
@given(changes=edits(), seed=st.integers(0, 1 << 20))
def test_changed_weights_have_the_same_code_or_none(changes: list[Edit], seed: int) -> None:
    """What the analysis of rows finds, that of all columns finds, or neither does."""
    small = compiled("subleq", 8, 32)
    words = seeds.rng(seed).choices(range(256), k=32)
    kept = [edit for edit in changes if edit[0] not in ("permute", "flip_lanes", "flip_everywhere")]
    machine, _ = edited(small, embed(words, small.plan), kept)
    x = embed_compact(words, machine.plan)
    known = known_rows(x, NOTHING)
    assert known is not None
    try:
        model = analysed(machine)
        one = lift(behaviour(model, known, Layout(x)))
    except CompileError:
        return
    each = lift(behaviour(model, np.asarray(x)))
    assert one.code.instructions == each.code.instructions and one.words == each.words


@pytest.mark.parametrize("memory", [32, 1 << 17])
def test_memory_costs_no_time(memory: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """No analysis looks at each column of a large memory."""
    monkeypatch.setenv("LOOPED_CACHE", "")
    monkeypatch.setattr(Layout, "expanded", None)
    machine = compiled("subleq", 32, memory)
    engine = LiftedEngine(machine)
    program = engine.programs.find(embed_compact([], machine.plan), NOTHING)
    assert len(program.lifted.behaviour.rows) == 3 and program.known.alike == memory
