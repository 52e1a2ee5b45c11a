"""PlanCache: integers of a run by name are those of the program and of the reference."""

from __future__ import annotations

import numpy as np
import pytest

import looped
import looped.api
from looped import study
from looped.artefact.embedding import embed
from looped.nn import Cache
from looped.reference import Subleq
from looped.study import PlanCache, parts
from looped.study.parts import Head
from looped.verify.expected import Expected
from tests.conftest import compiled
from tests.programs.headers import FOLDER

WORDS = (9, 10, 6, 0, 0, 0, 0, 0, 0, 5, 12)
"""subleq 9, 10, 6: mem[10] becomes 12 - 5."""


def first_loops(loops: int) -> PlanCache:
    machine = compiled("subleq", 16, 32)
    return study.run_with_cache(machine, embed(WORDS, machine.plan), loops)


def test_heads_attend_to_the_columns_of_the_instruction() -> None:
    cache = first_loops(1)
    cpu = cache.plan.cpu
    assert [int(cache.head(name)[cpu]) for name in ("a", "b", "c")] == [0, 1, 2]
    assert [int(cache.head(name)[cpu]) for name in ("mem_a", "mem_b")] == [9, 10]
    write = cache.head("write result")
    assert write[10] == cpu  # only the column that is written attends to the CPU
    assert np.array_equal(np.delete(write, 10), np.delete(np.arange(cache.plan.columns), 10))
    assert np.array_equal(cache.head("erase for result"), np.arange(cache.plan.columns))


def test_words_have_their_values_at_each_phase() -> None:
    cache = first_loops(2)
    assert [cache.word(name, loop=0) for name in ("a", "b", "c")] == [9, 10, 6]
    assert [cache.word(name, loop=0) for name in ("mem_a", "mem_b", "result")] == [5, 12, 7]
    assert [cache.word("pc", phase, loop=0) for phase in (-1, 2, 5)] == [0, 0, 3]
    assert [cache.word("pc", loop=loop) for loop in range(2)] == [3, 0]
    assert [cache.word("value", p, loop=0, column=10) for p in (-1, 3, 4)] == [12, 12, 7]
    assert cache.word("position", column=7) == 7
    assert cache.word("subtracting", loop=0) == 1 and cache.word("writing", loop=0) == 0


def test_units_of_a_group_fire_for_an_instruction_that_needs_them() -> None:
    cache = first_loops(1)
    assert len(cache.group("subtracting")) > 0
    assert len(cache.group("waiting")) == 0
    assert set(cache.group("result")) <= set(cache.plan.blocks[1].groups[1].units)
    assert len(cache.group("clear", block=2)) > 0


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda cache: cache.group("clear"), "'clear' is in blocks 0, 1, 2: choose a block"),
        (lambda cache: cache.word("result", 0), "the word 'result' is not complete in phase 0"),
        (lambda cache: cache.word("nothing"), "no word is named 'nothing'"),
        (lambda cache: cache.head("result"), "no head is named 'result'; there are a, b, "),
    ],
)
def test_what_is_not_there_is_refused(ask, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        ask(first_loops(1))


def test_a_pattern_that_is_not_one_hot_is_refused() -> None:
    cache = first_loops(1)
    name = "blocks.0.attn.hook_pattern"
    soft = {name: cache.activations[name].clone()}
    soft[name][0, 0, 3, 3] += 1e-7
    with pytest.raises(ValueError, match="the pattern of head 'a' is not one-hot"):
        PlanCache(cache.plan, Cache([soft])).head("a")


PROGRAMS = (
    *("subleq/echo.sasm", "subleq/greet.sasm", "subleq/hello.sasm", "subleq/multiply.sasm"),
    *("subleq/selfmodify.sasm", "subleq/countdown8.sasm", "subleq/caesar8.sasm"),
    *("rv32i/echo.s", "rv32i/hello.s", "rv32i/selfmodify.s"),
)


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_head_is_exactly_one_hot_in_each_of_ten_programs(name: str) -> None:
    """At the beginning of the program and some steps later, in every column, to the last bit."""
    image = looped.assemble(FOLDER / name)
    machine = compiled(image.machine, image.width, looped.api.smallest_memory(image))
    expected = Expected(image, machine.plan, b"looped")
    heads = [part for part in parts(machine.plan) if isinstance(part, Head)]
    for _ in range(2):
        cache = study.run_with_cache(machine, expected.x)
        for part in heads:
            chosen = cache.head(part.name)
            assert chosen.shape == (machine.plan.columns,)
        for _ in range(9):
            expected.step()


def test_the_cache_ends_with_the_state_of_the_reference() -> None:
    machine = compiled("subleq", 16, 32)
    reference = Subleq(WORDS, 16, 32)
    cache = first_loops(5)
    for _ in range(5):
        reference.step()
    memory = [cache.word("value", column=column) for column in range(32)]
    assert memory == reference.memory and cache.word("pc") == reference.pc
    assert machine.plan == cache.plan
