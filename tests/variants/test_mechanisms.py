"""What each row of the table needs, and what it has and does not use."""

from __future__ import annotations

import pytest
import torch

from looped.artefact.architecture import Architecture
from looped.artefact.plan import CompiledMachine
from looped.engines.dense import DenseEngine
from looped.errors import CertificateError
from looped.image import Image
from looped.passes.variants import compile_for
from looped.profiles.case import Case
from looped.registry import registry
from looped.registry.baked import baked
from looped.study.variants.programs import BITS, MEMORY, long_programs
from looped.study.variants.table import SYSTEMS, System
from looped.verify.lockstep import Mismatch, lockstep
from tests.variants.cuts import IDLE, WORKING, Cut, without_norms, without_segments

BY_NAME = {system.name: system for system in SYSTEMS}
CUTS = [(name, cut) for name, cuts in WORKING.items() for cut in cuts]


def machine(system: System, case: Case) -> CompiledMachine:
    subleq = registry.machine("subleq")
    if system.baked:
        return baked(subleq, case.image, MEMORY, architecture=system.architecture)
    return compile_for(subleq.circuit(BITS, MEMORY), system.architecture, system.beta)


def steps_without(cut: Cut, system: System, case: Case, steps: int) -> int:
    """The steps that are equal to the reference."""
    made = machine(system, case)
    engine = DenseEngine(made, uncertified=True)
    if made.plan.architecture.is_stock:
        engine.model = made.model()  # with all modules: that of the engine is packed
    with torch.no_grad():
        cut(engine)
    try:
        return lockstep(made, engine, [case.image], [case.data], steps).steps
    except Mismatch as mismatch:
        return max(0, mismatch.difference.step - 1)
    except CertificateError:
        return 0


@pytest.mark.parametrize(("name", "cut"), CUTS)
def test_a_row_is_wrong_without_its_mechanism(name: str, cut: Cut) -> None:
    system = BY_NAME[name]
    case = long_programs(1, 300, system.baked)[0]
    assert steps_without(cut, system, case, 300) < 300


@pytest.mark.parametrize("name", IDLE)
def test_without_what_is_idle_nothing_changes(name: str) -> None:
    system = BY_NAME[name]
    for case in long_programs(3, 300, system.baked):
        assert steps_without(IDLE[name], system, case, 100) == 100


@pytest.mark.parametrize("name", BY_NAME)
def test_a_norm_is_idle_in_every_row(name: str) -> None:
    system = BY_NAME[name]
    (case,) = long_programs(1, 300, system.baked)
    assert steps_without(without_norms, system, case, 40) == 40


def test_a_row_says_what_is_idle_in_it() -> None:
    assert {system.name for system in SYSTEMS if system.idle} == IDLE.keys()
    assert BY_NAME.keys() == WORKING.keys() | IDLE.keys()


def test_the_segment_of_a_recurrent_memory_is_the_input() -> None:
    """Without it a program is wrong as soon as it takes input, and not before."""
    words = (20, 255, 3, 255, 21, 6, 21, 255, 9, 22, 22, 0)  # puts out, takes a byte, puts it out
    case = Case(Image("subleq", BITS, words), b"abc")
    rmt = System("", Architecture(stack="rmt"))
    assert steps_without(lambda engine: None, rmt, case, 30) == 30
    assert steps_without(without_segments, rmt, case, 30) == 1


@pytest.mark.parametrize("beta", [2.0, 6.0])
def test_the_second_map_is_idle_where_a_snap_is_enough(beta: float) -> None:
    system = System("", Architecture(attention="differential", snap=True), beta)
    (case,) = long_programs(1, 300)
    assert steps_without(IDLE["differential attention"], system, case, 100) == 100
