"""A stock Hugging Face Llama executes programs, equal to our engine in every lane."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import looped
from looped.artefact.embedding import embed
from looped.artefact.llama import export_llama
from looped.devices import riscv_host
from looped.engines.dense import DenseEngine
from looped.errors import FileError
from looped.isa.rv32i import INSTRUCTIONS
from looped.run.computer import Computer
from tests import seeds
from tests.machines.rv32i_cases import case, differences, embedded
from tests.programs.fleq import execute, execute_in_weights, source
from tests.programs.headers import programs, riscv_programs

transformers = pytest.importorskip("transformers")


class StockEngine(DenseEngine):
    """The dense engine with its model replaced by the one that `transformers` loaded."""

    def __init__(self, machine, folder) -> None:
        super().__init__(machine)
        self.stock = transformers.LlamaModel.from_pretrained(folder)

    @torch.inference_mode()
    def step(self, loops: int = 1) -> None:
        count = self.x.shape[1]
        for _ in range(loops):
            self.x = self.stock(
                inputs_embeds=self.x,
                attention_mask=torch.zeros(1, 1, count, count),
                position_ids=torch.zeros(1, count, dtype=torch.long),
                use_cache=False,
            ).last_hidden_state


def check_program(machine, words, data: bytes, folder) -> bytes:
    """Run a whole program on both; every lane equal after every loop. Returns the output."""
    export_llama(machine, folder)
    stock, own = StockEngine(machine, folder), DenseEngine(machine)
    computers = [Computer(machine.plan, e, [words], [data]) for e in (stock, own)]
    output = bytearray()
    while not computers[1].halted():
        events = [computer.step()[0] for computer in computers]
        assert events[0] == events[1]
        assert torch.equal(stock.x, own.x)
        if events[1].emitted is not None:
            output.append(events[1].emitted)
    return bytes(output)


def test_nothing_of_the_stock_model_is_changed(machine, tmp_path) -> None:
    export_llama(machine("subleq", 8, 32), tmp_path)
    model = transformers.LlamaModel.from_pretrained(tmp_path)
    assert type(model) is transformers.LlamaModel
    assert model.config.hidden_act == "relu" and model.config.rms_norm_eps == 0
    ours = machine("subleq", 8, 32).weights
    theirs = model.state_dict()
    assert all(torch.equal(theirs[name], weight) for name, weight in ours.items())


@pytest.mark.parametrize(
    ("compiled_for", "dtype", "attention"),
    [
        ("float32", None, None),
        ("float32", torch.float32, "sdpa"),
        ("float32", torch.float64, "eager"),
        ("float32", torch.float64, "sdpa"),
        ("bfloat16", None, None),
        ("bfloat16", None, "sdpa"),
    ],
)
def test_backends_that_the_readme_names_are_exact(
    compiled_for: str, dtype: torch.dtype | None, attention: str | None, tmp_path
) -> None:
    """The defaults are eager attention and the machine's own dtype; sdpa takes a mask of it."""
    compiled = looped.compile_machine("subleq", 8, 32, compiled_for)
    export_llama(compiled, tmp_path)
    asked = {"dtype": dtype, "attn_implementation": attention}
    stock = transformers.LlamaModel.from_pretrained(
        tmp_path, **{name: value for name, value in asked.items() if value is not None}
    )
    assert stock.config._attn_implementation == (attention or "eager")
    assert stock.dtype == (dtype or getattr(torch, compiled_for))
    own = DenseEngine(compiled)
    words = torch.randint(0, 256, (32,), generator=torch.Generator().manual_seed(0)).tolist()
    own.load(embed(words, compiled.plan)[None])
    x = own.x.to(stock.dtype)
    count = compiled.plan.columns
    mask = torch.zeros(1, 1, count, count, dtype=stock.dtype)
    places = torch.zeros(1, count, dtype=torch.long)
    with torch.inference_mode():
        for _ in range(5):
            own.step()
            x = stock(
                inputs_embeds=x, attention_mask=mask, position_ids=places, use_cache=False
            ).last_hidden_state
            assert torch.equal(x.to(own.x.dtype), own.x)


def test_a_batch_of_random_states(machine, tmp_path) -> None:
    compiled = machine("subleq", 32, 32)
    export_llama(compiled, tmp_path)
    stock, own = StockEngine(compiled, tmp_path), DenseEngine(compiled)
    words = torch.randint(
        0, 1 << 32, (32,), generator=torch.Generator().manual_seed(seeds.number(0))
    ).tolist()
    for engine in (stock, own):
        engine.load(embed(words, compiled.plan)[None])
        engine.step(5)
    assert torch.equal(stock.x, own.x)


def test_a_batch_of_risc_v_instructions_on_the_stock_model(machine, tmp_path) -> None:
    """One of each, in random states, traps among them: the whole state equals ours."""
    compiled, rng = machine("rv32i", 32, 32), seeds.rng(0)
    export_llama(compiled, tmp_path)
    cases = [case(rng, mnemonic, 32) for mnemonic in [*INSTRUCTIONS, None]]
    stock, own = StockEngine(compiled, tmp_path), DenseEngine(compiled)
    for engine in (stock, own):
        engine.load(np.stack([embedded(one, compiled.plan) for one in cases]))
        engine.step()
    assert torch.equal(stock.x, own.x)
    assert differences(cases, own.state(), compiled.plan) == []


@pytest.mark.slow
def test_a_risc_v_program_on_the_stock_model(tmp_path) -> None:
    """The host serves the traps of both alike."""
    program = next(p for p in riscv_programs() if p.path.stem == "hello")
    image = looped.assemble(program.path)
    machine = looped.compile(image)
    export_llama(machine, tmp_path)
    outputs = []
    engines = StockEngine(machine, tmp_path), DenseEngine(machine)
    computers = [
        Computer(machine.plan, e, [image.words], [b""], [image.entry], [riscv_host(image, b"")])
        for e in engines
    ]
    while not computers[1].halted():
        events = [computer.step()[0] for computer in computers]
        assert events[0] == events[1]
        assert torch.equal(engines[0].x, engines[1].x)
        outputs.append(events[1].written)
    assert b"".join(outputs) == program.output
    assert len(outputs) == program.steps


def test_a_file_in_the_way_is_an_error(machine, tmp_path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(FileError, match="cannot make the folder"):
        export_llama(machine("subleq", 8, 32), tmp_path / "file" / "folder")


@pytest.mark.parametrize("name", ["greet", "multiply", "caesar8"])
def test_whole_programs_on_the_stock_model(name: str, tmp_path) -> None:
    program = next(p for p in programs() if p.path.stem == name)
    image = looped.assemble(program.path)
    machine = looped.compile(image)
    assert check_program(machine, image.words, program.input, tmp_path) == program.output


@pytest.mark.slow
def test_a_stock_llama_runs_the_calculator_of_fleq(tmp_path) -> None:
    """Instructions of up to 52 loops; the words in memory are those of the reference."""
    text = source("calculator")
    expected = execute(text)
    machine = looped.compile_machine("fleq", memory=256)
    export_llama(machine, tmp_path)
    run = execute_in_weights(text, machine, StockEngine(machine, tmp_path))
    assert (run.text, run.steps) == (expected.text, expected.steps)
    assert list(run.memory) == list(expected.memory)
