"""Parameters of a machine: asked for by a program or a caller, kept in the plan, never confused."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import looped.api
from looped import registry
from looped.artefact.checkpoint import load_machine, save_machine
from looped.artefact.validity import check_plan
from looped.engines.dense import DenseEngine
from looped.errors import CompileError, LoopedError, Source
from looped.image import Image
from looped.precision import FLOAT32
from looped.run.session import Session
from looped.verify.expected import Expected
from looped.verify.lockstep import lockstep
from tests.conftest import compiled

SOURCE = "halt\n.side 4\n.fraction 20\n.scalar x 1\n"
OTHER = Image("fleq", 32, (0,) * 8, {"fleq.side": 8})


def image(text: str = SOURCE, **asked: int) -> Image:
    return registry.assemble(Source("p.fleq", text), machine="fleq", parameters=asked)


def test_a_program_says_what_it_needs_and_a_caller_overrides_it() -> None:
    found = image()
    assert (found.parameter("side"), found.parameter("fraction")) == (4, 20)
    assert found.parameter("other") is None
    assert image(side=2).parameter("side") == 2
    assert image(fraction=8).words[-2] == 1 << 8


def test_what_is_not_asked_for_is_the_usual() -> None:
    fleq = registry.machine("fleq")
    assert fleq.settled(32, {}) == {"fraction": 16, "side": 8}
    assert fleq.settled(32, {"side": 2}) == {"fraction": 16, "side": 2}


@pytest.mark.parametrize(
    ("name", "asked", "message"),
    [
        ("fleq", {"side": 3}, "hint: side, words from one row to the next: 2, 4, 8, 16"),
        ("fleq", {"fraction": 28}, "hint: fraction, bits after the point: 8 to 27"),
        ("fleq", {"rows": 3}, "fleq has no parameter `rows`\nhint: parameters: fraction, side"),
        ("subleq", {"side": 4}, "subleq has no parameter `side`\nhint: subleq has no parameters"),
    ],
)
def test_what_no_machine_has_is_refused(name: str, asked: dict[str, int], message: str) -> None:
    with pytest.raises(CompileError) as caught:
        registry.machine(name).circuit(32, 64, None, FLOAT32, **asked)
    assert message in caught.value.render()


def test_the_least_memory_depends_on_them() -> None:
    fleq = registry.machine("fleq")
    assert fleq.circuit(32, 32, side=2).parameters == {"fraction": 16, "side": 2}
    with pytest.raises(CompileError, match="32 words is impossible .*side 8"):
        fleq.circuit(32, 32, side=8)
    assert looped.api.smallest_memory(image("halt\n.side 2")) == 32
    assert looped.api.smallest_memory(image("halt\n.side 16")) == 256


def test_the_plan_keeps_them_in_a_file(tmp_path: Path) -> None:
    machine = compiled("fleq", 32, 32, side=2)
    program = Image("fleq", 32, (0,) * 8, {"fleq.side": 2})
    save_machine(tmp_path / "m.safetensors", machine, program)
    loaded, again = load_machine(tmp_path / "m.safetensors")
    assert loaded.plan.parameters == {"fraction": 16, "side": 2}
    assert again is not None and again.parameter("side") == 2
    save_machine(tmp_path / "wrong.safetensors", machine, OTHER)
    with pytest.raises(LoopedError, match="needs a machine with side 8, and this one has 2"):
        load_machine(tmp_path / "wrong.safetensors")


@pytest.mark.parametrize("wrong", [{"": 1}, {"a b": 1}, {"side": -1}, {"side": 1 << 40}])
def test_a_plan_with_wrong_ones_is_not_valid(wrong: dict[str, int]) -> None:
    plan = compiled("fleq", 32, 32, side=2).plan
    with pytest.raises(ValueError, match="is no parameter of a machine"):
        check_plan(dataclasses.replace(plan, parameters=wrong))


def test_a_machine_with_others_refuses_the_program() -> None:
    machine = compiled("fleq", 32, 32, side=2)
    with pytest.raises(CompileError) as caught:
        Session(machine, OTHER, DenseEngine(machine))
    assert caught.value.render() == (
        "error: the program needs a machine with side 8, and this one has 2\n"
        "hint: compile a machine for the program: --set side=8"
    )
    with pytest.raises(CompileError, match="side 8"):
        lockstep(machine, DenseEngine(machine), [OTHER], [b""])


def test_the_reference_gets_them_and_the_number_of_workers() -> None:
    plan = compiled("fleq", 32, 32, side=2).with_workers(4).plan
    reference = Expected(Image("fleq", 32, (0,)), plan, b"").reference
    found = (getattr(reference, name) for name in ("fraction", "side", "workers"))
    assert tuple(found) == (16, 2, 4)
