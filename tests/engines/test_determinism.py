"""The same bits whatever the number of threads, the size of the batch, and the engine."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from looped.artefact.embedding import embed
from looped.engines.auto import ENGINES
from looped.engines.dense import DenseEngine
from looped.verify.certificate import numeric_verdict
from tests import seeds

LOOPS = 12


@pytest.fixture
def threads() -> Iterator[None]:
    """Whatever a test sets, the number of threads is the same afterwards."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def states(plan, count: int) -> np.ndarray:
    words = seeds.generator(11).integers(0, 1 << plan.width, (count, plan.memory))
    return np.stack([embed(row, plan) for row in words])


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("width", [8, 16])
@pytest.mark.parametrize("count", [1, 2, 7])
def test_threads_batches_and_engines_give_the_same_bits(width: int, count: int, machine) -> None:
    """Of random memories, each alone on one thread being the standard."""
    compiled = machine("subleq", width, 64)
    x = states(compiled.plan, 7)[:count]
    alone = []
    torch.set_num_threads(1)
    for stream in x:
        engine = DenseEngine(compiled)
        engine.load(stream[None])
        engine.step(LOOPS)
        alone.append(engine.state()[0])
    for number in (1, 2, 4):
        torch.set_num_threads(number)
        for name in ENGINES if number == 2 else ["dense"]:
            engine = ENGINES[name](compiled, "float32", "cpu", False)
            engine.load(x)
            engine.step(LOOPS)
            assert engine.state().tobytes() == np.stack(alone).tobytes()


@pytest.mark.usefixtures("threads")
def test_a_verdict_does_not_depend_on_threads(machine) -> None:
    found = []
    for number in (1, 2, 4):
        torch.set_num_threads(number)
        found.append(numeric_verdict(machine("subleq", 16, 64), "float32"))
    assert found[0] == found[1] == found[2]
