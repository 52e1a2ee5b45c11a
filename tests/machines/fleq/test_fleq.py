"""FLEQ in weights equals the reference, every lane of every column after each instruction."""

from __future__ import annotations

from pathlib import Path

import pytest

from looped.engines.dense import DenseEngine
from looped.engines.event import EventEngine
from looped.errors import CompileError
from looped.isa.fleq import Operation, Selector, encode
from looped.machines.fleq.machine import describe
from looped.precision import PRECISIONS
from looped.reference.fleq import Fleq
from tests import seeds
from tests.machines.fleq.stepping import (
    NUMBERS,
    Setting,
    fleq,
    program,
    reference,
    together,
)

ROOT = Path(__file__).parents[3]
SMALL, USUAL = Setting(2), Setting(8)
_I, _J, _K = Selector.I, Selector.J, Selector.K


def run(setting: Setting, programs: int, most: int = 100) -> list[int]:
    """The loops of all instructions of some random programs on the event engine."""
    machine = fleq(setting)
    engine, loops = EventEngine(machine), list[int]()
    for number in range(programs):
        words = program(seeds.rng(f"{setting} {number}"), setting)
        loops += together(engine, reference(words, setting), machine.plan, most)
    assert engine.fallbacks == 0
    return loops


@pytest.mark.parametrize("setting", [SMALL, USUAL, Setting(16, memory=1024)], ids=str)
def test_the_sizes_of_the_page_are_true(setting: Setting) -> None:
    plan = fleq(setting).plan
    sizes = (len(plan.blocks), plan.d_model, plan.n_heads, plan.d_head, plan.d_ff)
    name = f"{setting.memory:,} words, side {setting.side}"
    row = f"| {name} | {' | '.join(map(str, sizes))} | {fleq(setting).nonzero_weights:,} |"
    assert row in (ROOT / "docs" / "fleq.md").read_text()


def test_random_programs_on_the_event_engine() -> None:
    assert len(run(SMALL, 4)) >= 50


@pytest.mark.slow
@pytest.mark.parametrize(
    "setting",
    [SMALL, Setting(4, fraction=20), Setting(8), Setting(8, fraction=12), Setting(16)],
    ids=str,
)
def test_hundreds_of_random_instructions_on_the_event_engine(setting: Setting) -> None:
    assert len(run(setting, 20)) >= 200


@pytest.mark.parametrize("size", [1, 2, 4, pytest.param(8, marks=pytest.mark.slow)])
def test_loops_of_a_matrix_product(size: int) -> None:
    """One loop to begin an element, 8 for each k, one to write it; one to judge the branch."""
    operation = Operation("mul", (_I, _K), (_K, _J), size, size, size, judge=True)
    rng = seeds.rng(f"product {size}")
    words = [encode(operation), 64, 128, 192, 5, 6, *[0] * 58]
    words += [rng.getrandbits(18) for _ in range(128)] + [0] * 320
    machine = fleq(USUAL)
    plain = reference(words, USUAL)
    loops = together(EventEngine(machine), plain, machine.plan, 1)
    assert loops == [size * size * (8 * size + 2) + 1]
    assert any(plain.memory[192:])


@pytest.mark.parametrize("function", sorted(set(range(32)) - NUMBERS))
def test_every_other_function_traps(function: int) -> None:
    words = [encode(Operation("copy", (_I, _J), rows=2, cols=2)), 40, 0, 12, 0, 0]
    words += [(encode(Operation("copy")) & ~31) | function, 40, 41, 42, 0, 0, *[7] * 52]
    setting = Setting(2, memory=64)
    plain = reference(words, setting)
    plain.memory[12:16] = [0] * 4
    machine = fleq(setting)
    assert together(EventEngine(machine), plain, machine.plan, 9)[-1] == 1
    assert (plain.trap, plain.pc, plain.memory[42]) == (1, 6, 7)


def test_an_instruction_that_overwrites_itself() -> None:
    """Each element fetches it again: the second one finds another function and traps."""
    words = [encode(Operation("copy", rows=1, cols=2)), 40, 40, 0, 0, 0, *[0] * 58]
    setting = Setting(2, memory=64)
    machine, plain = fleq(setting), reference(words, setting)
    assert together(EventEngine(machine), plain, machine.plan, 1) == [4]
    assert plain.trap == 1


def test_an_instruction_that_makes_itself_smaller() -> None:
    """Row 3 of a result writes another op word, of one element; row 4 begins, and stores none."""
    operation = Operation("copy", rows=5, cols=8)
    words = [encode(Operation("copy")), *[0] * 5, encode(operation), 0, 0, 487, 0, 0, *[0] * 500]
    machine, plain = fleq(USUAL), reference(words, USUAL)
    together(EventEngine(machine), plain, machine.plan, 2)
    assert plain.memory[5:8] == [words[0], words[0], 0]


@pytest.mark.parametrize("most", [12, pytest.param(60, marks=pytest.mark.slow)])
def test_random_programs_on_the_dense_module(most: int) -> None:
    setting = Setting(2, memory=64)
    words = program(seeds.rng("dense"), setting, length=8)
    machine = fleq(setting)
    assert together(DenseEngine(machine), reference(words, setting), machine.plan, most)


def test_a_difference_is_found() -> None:
    """A reference with another point in its words."""
    words = program(seeds.rng("other"), SMALL)
    plain = Fleq(words, 32, SMALL.memory, fraction=15, side=2)
    machine = fleq(SMALL)
    with pytest.raises(AssertionError, match="instruction"):
        together(EventEngine(machine), plain, machine.plan, 100)


@pytest.mark.parametrize(
    ("width", "bits", "options", "message"),
    [
        (32, 9, {"side": 3}, "no side of 3"),
        (32, 5, {"side": 8}, "a memory of 32 words is impossible with rows of 8 words"),
        (32, 9, {"fraction": 30}, "cannot have 30 fraction bits"),
        (32, 9, {"precision": PRECISIONS["bfloat16"]}, "cannot be compiled for bfloat16"),
    ],
)
def test_what_cannot_be_compiled(
    width: int, bits: int, options: dict[str, object], message: str
) -> None:
    with pytest.raises(CompileError, match=message):
        describe(width, bits, **options)  # type: ignore[arg-type]
