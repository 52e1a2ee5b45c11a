"""FLEQ with several workers equals the reference, every lane of each after each instruction.

The groups, their order, what a group sees of earlier ones, and what is outside of the result.
"""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from looped.artefact.embedding import embed, memory_words, read_word
from looped.artefact.plan import Plan
from looped.engines.dense import DenseEngine
from looped.engines.engine import Engine
from looped.engines.event import EventEngine
from looped.isa.fleq import Operation, Selector, encode
from looped.machines.fleq.machine import describe
from tests import seeds
from tests.circuit.evaluate import WorkersState, loop_of_workers
from tests.machines.fleq.stepping import Setting, fleq, program, reference, together

SMALL = Setting(2)
_I, _J, _K = Selector.I, Selector.J, Selector.K


def run(setting: Setting, programs: int, make: type[EventEngine | DenseEngine], most: int) -> int:
    """How many instructions of random programs agree."""
    machine, done = fleq(setting), 0
    engine = make(machine)
    for number in range(programs):
        words = program(seeds.rng(f"workers {setting} {number}"), setting)
        done += len(together(engine, reference(words, setting), machine.plan, most))
    assert engine.fallbacks == 0
    return done


@pytest.mark.parametrize("workers", [2, 4])
def test_random_programs_with_workers(workers: int) -> None:
    assert run(replace(SMALL, workers=workers), 2, EventEngine, 30) >= 20


@pytest.mark.slow
@pytest.mark.parametrize(
    ("side", "workers", "programs"),
    [(4, 1, 12), (4, 2, 12), (4, 4, 12), (4, 16, 12), (8, 64, 8), (16, 8, 4), (16, 64, 3)],
)
def test_hundreds_of_random_instructions(side: int, workers: int, programs: int) -> None:
    setting = Setting(side, 1024 if side == 16 else 512, workers=workers)
    assert run(setting, programs, EventEngine, 100) >= 15 * programs


@pytest.mark.slow
def test_sixteen_workers_on_the_dense_module() -> None:
    assert run(Setting(4, 256, workers=16), 3, DenseEngine, 3) >= 6


def slow(*arguments: int) -> object:
    return pytest.param(*arguments, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("side", "size", "workers", "groups"),
    [
        (2, 2, 1, 4),
        (2, 2, 2, 2),
        (2, 2, 4, 1),
        slow(4, 3, 1, 9),
        slow(4, 3, 2, 6),
        slow(4, 3, 4, 3),
        slow(4, 3, 8, 2),
        slow(4, 3, 16, 1),
        slow(8, 8, 64, 1),
    ],
)
def test_loops_of_a_matrix_product(side: int, size: int, workers: int, groups: int) -> None:
    """One loop begins a group, 8 add a product, one writes it."""
    setting = Setting(side, workers=workers)
    operation = Operation("mul", (_I, _K), (_K, _J), size, size, size, judge=True)
    rng = seeds.rng("product of workers")
    words = [encode(operation), 64, 128, 192, 5, 6, *[0] * 58]
    words += [rng.getrandbits(18) for _ in range(128)] + [0] * 320
    machine, plain = fleq(setting), reference(words, setting)
    loops = together(EventEngine(machine), plain, machine.plan, 1)
    assert loops == [groups * (8 * size + 2) + 1]


def overlapping(rng: random.Random, setting: Setting) -> list[int]:
    """Instructions whose operands and results overlap by all distances."""
    area = setting.side**2
    words = [
        rng.getrandbits(setting.width) >> rng.choice([0, 8, 20]) for _ in range(setting.memory)
    ]
    for n in range(8):
        places = [64 + rng.randrange(area) for _ in range(3)]
        selectors = [Selector(rng.randrange(4)) for _ in range(4)]
        sizes = [rng.randint(1, setting.side) for _ in range(3)]
        function = rng.choice(["mul", "add", "copy"])
        x, y = (selectors[0], selectors[1]), (selectors[2], selectors[3])
        operation = Operation(function, x, y, sizes[0], sizes[1], sizes[2])
        words[6 * n : 6 * n + 6] = [encode(operation), *places, 0, 0]
    return words


@pytest.mark.parametrize(
    ("side", "workers", "programs"),
    [
        (2, 1, 1),
        (2, 2, 1),
        (2, 4, 1),
        *(slow(4, workers, 8) for workers in (1, 2, 4, 8, 16)),
        slow(8, 64, 8),
    ],
)
def test_overlaps(side: int, workers: int, programs: int) -> None:
    """A group reads before it writes, and sees what earlier groups have written."""
    setting = Setting(side, workers=workers)
    machine = fleq(setting)
    engine = EventEngine(machine)
    for number in range(programs):
        words = overlapping(seeds.rng(f"overlap {setting} {number}"), setting)
        assert len(together(engine, reference(words, setting), machine.plan, 8)) == 8
    assert engine.fallbacks == 0


def test_counts_disagree_where_operands_overlap() -> None:
    """The semantics depend on the count: a row moved by one place, in place."""
    words = [encode(Operation("copy", (_I, _J), rows=1, cols=2)), 64, 0, 65, 0, 0, *[0] * 58]
    words += [7, 8, 9]
    plain = {n: reference([*words, *[0] * 400], replace(SMALL, workers=n)) for n in (1, 2)}
    for machine in plain.values():
        machine.step()
    assert [m.memory[64:67] for m in plain.values()] == [[7, 7, 7], [7, 7, 8]]


@pytest.mark.parametrize(("workers", "loops"), [(2, 8), slow(1, 60), slow(4, 60)])
def test_the_circuit_says_the_same(workers: int, loops: int) -> None:
    """Loop by loop, all registers of all workers and the memory are those of the circuit."""
    setting = replace(SMALL, workers=workers)
    machine, circuit = fleq(setting), describe(32, 9, side=2)
    words = program(seeds.rng("circuit and workers"), setting, length=4)
    plan, engine = machine.plan, EventEngine(machine)
    engine.load(embed(words, plan)[None])
    state = WorkersState(words, [], _registers(engine, plan))
    for _ in range(loops):
        state = loop_of_workers(circuit, state)
        engine.step()
        assert _registers(engine, plan) == state.cpus
        assert memory_words(engine.state(), plan)[0].tolist() == state.memory
    assert engine.fallbacks == 0


def _registers(engine: Engine, plan: Plan) -> list[dict[str, int]]:
    x = engine.state()[0]
    lanes = {name: list(plan.words[name]) for name in plan.registers}
    return [{name: int(read_word(x[c, own])) for name, own in lanes.items()} for c in plan.cpus]
