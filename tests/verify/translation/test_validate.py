"""Lifted code is shown to do what the weights do; wrong code is refused."""

from __future__ import annotations

import dataclasses
import functools

import pytest

from looped import registry
from looped.analysis.model import Model
from looped.artefact.embedding import embed
from looped.artefact.plan import CompiledMachine
from looped.engines.lifted import LiftedEngine
from looped.engines.lifted.lift import Lifted
from looped.errors import LoopedError
from looped.passes.emit import compile_circuit
from looped.precision import precision
from looped.verify.translation import Translation, WrongLift, translation, validate
from tests import seeds
from tests.conftest import compiled
from tests.engines.lifted.evaluate import evaluate
from tests.engines.lifted.lookup_circuit import begin, lookups
from tests.engines.shuffled import shuffled
from tests.verify.certificate.registers import small_machine
from tests.verify.random_programs import random_program
from tests.verify.translation.faults import faults


def checked(machine: CompiledMachine, dtype: str = "float32") -> LiftedEngine:
    """An engine whose lift is proved before it runs."""
    plan = machine.plan
    words = random_program(3, plan.width, plan.memory, 0.0).words
    engine = LiftedEngine(machine, dtype, check=validate)
    engine.load(embed(words, plan)[None])
    engine.prepare()
    return engine


@pytest.mark.parametrize(
    ("width", "memory"),
    [(8, 32), (16, 64), (32, 64), pytest.param(16, 4096, marks=pytest.mark.slow)],
)
def test_the_lifts_of_subleq_are_proved(width: int, memory: int) -> None:
    engine = checked(compiled("subleq", width, memory))
    assert len(engine.programs.made) == 1


@pytest.mark.slow
def test_that_of_rv32i_is_proved() -> None:
    """It takes about half a minute."""
    machine = compiled("rv32i", 32, 32)
    found: list[Translation] = []
    rng = seeds.rng(0)
    words = [rng.getrandbits(32) for _ in range(32)]
    engine = LiftedEngine(machine, check=lambda model, code: found.append(translation(model, code)))
    engine.load(embed(words, machine.plan)[None])
    engine.prepare()
    assert [each.fault for each in found] == [None]


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_those_of_other_formats_too(dtype: str) -> None:
    checked(
        compile_circuit(registry.machine("subleq").circuit(16, 32, None, precision(dtype))), dtype
    )


@pytest.mark.parametrize("seed", range(2))
def test_wherever_lanes_heads_and_units_lie(seed: int) -> None:
    machine = compiled("subleq", 8, 32)
    moved, lanes = shuffled(machine, seed)
    engine = LiftedEngine(moved, check=validate)
    x = embed(random_program(3, 8, 32, 0.0).words, machine.plan)
    engine.load(x[None][:, :, lanes])
    engine.prepare()


def test_a_register_file_is_proved() -> None:
    checked(compile_circuit(small_machine()))


@functools.cache
def lifted() -> tuple[LiftedEngine, Lifted]:
    engine = checked(compiled("subleq", 8, 32))
    return engine, engine.programs.made[0].lifted


def behaves(wrong: Lifted, right: Lifted) -> bool:
    """Whether code does the same in random states, wherever it does not give up."""
    rng = seeds.rng(0)
    for _ in range(200):
        state = [rng.getrandbits(len(word)) for word in right.words]
        cells = [rng.choice((0, 1, 254, 255, rng.getrandbits(8))) for _ in range(35)]
        outcomes = []
        for each in (wrong, right):
            after = list(cells)
            try:
                values = evaluate(each.code, state, after)
            except (IndexError, ValueError, OverflowError):
                return False
            words = None if values is None else [values[v] for v in each.code.following]
            outcomes.append((words, after[:34]))
        if None not in (outcomes[0][0], outcomes[1][0]) and outcomes[0] != outcomes[1]:
            return False
    return True


def refused(wrong: Lifted) -> bool:
    try:
        validate(lifted()[0].programs.exact, wrong)
    except LoopedError:
        return True
    return False


@pytest.mark.parametrize("count", [25, pytest.param(1000, marks=pytest.mark.slow)])
def test_code_with_a_fault_is_refused(count: int) -> None:
    """What is accepted behaves: a mask may be dropped where nothing is masked."""
    _, right = lifted()
    found = list(faults(right))
    seeds.rng(1).shuffle(found)
    kinds: dict[str, int] = {}
    for name, wrong in found[:count]:
        if refused(wrong):
            kind = name.split(" at ")[0]
            kinds[kind] = kinds.get(kind, 0) + 1
        else:
            assert behaves(wrong, right), name
    assert sum(kinds.values()) >= 0.75 * min(count, len(found)), kinds


@pytest.mark.parametrize(
    "kind",
    ["a lost capture", "another column", "swapped branches", "swapped operands", "shr for shl",
     "a load of column 0", "sub for add", "word 0 after the pass"],
)  # fmt: skip
def test_each_kind_of_fault_is_refused(kind: str) -> None:
    _, right = lifted()
    name, wrong = next(
        (name, wrong)
        for name, wrong in faults(right)
        if name.startswith(kind) and not behaves(wrong, right)
    )
    assert refused(wrong), name


def test_a_claim_about_a_lane_that_is_wrong_is_refused() -> None:
    """Nobody believes the cuts: two lanes that change places are told apart."""
    engine, right = lifted()
    cut = right.cuts[1]
    a, b = [lane for lane, state in enumerate(cut.lanes) if not isinstance(state, float)][:2]
    lanes = list(cut.lanes)
    lanes[a], lanes[b] = lanes[b], lanes[a]
    cuts = (right.cuts[0], dataclasses.replace(cut, lanes=tuple(lanes)), *right.cuts[2:])
    with pytest.raises(WrongLift, match="lane"):
        validate(engine.programs.exact, dataclasses.replace(right, cuts=cuts))


def test_a_refused_lift_does_not_run() -> None:
    """The check is shown the code before it is compiled."""

    def check(model: Model, lifted: Lifted) -> None:
        raise WrongLift("no")

    machine = compiled("subleq", 8, 32)
    engine = LiftedEngine(machine, check=check)
    engine.load(embed([0], machine.plan)[None])
    with pytest.raises(WrongLift):
        engine.prepare()
    assert not engine.programs.made


def test_tables_of_constants_are_proved_and_a_wrong_entry_is_not() -> None:
    machine = lookups(6, 1, 8)
    engine = LiftedEngine(machine)
    engine.load(begin(machine)[None])
    engine.prepare()
    model, lifted = engine.programs.exact, engine.programs.made[0].lifted
    validate(model, lifted)
    tables = lifted.code.tables
    loads = [i.number for i in lifted.code.instructions if i.operation == "table"]
    assert len(loads) == 1
    for entry, place in ((0, 0), (17, 4), (63, 2)):
        wrong = tables[loads[0]].copy()
        wrong[entry] ^= 1 << place
        code = dataclasses.replace(
            lifted.code, tables=[*tables[: loads[0]], wrong, *tables[loads[0] + 1 :]]
        )
        with pytest.raises(WrongLift, match="MLP: lane"):
            validate(model, dataclasses.replace(lifted, code=code))
