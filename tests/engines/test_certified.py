"""Certified does every pass once, whichever engine does it, and counts those of the dense one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.artefact.embedding import embed
from looped.engines.auto import ENGINES
from looped.engines.certified import Certified, Progress
from looped.engines.dense import DenseEngine
from looped.engines.engine import NO_LANES, Engine, Floats, Lanes, Watch
from tests.conftest import compiled, examples

COUNTER = (9, 255, 0, 10, 10, 0, 0, 0, 0, 65, 0)
"""Emits a byte, jumps back, and so on: every other pass leaves `writing` at +1."""
ADDER = (12, 13, 3, 14, 12, 6, 15, 15, 0, 0, 0, 0, 251, 7, 1, 0)
"""Changes words 12 and 13 in a loop."""

MACHINE = compiled("subleq", 8, 32)
WRITING = np.array(MACHINE.plan.words["writing"])
PC = np.array(MACHINE.plan.words["pc"])


class Moody:
    """A fast engine whose streams give up when their mood says so; its passes are those of dense.

    `moods` has one entry for each pass that is tried; what comes after the last one is done.
    """

    def __init__(self, moods: Sequence[bool]) -> None:
        self.moods = list(moods)
        self.given_up = self.done = 0

    def stream(self, x: np.ndarray) -> MoodyStream:
        return MoodyStream(self, x)

    def announce(self, streams: object, note: object) -> None:
        pass


class MoodyStream:
    """See Moody."""

    def __init__(self, owner: Moody, x: np.ndarray) -> None:
        self.owner = owner
        self.inner = DenseEngine(MACHINE)
        self.inner.load(x[None])
        self.last: Floats = x
        self.gave_up = False

    def prepare(self) -> None:
        pass

    def advance(self, loops: int, watch: Watch) -> Progress:
        assert not self.gave_up, "half a pass may have been done: only `replace` may follow"
        done = 0
        for _ in range(3 * loops):
            if self.owner.moods and self.owner.moods.pop():
                self.owner.given_up += 1
                self.gave_up = True
                return Progress(done, abandoned=True)
            self.last = self.state()
            self.inner.step()
            self.owner.done += 1
            stop, counts = watch.seen(self.read(watch.column, watch.lanes))
            done += counts
            if stop or done == loops:
                break
        return Progress(done, abandoned=False)

    def touched(self) -> Lanes:
        return (self.last != self.state()).any(axis=1).nonzero()[0]

    def replace(self, x: Floats) -> None:
        self.gave_up = False
        self.inner.load(x[None])

    def state(self) -> Floats:
        return self.inner.state()[0]

    def read(self, column: int, lanes: Lanes) -> Floats:
        return self.inner.read(column, lanes)[0]

    def write(self, column: int, lanes: Lanes, values: Floats) -> None:
        self.inner.write(0, column, lanes, values)


watches = st.sampled_from(
    [
        Watch(),
        Watch(MACHINE.plan.cpu, WRITING),
        Watch(MACHINE.plan.cpu, NO_LANES, WRITING),
        Watch(MACHINE.plan.cpu, WRITING, np.array(MACHINE.plan.words["pc"][:1])),
        Watch(MACHINE.plan.cpu, NO_LANES, WRITING, PC, np.zeros((1, 8), np.bool_)),
    ]
)


@examples(0.25)
@given(
    st.lists(st.booleans(), max_size=40),
    st.lists(st.tuples(st.integers(0, 6), watches, st.booleans()), max_size=6),
)
def test_no_pass_is_lost_or_done_twice(
    moods: list[bool], calls: list[tuple[int, Watch, bool]]
) -> None:
    """Counts, states and changes are those of the dense engine, also where changes are noted."""
    fast, definition = Moody(moods), DenseEngine(MACHINE)
    certified = Certified(fast, DenseEngine(MACHINE))
    x = embed(COUNTER, MACHINE.plan)[None]
    certified.load(x)
    definition.load(x)
    passes = 0
    step = definition.step

    def counted(loops: int = 1) -> None:
        nonlocal passes
        passes += loops
        step(loops)

    definition.step = counted  # type: ignore[method-assign]
    for loops, watch, observed in calls:
        assert certified.advance(loops, watch) == definition.advance(loops, watch)
        assert np.array_equal(certified.state(), definition.state())
        if observed:
            found, expected = certified.changes().tolist(), definition.changes().tolist()
            assert set(expected) <= set(found)
    assert fast.done + certified.fallbacks == passes
    assert certified.fallbacks == fast.given_up


@pytest.mark.parametrize("make", ENGINES.values(), ids=ENGINES)
@pytest.mark.parametrize("words", [COUNTER, ADDER])
def test_changes_are_what_has_changed_and_little_else(
    make: Callable[..., Engine], words: tuple[int, ...]
) -> None:
    """All columns at first; then those that differ, and no others but a few that may have."""
    engine: Engine = make(MACHINE, "float32", "cpu", False)
    engine.load(embed(words, MACHINE.plan)[None])
    assert engine.changes().tolist() == list(range(MACHINE.plan.columns))
    engine.step(6)  # which settles down what a fast engine does not know yet
    engine.changes()
    for loops in (1, 1, 2, 5, 1, 1):
        before = engine.state()[0]
        engine.advance(loops)
        changed = (before != engine.state()[0]).any(axis=1).nonzero()[0].tolist()
        found = engine.changes().tolist()
        assert set(changed) <= set(found) and found == sorted(found)
        assert len(found) <= len(changed) + 5
    engine.write(0, 20, np.array(MACHINE.plan.words["value"]), -np.ones(8))
    engine.write(0, 21, np.array(MACHINE.plan.words["value"]), np.ones(8))
    assert 21 in engine.changes().tolist()
    assert engine.changes().tolist() == []


def test_a_stream_that_is_not_exact_reports_what_dense_changes() -> None:
    engine = ENGINES["event"](MACHINE, "float32", "cpu", False)
    x = embed(ADDER, MACHINE.plan)[None].astype(np.float64)
    x[0, 20, MACHINE.plan.words["value"][0]] = 0.5
    engine.load(x)
    engine.changes()
    before = engine.state()[0]
    engine.step()
    changed = (before != engine.state()[0]).any(axis=1).nonzero()[0].tolist()
    assert engine.changes().tolist() == changed
    assert engine.fallbacks == 1


def test_a_pass_that_is_given_up_in_the_middle_of_many_is_not_tried_again() -> None:
    """Half of it may have been done; only the dense engine knows what is right."""
    fast, definition = Moody([False, True, True, False, True, False]), DenseEngine(MACHINE)
    certified = Certified(fast, DenseEngine(MACHINE))
    for engine in (certified, definition):
        engine.load(embed(COUNTER, MACHINE.plan)[None])
        assert engine.advance(30) == 30
    assert np.array_equal(certified.state(), definition.state())
    assert (certified.fallbacks, fast.given_up, fast.done) == (3, 3, 27)
