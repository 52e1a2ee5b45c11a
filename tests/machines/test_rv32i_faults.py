"""Random programs catch wrong machines: each of forty single faults, within 200 programs."""

from __future__ import annotations

import pickle

import pytest

from looped.engines.event import EventEngine
from looped.machines.rv32i import machine
from looped.verify.fuzz.campaign import fuzz
from tests.conftest import compiled
from tests.machines.rv32i_faults import FAULTS, Fault

MEMORY, PROGRAMS = 64, 200
QUICK = {"x0 is written", "the carry into the upper half is inverted"}


def marked(fault: Fault) -> object:
    marks = [] if fault.name in QUICK else [pytest.mark.slow]
    return pytest.param(fault, id=fault.name, marks=marks)


def test_there_are_forty() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) == 40


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
def test_a_fault_describes_another_machine(fault: Fault) -> None:
    with pytest.MonkeyPatch.context() as patch:
        fault.apply(patch)
        wrong = machine.describe(32, 6)
    right = [pickle.dumps(machine.describe(32, 6)) for _ in range(2)]
    assert pickle.dumps(wrong) != right[0] == right[1]


@pytest.mark.parametrize("fault", [marked(fault) for fault in FAULTS])
def test_a_fault_is_caught(fault: Fault) -> None:
    wrong = fault.machine(MEMORY)
    outcome = fuzz(wrong, EventEngine(wrong), PROGRAMS)
    assert outcome.failure is not None


@pytest.mark.slow
def test_the_machine_without_a_fault_passes() -> None:
    right = compiled("rv32i", 32, MEMORY)
    engine = EventEngine(right)
    outcome = fuzz(right, engine, PROGRAMS)
    assert (outcome.failure, engine.fallbacks) == (None, 0)
