"""RV32IM in weights equals the reference: products and quotients of corner and random operands."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped import registry
from looped.artefact.checkpoint import load_machine, save_machine
from looped.artefact.embedding import State, embed, embed_words, read_word
from looped.artefact.plan import CompiledMachine, Plan
from looped.engines.dense import DenseEngine
from looped.engines.engine import NO_LANES, Engine, Watch
from looped.engines.event import EventEngine
from looped.engines.lifted import LiftedEngine
from looped.image import Image
from looped.isa.rv32i import INSTRUCTIONS as BASE
from looped.isa.rv32i import encode
from looped.isa.rv32im import EXTENSION, INSTRUCTIONS
from looped.reference import Rv32im
from looped.run.computer import Computer
from looped.verify.lockstep import lockstep
from tests import seeds
from tests.circuit.evaluate import evaluate, number_in, written
from tests.conftest import compiled, examples
from tests.machines.rv32i_cases import some_word

ROOT = Path(__file__).parents[2]
MEMORY = 32
LOOPS = {name: 10 if name.startswith("mul") else 18 for name in EXTENSION}
CORNERS = (0, 1, 2, 3, 0x7FFFFFFE, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFE, 0xFFFFFFFF)
PAIRS = [(a, b) for a in CORNERS for b in CORNERS]

Operation = tuple[int, int, int]
"""An instruction word, x1 and x2."""


def m_word(mnemonic: str, rd: int, rs1: int = 1, rs2: int = 2) -> int:
    return encode(mnemonic, rd, rs1, rs2, instructions=INSTRUCTIONS)


def operand(rng: random.Random) -> int:
    return rng.choice(CORNERS) if rng.random() < 0.4 else rng.getrandbits(rng.randint(1, 32))


def operations(mnemonic: str, count: int) -> list[Operation]:
    """All pairs of corners, then random operands; also of one register, and to x0."""
    rng = seeds.rng(f"{mnemonic} {count}")
    pairs = [*PAIRS, *((operand(rng), operand(rng)) for _ in range(count - len(PAIRS)))]
    registers = [rng.choices((0, 1, 2, 3), (1, 3, 3, 9))[0] for _ in pairs]
    others = [(1, 2) if rng.random() < 0.9 else (2, 2) for _ in pairs]
    words = (m_word(mnemonic, rd, *rs) for rd, rs in zip(registers, others, strict=True))
    return [(word, a, b) for word, (a, b) in zip(words, pairs, strict=True)]


def after(operation: Operation) -> Rv32im:
    """The reference, one instruction further."""
    word, a, b = operation
    hart = Rv32im([word], 32, MEMORY)
    hart.x[1:4] = [a, b, 12345]
    hart.step()
    return hart


def state_of(hart: Rv32im, plan: Plan) -> State:
    """The residual stream that stands for a hart."""
    x = embed(hart.memory, plan, hart.pc)
    x[plan.memory : plan.cpu, list(plan.words["value"])] = embed_words(hart.x, 32)
    return x


def wrong_results(machine: CompiledMachine, engine: Engine, cases: list[Operation]) -> list[str]:
    """Run instructions one after the other in one stream; what differs from the reference.

    Looked at are the CPU and x3 after each instruction, and all columns after the last.
    """
    plan = machine.plan
    engine.load(state_of(Rv32im([0], 32, MEMORY), plan)[None])
    value, pc, busy = (np.array(plan.words[name]) for name in ("value", "pc", "busy"))
    lanes, wrong = np.arange(plan.d_model), []
    end = state_of(after(cases[0]), plan)[plan.cpu]
    for case in cases:
        places = (0, *range(plan.memory + 1, plan.memory + 4))
        for column, content in zip(places, (*case, 12345), strict=True):
            engine.write(0, column, value, embed_words(content, 32))
        engine.write(0, plan.cpu, pc[2:], embed_words(0, 30))
        assert engine.advance(1, Watch(plan.cpu, NO_LANES, busy)) == 1
        x3 = int(read_word(engine.read(plan.memory + 3, value)[0]))
        if x3 != after(case).x[3] or not np.array_equal(engine.read(plan.cpu, lanes)[0], end):
            wrong.append(f"{case[0]:#x} of {case[1]:#x} and {case[2]:#x} is not {x3:#x}")
    assert np.array_equal(engine.state()[0], state_of(after(cases[-1]), plan))
    return wrong


@pytest.fixture(scope="module")
def event() -> EventEngine:
    return EventEngine(compiled("rv32im", 32, MEMORY))


@pytest.mark.parametrize("memory", [32, 1024, 32768])
def test_the_sizes_told_are_true(memory: int) -> None:
    machine = compiled("rv32im", 32, memory)
    plan = machine.plan
    sizes = (len(plan.blocks), plan.d_model, plan.n_heads, plan.d_head, plan.d_ff)
    row = f"| {memory:,} words | {' | '.join(map(str, sizes))} | {machine.nonzero_weights:,} |"
    assert row in (ROOT / "docs" / "rv32i.md").read_text()


@examples(0.01)
@given(
    mnemonic=st.sampled_from(sorted(EXTENSION)),
    pair=st.tuples(*[st.sampled_from(CORNERS) | st.integers(0, 0xFFFFFFFF)] * 2),
)
def test_the_circuit_is_the_reference(mnemonic: str, pair: tuple[int, int]) -> None:
    """By the definition of the circuit, no weights anywhere; nothing is written before the end."""
    circuit = registry.machine("rv32im").circuit(32, MEMORY)
    hart = after((m_word(mnemonic, 3), *pair))
    file = [0, *pair, 12345, *[0] * 28]
    cpu = {register.name: 0 for register in circuit.registers}
    for loop in range(1, LOOPS[mnemonic] + 1):
        lanes = evaluate(circuit, hart.memory, file, cpu)
        cpu = {r.name: number_in(r.following or r.word, lanes) for r in circuit.registers}
        if loop < LOOPS[mnemonic]:
            assert (cpu["busy"], cpu["pc"], written(circuit, lanes)) == (1, 0, None)
    assert written(circuit, lanes) == (True, 3, hart.x[3])
    assert {name: number for name, number in cpu.items() if number} == {"pc": 4}


@pytest.mark.parametrize("mnemonic", EXTENSION)
def test_every_instruction_on_the_event_engine(mnemonic: str, event: EventEngine) -> None:
    """All pairs of corners and 150 random ones each, 2,000 cases, without a fallback."""
    machine = compiled("rv32im", 32, MEMORY)
    assert wrong_results(machine, event, operations(mnemonic, 250)) == []
    assert event.fallbacks == 0


@pytest.mark.slow
def test_every_instruction_often_on_the_lifted_engine() -> None:
    """10,000 pairs of operands each, without a fallback."""
    machine = compiled("rv32im", 32, MEMORY)
    engine = LiftedEngine(machine)
    for mnemonic in EXTENSION:
        assert wrong_results(machine, engine, operations(mnemonic, 10_000)) == []
    assert engine.fallbacks == 0


def images(count: int) -> list[Image]:
    """Programs of one instruction of the extension each, all eight by turns."""
    words = [operations(name, len(PAIRS) + count)[len(PAIRS) :] for name in EXTENSION]
    loads = [encode("lw", rd, 0, imm=imm) for rd, imm in ((1, 16), (2, 20))]
    programs = [[*loads, word, 0, a, b] for cases in words for word, a, b in cases]
    return [Image("rv32im", 32, tuple(program), addresses_per_word=4) for program in programs]


def test_some_instructions_on_the_dense_engine() -> None:
    """The whole state after every loop: MULHSU and REM, which take most from the rest."""
    machine = compiled("rv32im", 32, MEMORY)
    verdict = lockstep(machine, DenseEngine(machine), images(1)[2::4], [b""] * 2)
    assert (verdict.steps, verdict.halted) == (2 * 4, True)


@pytest.mark.slow
def test_every_instruction_often_on_the_dense_engine() -> None:
    """The same with 200 pairs of operands each."""
    machine = compiled("rv32im", 32, MEMORY)
    programs = images(200)
    for first in range(0, len(programs), 40):
        batch = programs[first : first + 40]
        assert lockstep(machine, DenseEngine(machine), batch, [b""] * len(batch)).halted


def test_the_base_set_is_as_it_is_on_rv32i() -> None:
    """One loop from random registers, for every instruction and for words that are none."""
    machine = compiled("rv32im", 32, MEMORY)
    rng = seeds.rng(7)
    harts = []
    for mnemonic in [*BASE, *[None] * 20]:
        word = 0
        while word == 0 or word & 0xFE00007F == 0x02000033:
            word = some_word(rng, mnemonic)
        hart = Rv32im([word], 32, MEMORY)
        hart.x[1:] = [operand(rng) for _ in range(31)]
        harts.append(hart)
    engine = DenseEngine(machine)
    engine.load(np.stack([state_of(hart, machine.plan) for hart in harts]))
    engine.step()
    for hart, x in zip(harts, engine.state(), strict=True):
        hart.step()
        expected = state_of(hart, machine.plan)
        for name in ("trap", "cause"):
            lanes = list(machine.plan.words[name])
            expected[machine.plan.cpu, lanes] = embed_words(getattr(hart, name), len(lanes))
        assert np.array_equal(x, expected), f"{hart.memory[0]:#010x}"


def test_loops_of_an_unfinished_instruction_are_not_counted(event: EventEngine) -> None:
    machine = compiled("rv32im", 32, MEMORY)
    words = [encode("addi", 1, 0, imm=7), m_word("mul", 3, 1, 1), encode("addi", 2, 3, imm=1)]
    computer = Computer(machine.plan, event, [words], [b""])
    done, last = computer.advance(3)
    assert (done, last.retired, computer.pc()) == (2, True, 12)
    state = computer.state()
    computer = Computer(machine.plan, event, [words], [b""])
    looks = [computer.step()[0] for _ in range(LOOPS["mul"] + 2)]
    assert Counter(look.retired for look in looks) == {True: 3, False: LOOPS["mul"] - 1}
    assert all(look.busy != look.retired for look in looks)
    assert np.array_equal(computer.state(), state)


def test_it_leads_out_of_memory_once_it_is_done(event: EventEngine) -> None:
    machine = compiled("rv32im", 32, MEMORY)
    words = [encode("jal", imm=4 * MEMORY - 4), *[0] * (MEMORY - 2), m_word("divu", 3)]
    image = Image("rv32im", 32, tuple(words), addresses_per_word=4)
    verdict = lockstep(machine, event, [image], [b""])
    assert (verdict.steps, verdict.halted) == (2, True)
    computer = Computer(machine.plan, event, [words], [b""])
    computer.advance(2)
    assert (computer.pc(), computer.halted()) == (4 * MEMORY, True)


def test_a_file_keeps_what_tells_that_it_is_busy(tmp_path: Path) -> None:
    machine = compiled("rv32im", 32, MEMORY)
    save_machine(tmp_path / "m.safetensors", machine)
    plan = load_machine(tmp_path / "m.safetensors")[0].plan
    assert plan == machine.plan
    assert (plan.busy in plan.scratch, len(plan.scratch)) == (True, 117)
