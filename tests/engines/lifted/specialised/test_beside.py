"""A builder in a process of its own answers as one inside, and ends with the run."""

from __future__ import annotations

import gc
import os
import time
from pathlib import Path

import numpy as np
import pytest

from looped.engines.lifted import LiftedEngine
from looped.engines.lifted.specialised import shared
from looped.engines.lifted.specialised.beside import Beside, Inside
from looped.engines.lifted.specialised.builder import Answer, Builder, Look
from looped.engines.lifted.specialised.observe import Passes
from tests.conftest import compiled
from tests.engines.lifted.specialised.lockstep import EAGER, Pair
from tests.engines.lifted.specialised.test_writer import WIDTHS, ring

LOOP = [21, 22, 3, 21, 23, 6, 21, 24, 9, 20, 20, 0, *[0] * 9, 1, 0, 0, 0, *[0] * 7]


def look() -> Look:
    """Passes of a ring of four keys."""
    rows = np.array([[n % 4, 0, int(n % 4 == 3), n] for n in range(33)], np.uint64)
    columns = rows[:-1, :1].astype(np.int64)
    cells = np.zeros(9, np.uint16)
    return Look(Passes(rows, columns, rows[:-1, 3:].copy(), cells, cells), 1.0)


def builder() -> Builder:
    none = np.zeros(4, np.uint64)
    return Builder(lambda: ring(1 << 39), WIDTHS, 16, (none, none), EAGER)


def answer(worker: Beside) -> Answer:
    for _ in range(3000):
        found = worker.answer()
        if found is not None:
            return found
        time.sleep(0.02)
    raise AssertionError("no answer for a minute")


def test_a_process_answers_as_a_builder_does() -> None:
    beside, inside = Beside(builder()), Inside(builder())
    for _ in range(2):
        beside.ask(look())
        inside.ask(look())
        found, expected = answer(beside), inside.answer()
        assert expected is not None
        assert (found.unit, found.needless) == (expected.unit, expected.needless)
        assert beside.answer() is None
    assert found.unit is None


def test_the_process_ends_with_its_owner() -> None:
    before = children()
    worker = Beside(builder())
    (child,) = children() - before
    del worker
    gc.collect()
    assert child not in children()


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def test_units_of_a_process_are_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "worker", lambda made, _: Beside(made))
    both = Pair(LiftedEngine(compiled("subleq", 8, 32)), compiled("subleq", 8, 32), LOOP, EAGER)
    for _ in range(3000):
        both.advance(997)
        if len(both.specialiser.units):
            break
        time.sleep(0.02)
    assert len(both.specialiser.units)
    for loops in (1, 2, 3, 5000, 40_000):
        both.advance(loops)
