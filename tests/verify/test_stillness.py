"""A lockstep ends where its program stands still, and nowhere else."""

from __future__ import annotations

import pytest

from looped.engines.dense import DenseEngine
from looped.engines.lifted import LiftedEngine
from looped.image import Image
from looped.verify.lockstep import Agreement, lockstep
from tests.conftest import compiled

ENGINES = [DenseEngine, LiftedEngine]


def run(engine: type, words: list[int], data: bytes = b"", steps: int = 30_000) -> Agreement:
    machine = compiled("subleq", 8, 32)
    return lockstep(machine, engine(machine), [Image("subleq", 8, tuple(words))], [data], steps)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_jump_to_itself_ends_the_comparison(engine: type) -> None:
    found = run(engine, [9, 9, 3, 9, 9, 3])
    assert (found.endless, found.halted) == (3, False)
    assert found.steps < 20_000


def test_an_instruction_that_still_changes_memory_goes_on() -> None:
    """Word 6 goes down from 0 to -128 and 127 again: no jump then."""
    found = run(DenseEngine, [7, 6, 0, 9, 9, -1 & 255, 0, 1], steps=400)
    assert found.endless is None
    assert found.halted


def test_input_is_a_change() -> None:
    """An instruction that stores the next byte of the input and jumps to itself."""
    found = run(DenseEngine, [255, 9, 0], b"aaaaaaaaaaaaaaaaaaaaaaaaaaaa", steps=25)
    assert (found.endless, found.steps) == (None, 25)
