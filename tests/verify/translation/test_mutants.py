"""Lifts that lie are refused, or do the same as the lift that they were."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest

from looped.artefact.embedding import embed
from looped.engines.lifted import LiftedEngine
from looped.engines.lifted.code import Instruction
from looped.engines.lifted.conditions import Bit
from looped.engines.lifted.lift import Lifted
from looped.verify.translation import WrongLift, validate
from tests import seeds
from tests.conftest import compiled
from tests.engines.lifted.crew import begin, crew
from tests.engines.shuffled import shuffled
from tests.verify.random_programs import random_program
from tests.verify.translation.faults import behaves
from tests.verify.translation.mutants import inserted, mutants, places, replaced


@functools.cache
def engine(name: str) -> LiftedEngine:
    if name == "crew":
        machine = crew(4)
        x = begin(machine)
    else:
        machine = compiled("subleq", 8, 32)
        x = embed(random_program(3, 8, 32, 0.0).words, machine.plan)
    found = LiftedEngine(machine)
    found.load(x[None])
    found.prepare()
    return found


def lift_of(name: str) -> Lifted:
    return engine(name).programs.made[0].lifted


def require_refused(wrong: Lifted, match: str, name: str = "subleq") -> None:
    with pytest.raises(WrongLift, match=match):
        validate(engine(name).programs.exact, wrong)


@pytest.mark.parametrize("name", ["crew", "subleq"])
@pytest.mark.parametrize("count", [10, pytest.param(1000, marks=pytest.mark.slow)])
def test_mutants_are_refused_or_behave(name: str, count: int) -> None:
    right = lift_of(name)
    found = list(mutants(right))
    refused = 0
    chosen = seeds.rng(name).sample(found, min(count, len(found)))
    for what, wrong in chosen:
        try:
            validate(engine(name).programs.exact, wrong)
        except WrongLift:
            refused += 1
        else:
            assert behaves(wrong, right), what
    assert refused >= 0.6 * len(chosen)


def test_code_of_another_machine_is_refused() -> None:
    """A cache that is asked for one machine and gives the code of another."""
    machine = compiled("subleq", 8, 32)
    moved, lanes = shuffled(machine, 1)
    other = LiftedEngine(moved)
    other.load(embed(random_program(3, 8, 32, 0.0).words, machine.plan)[None][:, :, lanes])
    other.prepare()
    require_refused(other.programs.made[0].lifted, "lane|attention|columns")
    require_refused(lift_of("crew"), "other cuts than the model has blocks")


@pytest.mark.parametrize("operations", [("shl", "shr"), ("shr", "shl")])
def test_shifts_by_a_value_differ(operations: tuple[str, str]) -> None:
    """The bits of x that two shifts in opposite ways move differ, so they do not cancel."""
    right = lift_of("subleq")
    code = right.code
    word = code.following[0]
    by = places(right, "state")[0]
    size = len(code.instructions)
    load = places(right, "load")[-1]
    one = next(n for n, i in enumerate(code.instructions) if i == Instruction("const", (), 1))
    new = [
        Instruction("and", (by, one)),
        *(Instruction(operation, (word, size)) for operation in operations),
        Instruction("xor", (size + 1, size + 2)),
        Instruction("xor", (word, size + 3)),
    ]
    wrong = inserted(right, size, new)
    wrong.code.following[0] = size + 4
    require_refused(wrong, "the next state's bit")
    wrong.code.instructions[size + 2] = wrong.code.instructions[size + 1]
    validate(engine("subleq").programs.exact, wrong)
    for place in (size + 1, size + 2):
        wrong.code.instructions[place] = Instruction(operations[0], (word, load))
    require_refused(wrong, "out of bounds")


def test_a_store_that_two_cuts_see_is_refused() -> None:
    right = lift_of("subleq")
    cuts = list(right.cuts)
    cuts[2] = dataclasses.replace(cuts[2], end=cuts[0].end)
    require_refused(dataclasses.replace(right, cuts=tuple(cuts)), "not in order")


def test_lanes_that_no_cell_holds_are_refused() -> None:
    right = lift_of("subleq")
    wrong = dataclasses.replace(right, packed=right.packed[:-1])
    require_refused(wrong, "neither known nor in a cell")


def test_a_word_of_more_lanes_than_bits_is_refused() -> None:
    right = lift_of("subleq")
    words = (right.words[0] * 65, *right.words[1:])
    require_refused(dataclasses.replace(right, words=words), "more than 64 lanes")


def test_values_that_do_not_exist_are_refused() -> None:
    right = lift_of("subleq")
    size = len(right.code.instructions)
    place = places(right, "add")[0]
    require_refused(replaced(right, place, operands=(place, place)), "do not come before it")
    require_refused(replaced(right, place, operands=(-1, 0)), "do not come before it")
    state = places(right, "state")[0]
    require_refused(replaced(right, state, number=99), "a state that does not exist")
    lanes = list(right.cuts[-1].lanes)
    lanes[0] = Bit(size, 0)
    cuts = (*right.cuts[:-1], dataclasses.replace(right.cuts[-1], lanes=tuple(lanes)))
    require_refused(dataclasses.replace(right, cuts=cuts), "values that do not exist")


def test_a_load_after_the_last_block_must_be_in_bounds() -> None:
    right = lift_of("subleq")
    size = len(right.code.instructions)
    new = [Instruction("const", (), 99), Instruction("load", (size,))]
    require_refused(inserted(right, size, new), "load out of bounds")


def test_a_worker_that_reads_the_row_of_the_first_is_refused() -> None:
    """Its number is a word of the state; for the first worker it is zero."""
    right = lift_of("crew")
    plan = crew(4).plan
    assert plan.workers is not None
    numbers = {*plan.words[plan.workers.number]}
    word = next(n for n, lanes in enumerate(right.words) if numbers & {*lanes})
    place = next(n for n in places(right, "state") if right.code.instructions[n].number == word)
    wrong = replaced(right, place, operation="const", number=0)
    require_refused(wrong, "head .* of driver|lane|captured", "crew")


def test_two_stores_of_several_drivers_are_refused() -> None:
    right = lift_of("crew")
    store = places(right, "store")[0]
    again = inserted(right, store + 1, [right.code.instructions[store]])
    require_refused(again, "store more than once", "crew")
    assert np.array_equal(again.behaviour.known, right.behaviour.known)
