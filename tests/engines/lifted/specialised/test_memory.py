"""Units are made so that a stream stays in them."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.specialised import AT_ONCE, cases
from looped.artefact.embedding import embed
from looped.engines.engine import Watch
from looped.engines.lifted import LiftedEngine
from looped.engines.lifted.specialised.machine_code import Units
from tests.conftest import compiled

STEPS = 1_000_000


def test_passes_of_one_unit_lead_into_the_middle_of_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An indirect-threaded interpreter has more hot passes than its first units hold."""
    plain, run = [0], Units.run

    def counted(units: Units, *given: Any) -> tuple[int, bool, int]:
        found = run(units, *given)
        plain[0] += found[2]
        return found

    monkeypatch.setattr(Units, "run", counted)
    (case,) = (case for case in cases() if case.name == "indirect threading")
    machine = compiled("subleq", 16, 1024)
    engine = LiftedEngine(machine, effort=AT_ONCE)
    engine.load(embed([*case.words], machine.plan)[None])
    watch = Watch(machine.plan.cpu)
    engine.advance(2 * STEPS, watch)
    plain[0] = 0
    assert engine.advance(STEPS, watch) == STEPS
    assert plain[0] < STEPS // 100
