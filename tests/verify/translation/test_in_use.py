"""Lockstep runs of the lifted engine prove its code first, where that is quick."""

from __future__ import annotations

import dataclasses

import pytest

import looped
from looped import api
from looped.analysis.model import Model
from looped.engines.lifted import LiftedEngine
from looped.engines.lifted.lift import Lifted
from looped.verify.translation import WrongLift, in_use
from looped.verify.translation.in_use import is_small
from tests.conftest import compiled

IMAGE = looped.Image("subleq", 8, (6, 7, 3, 9, 9, 255, 1, 2))


def proved(monkeypatch: pytest.MonkeyPatch) -> list[Lifted]:
    """The lifts that are proved from now on."""
    lifts: list[Lifted] = []
    proof = in_use.validate

    def noted(model: Model, lifted: Lifted) -> None:
        lifts.append(lifted)
        proof(model, lifted)

    monkeypatch.setattr(in_use, "validate", noted)
    return lifts


def test_a_small_lift_is_proved_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = compiled("subleq", 8, 32)
    lifts = proved(monkeypatch)
    assert api.verify(machine, IMAGE, engine=api.choose_engine(machine, "lifted"), steps=3).steps
    assert len(lifts) == 1


def test_other_engines_prove_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = compiled("subleq", 8, 32)
    lifts = proved(monkeypatch)
    assert api.verify(machine, IMAGE, engine=api.choose_engine(machine, "event"), steps=3).steps
    assert lifts == []


def test_a_large_lift_is_not_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = compiled("subleq", 8, 32)
    lifts = proved(monkeypatch)
    notes: list[str] = []
    for limit in (100, 500):
        monkeypatch.setattr(in_use, "_INSTRUCTIONS", limit)
        engine = api.choose_engine(machine, "lifted")
        assert api.verify(machine, IMAGE, engine=engine, steps=3, note=notes.append).steps
    assert len(lifts) == 1
    (note,) = notes
    assert note.endswith(
        "instructions) is compared with the reference, but not proved: that would take longer than "
        "a second; see `looped certify --lifted`"
    )


def test_a_lift_of_many_columns_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    lifts = proved(monkeypatch)
    machine = compiled("subleq", 8, 32)
    api.verify(machine, IMAGE, engine=api.choose_engine(machine, "lifted"), steps=1)
    assert is_small(lifts[0])
    monkeypatch.setattr(in_use, "_COLUMNS", 33)
    assert not is_small(lifts[0])


def test_a_wrong_lift_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sum becomes an exclusive or before the proof sees the code."""
    machine = compiled("subleq", 8, 32)
    engine = api.choose_engine(machine, "lifted")
    assert isinstance(engine, LiftedEngine)
    proof = in_use.validate

    def spoilt(model: Model, lifted: Lifted) -> None:
        code = lifted.code
        place = next(n for n, i in enumerate(code.instructions) if i.operation in ("add", "sub"))
        wrong = [*code.instructions]
        wrong[place] = dataclasses.replace(wrong[place], operation="xor")
        proof(
            model,
            dataclasses.replace(lifted, code=dataclasses.replace(code, instructions=wrong)),
        )

    monkeypatch.setattr(in_use, "validate", spoilt)
    with pytest.raises(WrongLift, match="it is not shown that the lifted code equals the weights"):
        api.verify(machine, IMAGE, engine=engine, steps=3)
