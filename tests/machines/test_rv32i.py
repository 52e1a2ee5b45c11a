"""RV32I in weights equals the reference: every instruction, every trap, and programs."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from looped import registry
from looped.circuit.words import Lane
from looped.engines.dense import DenseEngine
from looped.engines.event import EventEngine
from looped.errors import CompileError
from looped.image import Image
from looped.isa.rv32i import INSTRUCTIONS, encode
from looped.machines.rv32i.kinds import KINDS, REFINEMENTS, Kind
from looped.passes.allocate import allocate
from looped.passes.emit import emit
from looped.passes.fuse_reads import fuse_reads
from looped.passes.schedule import schedule
from looped.verify.lockstep import lockstep
from tests import seeds
from tests.circuit.evaluate import evaluate, number_in, signal_bit, written
from tests.conftest import compiled as compiled_machine
from tests.conftest import examples
from tests.machines.rv32i_cases import Case, case, one_loop, random_program

ROOT = Path(__file__).parents[2]
MEMORY = 32
EVERY = [*INSTRUCTIONS, None]


@pytest.mark.parametrize("memory", [32, 1024, 32768])
def test_the_sizes_told_are_true(memory: int, machine) -> None:
    compiled = machine("rv32i", 32, memory)
    plan = compiled.plan
    assert plan.columns == memory + 32 + 1
    sizes = (len(plan.blocks), plan.d_model, plan.n_heads, plan.d_head, plan.d_ff)
    row = f"| {memory:,} words | {' | '.join(map(str, sizes))} | {compiled.nonzero_weights:,} |"
    assert row in (ROOT / "docs" / "rv32i.md").read_text()


def test_every_instruction_has_one_kind() -> None:
    kinds = [mnemonic for mnemonics in KINDS.values() for mnemonic in mnemonics]
    assert sorted([*kinds, "ecall", "ebreak"]) == sorted(INSTRUCTIONS)
    assert sorted([*KINDS, *REFINEMENTS], key=[*Kind].index) == [*Kind]


@examples(0.12)
@given(mnemonic=st.sampled_from(EVERY), seed=st.integers(0, 1 << 32))
def test_the_circuit_is_the_reference(mnemonic: str | None, seed: int) -> None:
    """By the definition of the circuit, no weights anywhere."""
    circuit = registry.machine("rv32i").circuit(32, MEMORY)
    one = case(seeds.rng(seed), mnemonic, MEMORY)
    hart = one.reference()
    hart.step()
    lanes = evaluate(circuit, one.words, one.registers, {"pc": one.pc, "trap": 0, "cause": 0})
    memory, file = list(one.words), list(one.registers)
    write = written(circuit, lanes)
    if write is not None:
        (file if write[0] else memory)[write[1]] = write[2]
    assert (memory, file) == (hart.memory, hart.x)
    found = {r.name: number_in(r.following or r.word, lanes) for r in circuit.registers}
    assert found == {"pc": hart.pc, "trap": hart.trap, "cause": hart.cause}


def test_each_mlp_computes_the_signals_of_its_phase() -> None:
    """In states that are reached: kinds exclude each other, so that signals are bits."""
    circuit = fuse_reads(registry.machine("rv32i").circuit(32, MEMORY))
    scheduled = schedule(circuit)
    layout = allocate(scheduled)
    model = emit(scheduled, layout).model()
    for mnemonic in ("sub", "sra", "lh", "sb", "bge", "jalr", None):
        one = case(seeds.rng(str(mnemonic)), mnemonic, MEMORY)
        lanes = evaluate(circuit, one.words, one.registers, {"pc": one.pc, "trap": 0, "cause": 0})
        for block in range(scheduled.blocks):
            phase = 2 * block + 1
            x = torch.full((1, 1, model.transformer.norm.weight.numel()), -1.0)
            alive = [t.lane for ts in layout.occupants for t in ts if t.start < phase <= t.end]
            for lane in (Lane("cpu", 0), Lane("one", 0), *(a for a in alive if a in lanes)):
                x[0, 0, layout.index[lane]] = lanes[lane]
            after = (x + model.transformer.layers[block].mlp(x))[0, 0]
            for definition in scheduled.bits[phase]:
                expected = 2 * signal_bit(definition.signal, lanes) - 1
                assert after[layout.index[definition.lane]] == expected, definition.lane


@pytest.mark.parametrize("mnemonic", EVERY)
def test_every_instruction_on_the_dense_engine(mnemonic: str | None, machine) -> None:
    """The whole state after one loop, ten random cases each."""
    rng = seeds.rng(f"few {mnemonic}")
    cases = [case(rng, mnemonic, MEMORY) for _ in range(10)]
    assert one_loop(machine("rv32i", 32, MEMORY), cases) == []


@pytest.mark.slow
@pytest.mark.parametrize("mnemonic", EVERY)
def test_every_instruction_often_on_the_dense_engine(mnemonic: str | None, machine) -> None:
    """The same, 200 random cases each."""
    rng = seeds.rng(f"many {mnemonic}")
    cases = [case(rng, mnemonic, MEMORY) for _ in range(200)]
    assert one_loop(machine("rv32i", 32, MEMORY), cases) == []


@pytest.mark.parametrize("cause", [0, 1, 2, 3, 4, 5, 6, 7, 11])
def test_a_trap_stays_until_the_host_acts(cause: int, machine) -> None:
    rng = seeds.rng(cause)
    cases = [case(rng, mnemonic, MEMORY) for mnemonic in ("add", "sw", "jal", "ecall", None)]
    trapped = [Case(c.words, c.registers, c.pc, 1, cause) for c in cases]
    assert one_loop(machine("rv32i", 32, MEMORY), trapped) == []


TRAPS = {
    "a jump to half a word": (0, [encode("jal", 1, imm=6)]),
    "an indirect jump to half a word": (0, [encode("jalr", 1, 0, imm=7)]),
    "a branch to half a word": (0, [encode("beq", imm=10)]),
    "a jump out of memory": (1, [encode("jal", 1, imm=4 * MEMORY)]),
    "a jump below memory": (1, [encode("jal", 1, imm=-4)]),
    "running out of memory": (1, [encode("jal", imm=4 * MEMORY - 4), *[19] * (MEMORY - 1)]),
    "no instruction": (2, [0xFFFFFFFF]),
    "a word of zeros": (2, [0]),
    "a breakpoint": (3, [encode("ebreak")]),
    "a misaligned load": (4, [encode("lw", 1, 0, imm=2)]),
    "a misaligned half": (4, [encode("lhu", 1, 0, imm=1)]),
    "a load into x0 beyond memory": (5, [encode("lb", 0, 0, imm=4 * MEMORY)]),
    "a load far away": (5, [0x800000B7, encode("lw", 1, 1)]),
    "a jump far away": (1, [0x800000B7, encode("jalr", 1, 1)]),
    "a load below memory": (5, [encode("lw", 1, 0, imm=-4)]),
    "a misaligned store": (6, [encode("sw", rs1=0, rs2=1, imm=1)]),
    "a misaligned store beyond memory": (6, [encode("sh", rs1=0, rs2=1, imm=-1)]),
    "a store beyond memory": (7, [encode("sb", rs1=0, rs2=1, imm=4 * MEMORY)]),
}


@pytest.mark.parametrize("name", TRAPS)
def test_traps_and_their_causes(name: str, machine) -> None:
    cause, words = TRAPS[name]
    one = Case([*words, *[0] * (MEMORY - len(words))], [0] * 32, 0)
    hart = one.reference()
    while not hart.halted:
        hart.step()
    assert hart.cause == cause
    compiled = machine("rv32i", 32, MEMORY)
    image = Image("rv32i", 32, tuple(words), addresses_per_word=4)
    assert lockstep(compiled, DenseEngine(compiled), [image], [b""]).halted


def test_code_that_changes_itself(machine) -> None:
    """A loop that turns its own `addi x5, x5, 1` into `addi x5, x5, 2`, then into nothing."""
    words = (
        encode("lw", 6, 0, imm=20),
        encode("addi", 5, 5, imm=1),
        encode("sw", rs1=0, rs2=6, imm=4),
        encode("bltu", rs1=5, rs2=6, imm=-8),
        0,
        encode("addi", 5, 5, imm=2),
    )
    compiled = machine("rv32i", 32, MEMORY)
    verdict = lockstep(
        compiled,
        DenseEngine(compiled),
        [Image("rv32i", 32, words, addresses_per_word=4)],
        [b""],
        steps=12,
    )
    assert verdict.steps == 12


@examples(0.02)
@given(st.lists(st.integers(0, 1 << 32), min_size=4, max_size=4))
def test_random_programs_on_the_dense_engine(seeds: list[int]) -> None:
    compiled = compiled_machine("rv32i", 32, 64)
    images = [random_program(seed, 64, 0.02) for seed in seeds]
    lockstep(compiled, DenseEngine(compiled), images, [b""] * len(images), steps=8)


@examples(0.02)
@given(st.lists(st.integers(0, 1 << 32), min_size=4, max_size=4))
def test_random_programs_on_the_event_engine_without_a_fallback(seeds: list[int]) -> None:
    compiled = compiled_machine("rv32i", 32, 64)
    images = [random_program(seed, 64, 0.02) for seed in seeds]
    engine = EventEngine(compiled)
    lockstep(compiled, engine, images, [b""] * len(images), steps=60)
    assert engine.fallbacks == 0


def test_it_cannot_be_baked() -> None:
    with pytest.raises(CompileError, match="an rv32i program cannot be baked"):
        registry.machine("rv32i").read_code(Image("rv32i", 32, (0,)), 32)


def test_other_widths_are_refused() -> None:
    with pytest.raises(CompileError, match="rv32i has no 16-bit words"):
        registry.machine("rv32i").circuit(16, 64)
