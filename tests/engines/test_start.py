"""The handover: a run that changes its engine in the middle is the run of one engine."""

from __future__ import annotations

import gc
import os
import signal
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped import api
from looped.artefact.embedding import embed
from looped.engines import auto, start
from looped.engines.array import ArrayEngine
from looped.engines.auto import AutoEngine
from looped.engines.dense import DenseEngine
from looped.engines.engine import NO_LANES, Watch
from looped.engines.lifted import LiftedEngine, programs
from looped.engines.lifted.lifting import Lifting
from looped.engines.lifted.program import Program
from looped.engines.start import Start
from looped.image import Image
from looped.run.session import Session
from tests.conftest import compiled, examples
from tests.verify.random_programs import random_program

MACHINE = compiled("subleq", 8, 32)
PLAN = MACHINE.plan
COUNTER = (9, 255, 0, 10, 10, 0, 0, 0, 0, 65, 0)
"""Emits a byte, jumps back, and so on."""


@pytest.fixture(autouse=True)
def ready(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lifting begins only where a test says so."""
    monkeypatch.setattr(start, "_PATIENCE", 1e9)
    yield


@cache
def program() -> Program:
    """The program for random words, lifted once."""
    engine = LiftedEngine(MACHINE)
    Session(MACHINE, random_program(1, 8, 32, 0.0), engine)
    engine.prepare()
    return engine.programs.made[0]


def hand_over(engine: AutoEngine) -> None:
    """As when the program is ready."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Start, "program", lambda start, wait: program())
        engine.settle()
    assert kind(engine) is LiftedEngine


def kind(engine: AutoEngine) -> type:
    return type(engine.engine)


@examples(0.25, shrink=False)
@given(
    seed=st.integers(0, 1 << 30),
    calls=st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=8),
    handover=st.integers(0, 8),
    watched=st.sampled_from([(), ("writing",), ("waiting",)]),
)
def test_at_any_point_the_states_are_those_of_one_engine(
    seed: int, calls: list[tuple[int, bool]], handover: int, watched: tuple[str, ...]
) -> None:
    """Counts of passes, states and changes, with a host that writes before and after."""
    words = random_program(seed, 8, 32, 0.1).words
    engine, dense = AutoEngine(MACHINE), DenseEngine(MACHINE)
    stops = np.array([lane for name in watched for lane in PLAN.words[name]], np.intp)
    watch = Watch(PLAN.cpu, NO_LANES, stops) if seed % 2 else Watch(PLAN.cpu, stops)
    value = np.array(PLAN.words["value"])
    for each in (engine, dense):
        each.load(embed(words, PLAN)[None])
    for number, (loops, writes) in enumerate(calls):
        if number == handover:
            hand_over(engine)
        if writes:
            for each in (engine, dense):
                each.write(0, number, value, np.resize([1, -1, -1], 8))
        before = dense.state()[0]
        engine.changes()
        if watch.mid_instruction.size and not _would_end(dense, watch):
            continue
        assert engine.advance(loops, watch) == dense.advance(loops, watch)
        assert np.array_equal(engine.state(), dense.state())
        changed = (before != dense.state()[0]).any(axis=1).nonzero()[0].tolist()
        assert set(changed) <= set(engine.changes().tolist())
    assert kind(engine) is (LiftedEngine if handover < len(calls) else ArrayEngine)


def _would_end(dense: DenseEngine, watch: Watch) -> bool:
    """Whether a pass counts soon, so that `advance` ends."""
    trial = DenseEngine(MACHINE)
    trial.load(dense.state())
    return any(
        trial.step() is None and watch.seen(trial.read(watch.column, watch.lanes)[0])[1]
        for _ in range(40)
    )


