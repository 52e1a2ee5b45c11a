"""Random programs catch wrong machines: each of forty single faults, within a hundred programs."""

from __future__ import annotations

import pytest

from looped.engines.event import EventEngine
from looped.verify.fuzz.campaign import fuzz
from tests.conftest import compiled
from tests.machines.rv32i_faults import FAULTS, Fault

MEMORY, PROGRAMS = 64, 100
QUICK = {"x0 is written", "the carry into the upper half is inverted"}


def marked(fault: Fault) -> object:
    marks = [] if fault.name in QUICK else [pytest.mark.slow]
    return pytest.param(fault, id=fault.name, marks=marks)


def test_there_are_forty() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) == 40


@pytest.mark.parametrize("fault", [marked(fault) for fault in FAULTS])
def test_a_fault_is_caught(fault: Fault) -> None:
    machine = fault.machine(MEMORY)
    outcome = fuzz(machine, EventEngine(machine), PROGRAMS)
    assert outcome.failure is not None


@pytest.mark.slow
def test_the_machine_without_a_fault_passes() -> None:
    machine = compiled("rv32i", 32, MEMORY)
    engine = EventEngine(machine)
    outcome = fuzz(machine, engine, PROGRAMS)
    assert (outcome.failure, engine.fallbacks) == (None, 0)
