"""Transformers that nobody compiled: the fast engines follow the dense one, or they refuse."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.artefact.embedding import embed
from looped.artefact.plan import CompiledMachine
from looped.engines.certified import Certified
from looped.engines.dense import DenseEngine
from looped.engines.event import EventEngine
from looped.engines.lifted import LiftedEngine
from looped.engines.lifted.lift import _Lifting
from looped.errors import CompileError
from looped.passes.emit import compile_circuit
from tests import seeds
from tests.conftest import compiled, examples
from tests.engines.arrays import array
from tests.engines.transformers import Edit, edited, edits
from tests.rewritten import rewritten
from tests.verify.certificate.registers import small_machine
from tests.verify.random_programs import random_program

LOOPS = 5

ENGINES: dict[str, Callable[[CompiledMachine], Certified]] = {
    "array": array,
    "event": EventEngine,
    "lifted": LiftedEngine,
}


@functools.cache
def bases() -> tuple[tuple[CompiledMachine, np.ndarray], ...]:
    """Small machines with a first state."""
    subleq = compiled("subleq", 8, 32)
    words = random_program(3, 8, 32, 0.0).words
    registers = compile_circuit(small_machine())
    memory = [int(word) for word in seeds.generator(0).integers(0, 256, 32)]
    return (subleq, embed(words, subleq.plan)), (registers, embed(memory, registers.plan))


def differences(changes: Sequence[Edit], base: int = 0) -> dict[str, str]:
    """What each engine does with a changed machine; a difference from the dense one fails."""
    machine, x = edited(*bases()[base % len(bases())], changes)
    dense = DenseEngine(machine)
    dense.load(x[None])
    states = []
    for _ in range(LOOPS):
        dense.step()
        states.append(dense.state())
    outcome = {}
    for name, make in ENGINES.items():
        try:
            engine = make(machine)
            engine.load(x[None])
            engine.prepare()
        except CompileError:
            outcome[name] = "refused"
            continue
        for state in states:
            engine.step()
            np.testing.assert_array_equal(engine.state(), state, err_msg=name)
        outcome[name] = "fallbacks" if engine.fallbacks else "followed"
    return outcome


KNOWN: dict[str, list[Edit]] = {
    "an idle head whose values cancel in the reals only": [("idle_head", (0, 18, 20, 60, 21))],
    "the same in a block that writes": [("idle_head", (2, 19, 21, 22, 22))],
    "a write to the same column, into another lane": [
        ("flip_lanes", (4, 60, 2)),
        ("clone_writes", (0, 0, 61, 26)),
    ],
    "the same without a dirty lane": [("clone_writes", (0, 0, 181, 0))],
    "a write to another column": [("clone_writes", (1, 1, 61, 26))],
    "a head twice, with opposite signs": [("opposite_heads", (2, 0))],
    "a constant lane that units change in some columns": [("add_unit", (1, 5, 1))],
}


@pytest.mark.parametrize("base", range(2))
@pytest.mark.parametrize("name", KNOWN)
def test_what_once_went_wrong_or_might_is_followed_or_refused(name: str, base: int) -> None:
    differences(KNOWN[name], base)


@examples(0.5)
@given(changes=edits(), base=st.integers(0, 1))
def test_random_transformers_are_followed_or_refused(changes: list[Edit], base: int) -> None:
    differences(changes, base)


@pytest.mark.slow
@examples(5)
@given(changes=edits(), base=st.integers(0, 1))
def test_fresh_random_transformers_are_followed_or_refused(changes: list[Edit], base: int) -> None:
    differences(changes, base)


def test_moving_splitting_and_rescaling_costs_no_speed() -> None:
    """What is still the same machine is neither refused nor handed to the dense engine."""
    changes: list[Edit] = [
        ("permute", (3,)),
        ("rescale", (0, 5, 6)),
        ("rescale", (1, 40, 2)),
        ("split_unit", (1, 17, 2)),
        ("split_head", (1, 0, 2)),
        ("opposite_heads", (0, 1)),
        ("permute", (8,)),
    ]
    assert differences(changes) == dict.fromkeys(ENGINES, "followed")


def test_a_captured_column_that_would_not_find_itself_is_refused() -> None:
    """Column 5 is given the position of 4: both then find one of the two, or neither surely."""
    machine, x = bases()[0]
    position = list(machine.plan.words["position"])
    x = x.copy()
    x[5, position] = x[4, position]
    engine = LiftedEngine(machine)
    engine.load(x[None])
    with pytest.raises(CompileError):
        engine.prepare()


def test_captures_that_lose_each_others_update_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """All captures of a block are made from the columns before it: then the last one wins."""
    one_by_one = (
        "for capture in captures.values():  # in turn: two heads may capture the same column\n"
        '        self.code.emit("store", *self._captured(capture))'
    )
    all_at_once = (
        "for write in [self._captured(capture) for capture in captures.values()]:\n"
        '        self.code.emit("store", *write)'
    )
    attend = rewritten(_Lifting.attend, one_by_one, all_at_once)
    monkeypatch.setattr(_Lifting, "attend", attend)
    rng = seeds.rng("captures that meet")
    with pytest.raises(AssertionError, match="lifted"):
        for _ in range(600):
            differences([("clone_writes", (0, 0, rng.randrange(400), rng.randrange(400)))])