def test_it_happens_in_the_middle_of_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the code comes from the other process: this one does not lift."""
    monkeypatch.setattr(start, "_PATIENCE", 0.0)
    monkeypatch.setattr(Lifting, "ready", _waits(Lifting.ready))
    reports: list[str] = []
    engine, dense = AutoEngine(MACHINE, report=reports.append), DenseEngine(MACHINE)
    for each in (engine, dense):
        each.load(embed(COUNTER, PLAN)[None])
    assert engine.advance(500) == 500
    dense.step(500)
    assert np.array_equal(engine.state(), dense.state())
    assert reports == ["engine: array", "engine: lifted"]


def test_a_better_program_takes_over_from_the_first_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "_PATIENCE", 0.0)
    monkeypatch.setattr(programs, "_LONG", 0)
    monkeypatch.setattr("threading.active_count", lambda: 1)  # other tests may have left threads
    monkeypatch.setattr(Lifting, "ready", _waits(Lifting.ready))
    engine, dense = AutoEngine(MACHINE), DenseEngine(MACHINE)
    used = []
    for each in (engine, dense):
        each.load(embed(COUNTER, PLAN)[None])
    for _ in range(4):
        for each in (engine, dense):
            each.step(9)
        used.append(engine.engine)
        assert np.array_equal(engine.state(), dense.state())
    assert [type(each) for each in used] == [LiftedEngine] * 4
    assert used[0] is not used[1] is used[2] and engine._later is None


def _waits(ready: Callable[[Lifting, float | None], bool]) -> Callable[..., bool]:
    return lambda lifting, timeout: ready(lifting, None)


def test_output_steps_and_limits_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    image = Image("subleq", 8, COUNTER)
    whole = Session(MACHINE, image, LiftedEngine(MACHINE))
    whole.run(600)
    for patience, limit in ((0.0, 600), (0.02, 600), (0.0, 7)):
        monkeypatch.setattr(start, "_PATIENCE", patience)
        run = Session(MACHINE, image, AutoEngine(MACHINE))
        run.run(limit)
        assert run.steps == limit
        assert run.output.kept == whole.output.kept[: len(run.output.kept)]
        assert len(run.output.kept) == (300 if limit == 600 else limit // 2 + 1)


@pytest.mark.parametrize("handover", [0, 3, 50])
def test_a_snapshot_of_either_engine_continues_on_the_other(handover: int) -> None:
    image = Image("subleq", 8, COUNTER)
    engine = AutoEngine(MACHINE)
    run = Session(MACHINE, image, engine)
    run.run(handover)
    kept = run.computer.snapshot()
    hand_over(engine)
    run.run(80)
    final = run.computer.snapshot()
    again = AutoEngine(MACHINE)
    other = Session(MACHINE, image, again)
    other.computer.restore(kept)
    other.steps = handover
    other.run(80)
    assert kind(again) is ArrayEngine and kind(engine) is LiftedEngine
    assert np.array_equal(other.computer.snapshot().state, final.state)
    assert len(run.output.kept) == len(other.output.kept) + (handover + 1) // 2


def test_several_streams_are_handed_over_together() -> None:
    engine, dense = AutoEngine(MACHINE), DenseEngine(MACHINE)
    x = np.stack([embed(random_program(s, 8, 32, 0.0).words, PLAN) for s in range(3)])
    for each in (engine, dense):
        each.load(x)
        each.step(5)
    hand_over(engine)
    for each in (engine, dense):
        each.step(5)
    assert np.array_equal(engine.state(), dense.state()) and kind(engine) is LiftedEngine


def test_a_process_that_dies_costs_time_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("looped.engines.lifted.lifting.packed", lambda program: os._exit(3))
    engine, dense = AutoEngine(MACHINE), DenseEngine(MACHINE)
    for each in (engine, dense):
        each.load(embed(COUNTER, PLAN)[None])
        each.step(2)
    engine.settle()
    assert kind(engine) is LiftedEngine
    for each in (engine, dense):
        each.step(9)
    assert np.array_equal(engine.state(), dense.state())


def lifting_process(
    monkeypatch: pytest.MonkeyPatch, packed: Callable[[Program], bytes | None]
) -> int:
    """The process that an engine has begun to lift with, which ends before it has its program."""
    started: list[int] = []
    fork = os.fork

    def noted() -> int:
        started.append(fork())
        return started[-1]

    monkeypatch.setattr(os, "fork", noted)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1})
    monkeypatch.setattr("threading.active_count", lambda: 1)  # other tests may have left threads
    monkeypatch.setattr("looped.engines.lifted.lifting.packed", packed)
    monkeypatch.setattr(start, "_PATIENCE", 0.0)
    engine = AutoEngine(MACHINE)
    engine.load(embed(COUNTER, PLAN)[None])
    engine.step(9)
    (child,) = started
    del engine
    gc.collect()
    return child


def test_no_process_outlives_its_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    child = lifting_process(monkeypatch, lambda program: time.sleep(60))
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_a_process_that_fills_the_cache_ends_though_nobody_reads_its_program(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A program is longer than what a pipe holds."""
    monkeypatch.setenv("LOOPED_CACHE", str(tmp_path))

    def long(program: Program) -> bytes:
        time.sleep(0.5)  # until the engine has ended
        return bytes(1 << 20)

    child = lifting_process(monkeypatch, long)
    deadline = time.monotonic() + 60
    while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < deadline:
        time.sleep(0.05)
    if ended == (0, 0):
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert ended == (child, 0)


def test_a_short_run_lifts_nothing() -> None:
    engine = api.choose_engine(MACHINE)
    assert isinstance(engine, auto.AutoEngine)
    engine.load(embed(COUNTER, PLAN)[None])
    engine.step(9)
    assert engine._start is not None and engine._start._lifting is None
