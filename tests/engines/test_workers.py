"""Machines with workers on dense and on event; two workers that write to one column."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from looped.artefact.embedding import embed, read_word
from looped.artefact.plan import CompiledMachine
from looped.engines.dense import DenseEngine
from looped.engines.engine import NO_LANES, Engine, Watch
from looped.engines.event import EventEngine
from looped.passes.emit import compile_circuit
from tests import seeds
from tests.circuit.evaluate import WorkersState, loop_of_workers
from tests.circuit.workers import adders

ENGINES: dict[str, Callable[[CompiledMachine], Engine]] = {
    "dense": DenseEngine,
    "event": EventEngine,
}


def words(seed: str) -> list[int]:
    return seeds.rng(seed).choices(range(256), k=32)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("workers", "register_bits"), [(1, 0), (2, 0), (4, 0), (4, 2)])
def test_it_does_what_the_circuit_says(engine: str, workers: int, register_bits: int) -> None:
    """Every lane that is between loops, of every column."""
    circuit = adders(register_bits)
    machine = compile_circuit(circuit, None, workers)
    plan, memory = machine.plan, words(f"adders {workers}")
    cpus = [{"pc": 0, "number": w, "mask": workers - 1, "seen": 0} for w in range(workers)]
    state = WorkersState(memory, [0] * plan.n_registers, cpus)
    runs = ENGINES[engine](machine)
    x = embed(memory, plan)
    runs.load(x[None])
    for _ in range(20):
        runs.step()
        state = loop_of_workers(circuit, state)
        for column, number in enumerate([*state.memory, *state.file]):
            _set(x, column, plan.words["value"], number)
        for column, registers in zip(plan.cpus, state.cpus, strict=True):
            for name, number in registers.items():
                _set(x, column, plan.words[name], number)
        assert np.array_equal(runs.state()[0], x)
    assert runs.fallbacks == 0


def _set(x: np.ndarray, column: int, lanes: tuple[int, ...], number: int) -> None:
    x[column, list(lanes)] = [1 if number >> i & 1 else -1 for i in range(len(lanes))]


def test_two_workers_that_write_to_one_column_are_left_to_the_dense_engine() -> None:
    """Worker 1 has another sum than worker 0: the column gets a mean, and is no state."""
    machine = compile_circuit(adders(apart=False), None, 2)
    memory = [20, 3, *[0] * 18, 64, 65, *[0] * 10]
    both = DenseEngine(machine), EventEngine(machine)
    for engine in both:
        engine.load(embed(memory, machine.plan)[None])
        engine.step()
    dense, event = (engine.state()[0] for engine in both)
    assert np.array_equal(dense, event)
    assert both[1].fallbacks == 1
    value = dense[20, list(machine.plan.words["value"])]
    assert (np.abs(value) != 1).any()


def test_two_workers_that_write_the_same_to_one_column() -> None:
    """The mean of equal words is that word, but only the dense engine knows."""
    machine = compile_circuit(adders(apart=False), None, 2)
    memory = [20, 3, *[0] * 30]
    engine = EventEngine(machine)
    engine.load(embed(memory, machine.plan)[None])
    engine.step()
    state = engine.state()[0]
    assert engine.fallbacks == 1
    assert read_word(state[20, list(machine.plan.words["value"])]) == 3
    engine.step()
    assert engine.fallbacks == 1


def test_a_watch_looks_at_the_first_worker() -> None:
    machine = compile_circuit(adders(), None, 4)
    plan = machine.plan
    seen = np.array(plan.words["seen"])
    for make in ENGINES.values():
        engine = make(machine)
        engine.load(embed([16, 0, 16, 0, *[0] * 13, 1, 2, 3, *[0] * 12], plan)[None])
        assert engine.advance(2, Watch(plan.cpu, seen[:1], NO_LANES)) == 2
        engine.load(embed([17, 0, 16, 0, *[0] * 13, 1, 2, 3, *[0] * 12], plan)[None])
        assert engine.advance(2, Watch(plan.cpu, seen[:1], NO_LANES)) == 1
