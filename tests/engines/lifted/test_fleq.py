"""FLEQ on lifted code equals its reference in every lane of every column, and never falls back."""

from __future__ import annotations

import pytest

from looped.engines.engine import Engine
from looped.engines.event import EventEngine
from looped.engines.lifted import LiftedEngine
from looped.isa.fleq import FUNCTIONS, decode
from tests import seeds
from tests.machines.fleq.stepping import Setting, fleq, program, reference, together

ENGINES = {"lifted": LiftedEngine, "event": EventEngine}


def run(engine: Engine, setting: Setting, programs: int) -> tuple[int, set[str]]:
    """Instructions of random programs in lockstep: how many, and their functions."""
    done, functions = 0, set()
    for number in range(programs):
        words = program(seeds.rng(f"lifted {setting} {number}"), setting)
        plain, executed = reference(words, setting), reference(words, setting)
        for _ in together(engine, plain, fleq(setting).plan, 60):
            operation = decode(executed.memory[executed.pc])
            functions |= {operation.function} if operation else set()
            executed.step()
            done += 1
    return done, functions


@pytest.mark.parametrize(
    ("engine", "side", "workers", "programs"),
    [
        ("lifted", 2, 4, 5),
        *(
            pytest.param(engine, side, workers, 12, marks=pytest.mark.slow)
            for engine in ENGINES
            for side, workers in ((2, 1), (4, 4), (4, 16), (8, 16))
        ),
    ],
)
def test_all_functions_with_workers(engine: str, side: int, workers: int, programs: int) -> None:
    setting = Setting(side, workers=workers)
    runs = ENGINES[engine](fleq(setting))
    done, functions = run(runs, setting, programs)
    assert functions == set(FUNCTIONS) and done >= 15 * programs
    assert runs.fallbacks == 0
