"""Streams of one program share their units, in any number of threads; other programs do not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from looped.artefact.embedding import embed
from looped.engines.lifted import LiftedEngine
from looped.engines.lifted.specialised import Effort, builder
from looped.engines.lifted.specialised.machine_code import compile_unit
from tests.conftest import compiled

LOOP = [21, 22, 3, 21, 23, 6, 21, 24, 9, 20, 20, 0, *[0] * 9, 1, 0, 0, 0, *[0] * 7]
OTHER = [21, 22, 3, 21, 23, 6, 20, 20, 0, *[0] * 12, 1, 0, 0, 0, *[0] * 7]

SOON = Effort(patience=2000, share=0, beside=False)
NEVER = Effort(patience=1 << 62)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the units that are compiled from now on."""
    numbers: list[int] = []

    def noted(shape: Any, number: int, nodes: Any) -> Any:
        numbers.append(number)
        return compile_unit(shape, number, nodes)

    monkeypatch.setattr(builder, compile_unit.__name__, noted)
    return numbers


def states(programs: list[list[int]], effort: Effort, threads: int = 1) -> np.ndarray:
    """The states of streams after some calls, each of which advances all of them."""
    machine = compiled("subleq", 8, 32)
    engine = LiftedEngine(machine, effort=effort)
    engine.threads = threads
    engine.load(np.stack([embed(words, machine.plan) for words in programs]))
    for loops in (1, 3000, 17, 5000, 20_000, 12_345):
        engine.step(loops)
    return engine.state()


@pytest.mark.parametrize("threads", [1, 3])
def test_a_loop_is_compiled_once(monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    alone = counted(monkeypatch)
    states([LOOP], SOON)
    assert alone
    together = counted(monkeypatch)
    found = states([LOOP] * 5, SOON, threads)
    assert 0 < len(together) <= len(alone)
    for state in found:
        np.testing.assert_array_equal(state, states([LOOP], NEVER)[0])


def test_another_program_has_units_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = counted(monkeypatch)
    found = states([LOOP, OTHER, LOOP], SOON)
    assert numbers.count(1) == 2
    for state, expected in zip(found, states([LOOP, OTHER, LOOP], NEVER), strict=True):
        np.testing.assert_array_equal(state, expected)
