"""One wrong word anywhere, after any step, is found, and told after that step."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.artefact.plan import CompiledMachine
from looped.engines.dense import DenseEngine
from looped.engines.engine import Engine
from looped.engines.event import EventEngine
from looped.engines.lifted import LiftedEngine
from looped.environment import USUAL
from looped.errors import CompileError
from looped.image import Image
from looped.isa.rv32i import encode
from looped.verify import lockstep as module
from looped.verify.difference import Mismatch
from looped.verify.lockstep import lockstep
from looped.verify.pairs import Pairs, Rhythm
from tests.conftest import compiled, examples
from tests.engines.faults import faults
from tests.verify.faulty import Faulty, FaultyTape, Put, openly, secretly

LOOP = Image("subleq", 8, (9, 10, 3, 11, 12, 6, 13, 13, 0, 1, 100, 3, 4, 0, *range(20, 38)))
"""Every word of memory is read before it is written, or stays; mem[13] becomes zero, come what
may."""

SHORTEST, STEPS = 24, 70
"""Steps between two whole states here, and of a run: so many states, and more than one search."""


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHORTEST", SHORTEST)


def told(engine: object, steps: int = STEPS, image: Image = LOOP) -> Mismatch:
    plan = compiled("subleq", 8, 32)
    with pytest.raises(Mismatch) as caught:
        lockstep(plan, engine, [image], [b""], steps)  # type: ignore[arg-type]
    return caught.value


def value_lanes(draw: st.DrawFn) -> list[int]:
    own = compiled("subleq", 8, 32).plan.words["value"]
    return draw(st.lists(st.sampled_from(own), min_size=1, max_size=8, unique=True))


@st.composite
def words_of_memory(draw: st.DrawFn) -> tuple[int, list[int]]:
    column = draw(st.sampled_from([c for c in range(32) if c != 13]))
    return column, value_lanes(draw)


@st.composite
def lanes_anywhere(draw: st.DrawFn) -> tuple[int, list[int]]:
    plan = compiled("subleq", 8, 32).plan
    column = draw(st.integers(0, plan.columns - 1))
    return column, [draw(st.integers(0, plan.d_model - 1))]


@pytest.fixture(scope="module")
def dense() -> DenseEngine:
    return DenseEngine(compiled("subleq", 8, 32))


@pytest.fixture(scope="module")
def lifted() -> LiftedEngine:
    return LiftedEngine(compiled("subleq", 8, 32))


@pytest.fixture(scope="module")
def event() -> EventEngine:
    return EventEngine(compiled("subleq", 8, 32))


@examples(0.3)
@given(st.integers(1, STEPS), words_of_memory(), st.sampled_from([openly, secretly]))
def test_a_wrong_word_of_a_lifted_engine_is_found(
    lifted: LiftedEngine, step: int, place: tuple[int, list[int]], how: Callable[..., Put]
) -> None:
    """Also one that the engine does not report."""
    found = told(FaultyTape(lifted, step, how(*place)))
    assert found.difference.step == step
    assert found.difference.place == f"mem[{place[0]}], word `value`,"


@examples(0.2)
@given(st.integers(1, 9), lanes_anywhere(), st.sampled_from([openly, secretly]))
def test_a_wrong_lane_of_the_definition_is_found(
    dense: DenseEngine, step: int, place: tuple[int, list[int]], how: Callable[..., Put]
) -> None:
    found = told(Faulty(dense, step, how(*place)), 9)
    assert found.difference.step == step


@examples(0.1)
@given(st.integers(1, 40), words_of_memory())
def test_a_wrong_word_of_an_event_engine_is_found(step: int, place: tuple[int, list[int]]) -> None:
    event = EventEngine(compiled("subleq", 8, 32))
    assert told(Faulty(event, step, openly(*place)), 40).difference.step == step


@pytest.mark.slow
def test_a_wrong_register_is_found_after_thousands_of_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whole states every 4,096 steps, and three searches with ever more of them."""
    monkeypatch.setattr(module, "SHORTEST", 4096)
    machine = compiled("rv32i", 32, 64)
    words = (encode("addi", 10, 10, imm=1), encode("xor", 11, 11, 10), encode("jal", imm=-8))
    plan, column = machine.plan, machine.plan.memory + 20
    engine = FaultyTape(LiftedEngine(machine), 5001, secretly(column, [plan.words["value"][31]]))
    with pytest.raises(Mismatch) as caught:
        lockstep(machine, engine, [Image("rv32i", 32, words)], [b""], 20_000)
    assert str(caught.value) == (
        "after step 5001, the instruction at 8: x20, word `value`, is 2147483648 and should be 0"
    )


def difference(machine: CompiledMachine, engine: Engine, image: Image, every: int | None) -> str:
    """What is told of a run, by whole states after every step, or as usual."""
    try:
        if every is None:
            lockstep(machine, engine, [image], [b"ab"], 40)
        else:
            pairs = Pairs(machine.plan, engine, [image], [b"ab"], USUAL, Rhythm(0, every))
            while pairs.running()[0] and not pairs.have_done(40):
                pairs.advance(1)
            pairs.advance(1)
    except Mismatch as found:
        return str(found)
    return "equal"


def test_wrong_weights_are_told_alike_by_whole_states_and_by_tapes() -> None:
    image = Image("subleq", 8, (20, 21, 6, 0, 0, 0, 255, 22, 9, 20, 255, 12, 23, 20, 0, *[5] * 9))
    told = []
    for wrong in faults(compiled("subleq", 8, 32), 10, seed=3):
        try:
            one = difference(wrong, LiftedEngine(wrong), image, 1)
            other = difference(wrong, LiftedEngine(wrong), image, None)
        except CompileError:  # it is no machine of one CPU any more
            continue
        assert one == other
        told.append(re.sub(r"\d+", "N", one))
    assert len(told) >= 3 and len(set(told)) > 1


def test_a_difference_that_does_not_come_again_is_told_all_the_same(
    lifted: LiftedEngine,
) -> None:
    class Once(FaultyTape):
        """Only the first load leads to the fault."""

        def load(self, x: object) -> None:
            self.engine.load(x)
            self._left, self._number = self._number, 0

    found = told(Once(lifted, 5, secretly(20, [compiled("subleq", 8, 32).plan.words["value"][3]])))
    assert found.difference.step == max(SHORTEST, compiled("subleq", 8, 32).plan.columns)
