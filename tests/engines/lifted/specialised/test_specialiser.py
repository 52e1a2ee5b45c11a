"""Specialised passes leave what plain ones leave, however a program behaves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.engines.lifted import LiftedEngine
from looped.engines.lifted.specialised import Effort
from looped.engines.lifted.specialised.beside import Inside
from tests.conftest import compiled, examples
from tests.engines.lifted.specialised.lockstep import EAGER, Pair
from tests.engines.lifted.specialised.loops import riscv_loop, subleq_loop
from tests.seeds import rng

Z = 20
"""The address of a zero in the programs below."""


@pytest.fixture(scope="module")
def subleq() -> LiftedEngine:
    return LiftedEngine(compiled("subleq", 8, 32))


def pair(engine: LiftedEngine, words: list[int], effort: Effort = EAGER) -> Pair:
    memory = [word & 255 for word in words] + [0] * (32 - len(words))
    return Pair(engine, compiled("subleq", 8, 32), memory, effort)


@examples(0.06)
@given(words=st.lists(st.integers(0, 255), min_size=12, max_size=32), data=st.data())
def test_random_programs(subleq: LiftedEngine, words: list[int], data: st.DataObject) -> None:
    both = pair(subleq, words)
    for loops in data.draw(st.lists(st.integers(1, 3000), min_size=3, max_size=6)):
        both.advance(loops)


@examples(0.06)
@given(seed=st.integers(0, 2**32), data=st.data())
def test_loops_that_change_themselves(subleq: LiftedEngine, seed: int, data: st.DataObject) -> None:
    both = pair(subleq, subleq_loop(rng(str(seed)), 8, 32))
    for loops in data.draw(st.lists(st.integers(1, 3000), min_size=3, max_size=6)):
        both.advance(loops)


def rewriting(place: int, operand: int, delta: int) -> list[int]:
    """A loop of four instructions; every 100 rounds it adds to an operand of one of them.

    The first counts to zero at 21, the branch goes on to the change at 12.
    """
    at = 3 * place + operand
    loop = [22, 21, 12, 24, 25, 6, 24, 26, 9, Z, Z, 0]
    change = [27, 21, 15, 23, at, 18]
    return [*loop, *change, Z, 31, 0, 100, 1, -delta, 1, 0, 0, -100, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("place", "operand", "delta"),
    [(1, 1, 1), (1, 0, 1), (2, 1, -1), (3, 1, 0), (0, 2, 0), (1, 2, 0)],
)
def test_a_hot_loop_that_is_rewritten(
    subleq: LiftedEngine, place: int, operand: int, delta: int
) -> None:
    both = pair(subleq, rewriting(place, operand, delta))
    for _ in range(12):
        both.advance(333)
    assert len(both.specialiser.units)


@pytest.mark.parametrize("operand", range(6))
def test_an_instruction_that_changes_itself_or_the_next_one(
    subleq: LiftedEngine, operand: int
) -> None:
    both = pair(subleq, [21, operand, 3, 22, 23, 6, Z, Z, 0, *[0] * 12, 0, 1, 0])
    both.advance(200)
    assert len(both.specialiser.units)
    for seen in (255, 1, 2, 251):  # from now on the first instruction subtracts these
        for _, cells in (both.plain, both.special):
            cells[21] = seen
        both.advance(7)
        both.advance(500)


def test_every_step_limit_is_exact(subleq: LiftedEngine) -> None:
    both = pair(subleq, [21, 22, 3, 21, 23, 6, 21, 24, 9, Z, Z, 0, *[0] * 9, 1])
    both.advance(2000)
    for loops in [*range(1, 40), 1000, 1001, 1002, 1003]:
        assert both.advance(loops) == (loops, False)
    assert len(both.specialiser.units)


def test_a_pass_that_halts_ends_a_hot_loop(subleq: LiftedEngine) -> None:
    for rounds in range(30, 34):
        both = pair(subleq, [21, 22, 9, 21, 23, 6, Z, Z, 0, Z, Z, -1, *[0] * 9, 1, rounds])
        done, _ = both.advance(10_000)
        assert done == 3 * rounds - 1
        assert both.advance(5) == (1, False)


def test_a_graph_is_bounded(subleq: LiftedEngine) -> None:
    words = [word for place in range(8) for word in (30, 27 + place % 3, 3 * place + 3)]
    words += [31, 31, 0, 0, 0, 0, 1, 0]
    effort = Effort(patience=2, share=0, unit=30, size=30, beside=False)
    both = pair(subleq, words, effort)
    for _ in range(6):
        both.advance(200)
    assert both.shared is not None
    made = both.shared.worker
    assert isinstance(made, Inside)
    memory = made.builder.memory
    assert memory is not None
    assert 0 < sum(memory.sizes.values()) <= 30 + 50
    codes = [known.code for known in memory._seen.values() if known.code is not None]
    assert 0 < sum(len(code.instructions) for code in codes) <= 30 + 50


@pytest.mark.slow
@pytest.mark.parametrize(
    ("machine", "width", "patience"),
    [("subleq", 8, 2), ("subleq", 16, 20), ("rv32i", 32, 100), ("rv32im", 32, 100)],
)
def test_ten_million_steps_of_random_loops(machine: str, width: int, patience: int) -> None:
    size = 32 if machine == "subleq" else 64
    compiled_machine = compiled(machine, width, size)
    engine = LiftedEngine(compiled_machine)
    random = rng(f"{machine} {width}")
    effort = Effort(patience, share=0, beside=False)
    steps = 0
    while steps < 10_000_000:
        if machine == "subleq":
            words = subleq_loop(random, width, size)
        else:
            words = riscv_loop(random, size, machine)
        both = Pair(engine, compiled_machine, words, effort)
        for loops in (1, 500, 7, 3000, 1000, 100_000, random.randrange(100_000)):
            done, abandoned = both.advance(loops)
            steps += done
            if abandoned:
                break
