"""Words of all columns and copies in few bits: on every engine what `state` says."""

from __future__ import annotations

import numpy as np
import pytest

from looped.artefact.embedding import embed_compact, structured
from looped.artefact.residual import Residuals, words_of
from looped.engines.auto import ENGINES, AutoEngine
from tests.conftest import compiled

USUAL = "float32", "cpu", False

MACHINES = [
    ("subleq", 8, 32),
    pytest.param("rv32i", 32, 256, marks=pytest.mark.slow),
]


@pytest.mark.parametrize("engine", ["auto", *ENGINES])
@pytest.mark.parametrize(("name", "width", "memory"), MACHINES)
def test_words_and_copies_are_those_of_the_state(
    engine: str, name: str, width: int, memory: int
) -> None:
    machine = compiled(name, width, memory)
    plan = machine.plan
    run = AutoEngine(machine) if engine == "auto" else ENGINES[engine](machine, *USUAL)
    first, second = [(1 << width) - 1, 0, 5, 3], [0, (1 << width) - 1]
    run.load(Residuals([embed_compact(words, plan) for words in (first, second)]))
    run.step(2)
    value = np.array(plan.words["value"], np.intp)
    run.write(0, 5, value[:2], np.array([1, -1]))
    for stream, state in enumerate(run.state()):
        for lanes in (value, np.array(plan.words["position"]), np.array([*plan.words["pc"], 0])):
            assert (run.words(stream, lanes) == words_of(state[:, lanes] > 0)).all()
        copy = run.residual(stream)
        assert (np.asarray(copy) == state).all()
        few = structured(copy, plan)
        assert few.alike == plan.memory and (np.asarray(few) == state).all()
    before = np.asarray(copy)
    run.step()
    run.write(1, 7, value[:1], np.array([1]))
    assert (np.asarray(copy) == before).all()
