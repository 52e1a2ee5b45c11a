"""Lifts of machines with several CPU columns are proved, and wrong ones refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from looped import api
from looped.artefact.embedding import embed
from looped.engines.lifted import LiftedEngine
from looped.engines.lifted.code import Instruction
from looped.engines.lifted.lift import Lifted
from looped.verify.translation import WrongLift, validate
from tests import seeds
from tests.conftest import compiled
from tests.engines.lifted.crew import begin, crew
from tests.verify.translation.faults import behaves, faults
from tests.verify.translation.mutants import places, replaced


def engine_of(workers: int) -> LiftedEngine:
    machine = crew(workers)
    engine = LiftedEngine(machine)
    engine.load(begin(machine)[None])
    engine.prepare()
    return engine


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 4])
def test_the_lift_of_fleq_is_proved(workers: int) -> None:
    """The proof takes 15 seconds. It fails if any guard is lost that the first MLP needs."""
    machine = api.compile_machine("fleq", memory=64, parameters={"side": 2}).with_workers(workers)
    engine = LiftedEngine(machine)
    engine.load(embed([*range(64)], machine.plan)[None])
    engine.prepare()
    lifted, model = engine.programs.made[0].lifted, engine.programs.exact
    assert len(lifted.behaviour.drivers) == workers
    validate(model, lifted)
    zero = next(n for n, i in enumerate(lifted.code.instructions) if i == Instruction("const"))
    first, end = lifted.cuts[0].end, lifted.cuts[1].end
    wrong = lifted
    for place in places(lifted, "guard"):
        if max(first, zero) < place < end:
            wrong = replaced(wrong, place, operands=(zero,))
    with pytest.raises(WrongLift, match="block 0, MLP: lane"):
        validate(model, wrong)


def with_drivers(lifted: Lifted, drivers: list[int], columns: list[int]) -> Lifted:
    found = dataclasses.replace(
        lifted.behaviour, drivers=np.array(drivers), columns=np.array(columns)
    )
    return dataclasses.replace(lifted, behaviour=found)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_lifts_of_workers_are_proved(workers: int) -> None:
    engine = engine_of(workers)
    lifted = engine.programs.made[0].lifted
    assert len(lifted.behaviour.drivers) == workers
    validate(engine.programs.exact, lifted)


@pytest.mark.parametrize("count", [10, pytest.param(60, marks=pytest.mark.slow)])
def test_code_of_workers_with_a_fault_is_refused(count: int) -> None:
    """What is accepted behaves: a mask may be dropped where nothing is masked."""
    engine = engine_of(4)
    right = engine.programs.made[0].lifted
    wrong = list(faults(right))
    count = min(count, len(wrong))
    refused = 0
    for what, each in seeds.rng("workers").sample(wrong, count):
        try:
            validate(engine.programs.exact, each)
        except WrongLift:
            refused += 1
        else:
            assert behaves(each, right), what
    assert refused >= count * 5 // 8


def test_other_columns_than_those_of_the_model_are_refused() -> None:
    engine = engine_of(2)
    lifted, plan = engine.programs.made[0].lifted, crew(2).plan
    for columns in ([*range(plan.columns)], [*range(plan.cpu), plan.null, plan.null]):
        with pytest.raises(WrongLift, match="other columns than the model"):
            validate(engine.programs.exact, with_drivers(lifted, list(plan.cpus), columns))


def test_a_driver_that_attends_to_itself_is_no_model_for_several() -> None:
    """The CPU of SUBLEQ does so: two of them would share the attention of each."""
    machine = compiled("subleq", 8, 32)
    engine = LiftedEngine(machine)
    engine.load(embed([9, 8, 0, 10, 10, 0, 0, 0, 5, 1, 0], machine.plan)[None])
    engine.prepare()
    lifted, columns = engine.programs.made[0].lifted, machine.plan.columns
    validate(engine.programs.exact, lifted)
    twice = with_drivers(lifted, [machine.plan.cpu, columns], list(range(columns)))
    with pytest.raises(WrongLift, match="one of several drivers"):
        validate(engine.programs.exact, twice)
