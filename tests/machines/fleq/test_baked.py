"""FLEQ with a program in its weights, beside the reference: every lane after every instruction."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
import torch

import looped
from looped import api
from looped.artefact.checkpoint import load_machine, save_machine
from looped.artefact.embedding import embed, memory_words
from looped.artefact.plan import CompiledMachine
from looped.errors import CertificateError, CompileError, Source
from looped.image import Image
from looped.isa.fleq import Operation, encode
from looped.run.session import Session
from looped.verify.lockstep import Agreement, lockstep
from tests.machines.fleq.test_code import ADD, COPY, JUMP, MEMORY, PRINT, SQUARE, raw, wandering
from tests.programs.fleq import assemble
from tests.programs.headers import Program, fleq_programs
from tests.run.test_replay import compare
from tests.seeds import rng

WALK = """.machine fleq
.side 2
loop:   add X[*], X[*] -> twice
        print twice
        next X
        add k, 1 -> k if k <= 0 goto loop
        first X
        print X[*]
        halt
.matrix X 2x2 1 2 3 4
.zeros twice 1x2
.scalar k -1
"""
"""It moves two operand words of one instruction and one of another, and sets them back."""


@functools.cache
def walk() -> tuple[Image, CompiledMachine]:
    image = assemble(Source("walk.fleq", WALK))
    return image, looped.compile(image, bake=True)


def beside(image: Image, machine: CompiledMachine, kind: str, steps: int | None) -> Agreement:
    engine = api.choose_engine(machine, kind)
    found = lockstep(machine, engine, [image], [b""], steps)
    assert engine.fallbacks == 0
    return found


@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.slow), 4])
def test_pointers_move_in_a_baked_program(workers: int) -> None:
    image, machine = walk()
    found = beside(image, machine.with_workers(workers), "event", None)
    assert (found.halted, found.outputs) == (True, (b"2 4\n6 8\n1 2\n",))


@pytest.mark.slow
def test_the_dense_engine_agrees() -> None:
    image, machine = walk()
    found = beside(image, machine.with_workers(4), "dense", 4)
    assert (found.steps, found.outputs) == (4, (b"2 4\n",))


def test_only_words_that_move_are_fetched() -> None:
    machine = walk()[1]
    names = [head.name for block in machine.plan.blocks for head in block.heads]
    assert {"a", "b"} <= set(names) and {"op", "c", "flag", "p"}.isdisjoint(names)
    assert len(machine.plan.blocks) == 5


def test_a_trace_of_a_baked_program_shows_where_its_pointers_are() -> None:
    image, machine = walk()
    engine = api.choose_engine(machine, "event")
    records = compare(Session(machine, image, engine), b"")
    assert len({record.text for record in records if record.pc == 0}) == 2
    trace = api.run(machine, image, engine=engine)
    reads = [step.reads for step in trace.steps if step.pc == 0]
    x = image.symbols["X"]
    assert [{read.address for read in each} for each in reads] == [{x, x + 1}, {x + 2, x + 3}]


@pytest.mark.slow
def test_a_baked_file_runs_its_program_only(tmp_path: Path) -> None:
    image, machine = walk()
    save_machine(tmp_path / "walk", machine, image)
    loaded, program = load_machine(tmp_path / "walk")
    assert program is not None and loaded.plan == machine.plan
    assert beside(program, loaded, "event", 2).steps == 2
    with pytest.raises(CompileError, match="baked for one that begins at 0"):
        embed(image.words, loaded.plan, 6)
    with pytest.raises(CertificateError, match="baked for another program"):
        api.certify(loaded, raw([PRINT, 1, 0, 0, 0, 0]))


@pytest.mark.slow
def test_memory_holds_only_data_if_no_pointer_reads() -> None:
    image = assemble(Source("p.fleq", ".machine fleq\n copy 1 -> x\n halt\n.scalar x 2\n"))
    machine = looped.compile(image, bake=True)
    memory = memory_words(embed(image.words, machine.plan), machine.plan)
    assert memory[:13].tolist() == [0] * 12 + [2 << 16]
    assert beside(image, machine, "event", None).halted


HALT = [JUMP, 63, 0, 63, 63, -1]
NUMBERS = {40: 1 << 16, 41: 2 << 16, 42: -3 << 16, 43: 5, 62: 1}
ATTACKS = {
    "copies its code": [encode(SQUARE), 1, 0, 50, 0, 0, PRINT, 50, 0, 0, 0, 0, *HALT],
    "prints a word that moves": [ADD, 7, 62, 7, 0, 0, PRINT, 40, 0, 0, 0, 0, PRINT, 7, *[0] * 4],
    "a pointer comes to code": [ADD, 7, 43, 7, 0, 0, PRINT, 60, 0, 0, 0, 0, JUMP, 63, 0, 63, 63, 0],
    "stores right behind": [encode(SQUARE), 40, 0, 12, 0, 0, JUMP, 63, 0, 63, 63, -1],
    "branches into a word": [JUMP, 63, 0, 63, 63, 7, COPY, COPY, 40, 0, 50, 0, 0, *HALT],
    "branches into data": [JUMP, 63, 0, 63, 63, 40],
    "branches behind memory": [JUMP, 63, 0, 63, 63, 64 + 6],
    "falls off its end": [ADD, 40, 41, 50, 0, 0],
    "a flag moves": [ADD, 10, 62, 10, 0, 0, JUMP, 63, 0, 63, 42, 6, PRINT, 41, 0, 0, 0, 0, *HALT],
    "moves its own operand": [encode(Operation("add", judge=True)), 1, 62, 1, 63, 0],
    "an unused word changes": [COPY, 40, 0, 8, 0, 0, COPY, 41, 0, 50, 0, 0, *HALT],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ATTACKS)
def test_short_programs_that_might_go_wrong(name: str) -> None:
    """With one worker and with more workers than elements."""
    image = raw(ATTACKS[name], NUMBERS)
    machine = looped.compile(image, MEMORY, bake=True)
    for workers in (1, 4):
        assert beside(image, machine.with_workers(workers), "event", 30).steps > 0


@pytest.mark.slow
def test_random_programs() -> None:
    """Programs that can be baked, among them some that move words."""
    baked = moved = 0
    for seed in range(1000, 1030):
        image = wandering(rng(seed))
        try:
            machine = looped.compile(image, MEMORY, bake=True)
        except CompileError:
            continue
        beside(image, machine.with_workers(1 << seed % 3), "event", 30)
        heads = [head.name for block in machine.plan.blocks for head in block.heads]
        baked, moved = baked + 1, moved + (not {"a", "b", "c", "flag"}.isdisjoint(heads))
    assert baked > 12 and moved > 2


PROGRAMS = {p.path.stem: p for p in fleq_programs()}
SHORT = [p for p in fleq_programs() if p.steps < 300 and p.path.stem != "gram_schmidt"]
LONG = [PROGRAMS[name] for name in ("sgd", "xor", "k_means")]


def baked(program: Program) -> tuple[Image, CompiledMachine]:
    image = api.assemble(program.path)
    return image, looped.compile(image, bake=True)


@pytest.mark.slow
@pytest.mark.parametrize("program", SHORT, ids=lambda p: str(p.path.stem))
def test_short_programs_run_baked(program: Program) -> None:
    image, machine = baked(program)
    found = beside(image, machine.with_workers(64), "event", None)
    assert (found.steps, found.outputs) == (program.steps, (program.output,))


@pytest.mark.slow
@pytest.mark.parametrize("program", LONG, ids=lambda p: str(p.path.stem))
def test_long_programs_run_baked_on_lifted(program: Program) -> None:
    image, machine = baked(program)
    for workers in (1, 16):
        found = beside(image, machine.with_workers(workers), "lifted", 2000)
        assert program.output.startswith(found.outputs[0])


@pytest.mark.slow
@pytest.mark.parametrize(("name", "workers"), [("sgd", 1), ("sgd", 16), ("calculator", 4)])
def test_baked_programs_are_certified(name: str, workers: int) -> None:
    image, machine = baked(PROGRAMS[name])
    found = api.certify(machine.with_workers(workers), image)
    assert [claim.fault for claim in found.claims if not claim.holds] == []
    assert found.certified("float32") and found.certified("float64")


@pytest.mark.slow
def test_another_program_in_the_weights_is_not_certified() -> None:
    """One word differs: what an instruction reads."""
    image, _ = walk()
    other = assemble(Source("walk.fleq", WALK.replace("print X[*]", "print twice")))
    machine = looped.compile(other, bake=True)
    assert not api.certify(machine, image).certified("float32")


@pytest.mark.slow
def test_a_stock_llama_runs_a_baked_program(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    from looped.artefact.llama import export_llama

    image, machine = walk()
    machine = machine.with_workers(4)
    export_llama(machine, tmp_path)
    stock = transformers.LlamaModel.from_pretrained(tmp_path)
    own, count = machine.model(), machine.plan.columns
    x = y = torch.tensor(embed(image.words, machine.plan)[None], dtype=torch.float32)
    with torch.inference_mode():
        for _ in range(40):
            x = own(x)
            y = stock(
                inputs_embeds=y,
                attention_mask=torch.zeros(1, 1, count, count),
                position_ids=torch.zeros(1, count, dtype=torch.long),
                use_cache=False,
            ).last_hidden_state
            assert torch.equal(x, y)
