"""Every program does what its header says: on the reference, on the transformer, and baked."""

from __future__ import annotations

import pytest

import looped
import looped.api
from looped import registry
from looped.engines.dense import DenseEngine
from looped.errors import CompileError
from looped.verify.certificate import numeric_verdict
from looped.verify.lockstep import lockstep
from tests.conftest import compiled
from tests.programs.headers import Program, programs

ALL = programs()
each = pytest.mark.parametrize("program", ALL, ids=[p.path.stem for p in ALL])

SHORT = 10
"""Steps that a bfloat16 machine takes in a second or two, on a CPU that has no bfloat16."""

LONG, FIRST = 300, 100
"""A program of more than LONG steps takes the dense engine many seconds: that is a slow test, and
only its FIRST steps are not. The other engines take all steps of every program."""


def test_there_are_enough() -> None:
    assert len(ALL) >= 16


@each
def test_the_reference_does_what_the_header_says(program: Program) -> None:
    image = looped.assemble(program.path)
    memory = looped.api.smallest_memory(image)
    machine = registry.machine(image.machine).reference(
        image.words, image.width, memory, program.input
    )
    steps = 0
    while not machine.halted and steps <= program.steps:
        machine.step()
        steps += 1
    assert (bytes(machine.output), steps) == (program.output, program.steps)


@pytest.mark.parametrize(
    "program",
    [pytest.param(p, marks=[pytest.mark.slow] if p.steps > LONG else []) for p in ALL],
    ids=[p.path.stem for p in ALL],
)
def test_the_transformer_equals_the_reference_at_every_step(program: Program) -> None:
    image = looped.assemble(program.path)
    machine = compiled(image.machine, image.width, looped.api.smallest_memory(image))
    verdict = lockstep(machine, DenseEngine(machine), [image], [program.input])
    assert (verdict.steps, verdict.halted) == (program.steps, True)
    assert verdict.outputs == (program.output,)


BEGUN = [p for p in ALL if p.steps > LONG]


@pytest.mark.parametrize("program", BEGUN, ids=[p.path.stem for p in BEGUN])
def test_the_transformer_equals_the_reference_at_first(program: Program) -> None:
    """At every one of its first steps; up to the end it is a slow test."""
    image = looped.assemble(program.path)
    machine = compiled(image.machine, image.width, looped.api.smallest_memory(image))
    verdict = lockstep(machine, DenseEngine(machine), [image], [program.input], FIRST)
    assert (verdict.steps, verdict.halted) == (FIRST, False)
    assert program.output.startswith(verdict.outputs[0])


@each
def test_what_can_be_baked_runs_baked_and_the_rest_is_refused(program: Program) -> None:
    image = looped.assemble(program.path)
    if not program.baked:
        with pytest.raises(CompileError, match="a baked program cannot change itself"):
            looped.compile(image, bake=True)
        return
    machine = looped.compile(image, bake=True)
    assert len(machine.plan.blocks) == (4 if image.width == 32 else 3)
    verdict = lockstep(machine, DenseEngine(machine), [image], [program.input])
    assert (verdict.steps, verdict.outputs) == (program.steps, (program.output,))


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(p, marks=[pytest.mark.slow] if p.steps > SHORT else [], id=p.path.stem)
        for p in ALL
    ],
)
def test_a_machine_for_bfloat16_is_exact_there_and_equals_the_reference(program: Program) -> None:
    """At every one of its first instructions."""
    image = looped.assemble(program.path)
    machine = looped.compile(image, dtype="bfloat16")
    assert numeric_verdict(machine, "bfloat16").exact
    engine, steps = DenseEngine(machine, "bfloat16"), min(program.steps, 100)
    verdict = lockstep(machine, engine, [image], [program.input], steps)
    assert verdict.steps == steps and program.output.startswith(verdict.outputs[0])
