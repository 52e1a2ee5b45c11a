"""Weights against the circuit that they were made from, head by head and unit by unit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from looped import registry
from looped.artefact.embedding import embed, embed_words, memory_words, read_word
from looped.artefact.plan import CompiledMachine
from looped.circuit.words import Lane
from looped.passes.allocate import allocate
from looped.passes.emit import compile_circuit, emit
from looped.passes.fuse_reads import fuse_reads
from looped.passes.heads import UNDERFLOW
from looped.passes.schedule import schedule
from looped.precision import PRECISIONS
from tests import seeds
from tests.circuit.evaluate import signal_bit

WIDTHS = [8, 16, 32]


@pytest.mark.parametrize("width", WIDTHS)
def test_each_mlp_computes_the_signals_of_its_phase(width: int) -> None:
    """Random lanes in the CPU column: made lanes hold their signals, dead lanes hold -1."""
    scheduled = schedule(fuse_reads(registry.machine("subleq").circuit(width, 64)))
    layout = allocate(scheduled)
    model = emit(scheduled, layout).model()
    generator = seeds.generator(width)
    for block in range(scheduled.blocks):
        phase = 2 * block + 1
        alive = [t for ts in layout.occupants for t in ts if t.start < phase <= t.end]
        for _ in range(20):
            lanes: dict[Lane, int] = {t.lane: int(generator.choice([-1, 1])) for t in alive}
            lanes[Lane("cpu", 0)] = lanes[Lane("one", 0)] = 1
            x = torch.full((1, 1, model.transformer.norm.weight.numel()), -1.0)
            for live in alive:
                x[0, 0, layout.index[live.lane]] = lanes[live.lane]
            after = (x + model.transformer.layers[block].mlp(x))[0, 0]
            made = scheduled.bits.get(phase, [])
            for definition in made:
                expected = 2 * signal_bit(definition.signal, lanes) - 1
                assert after[layout.index[definition.lane]] == expected
            filled = {layout.index[d.lane] for d in made}
            for live in alive:
                index = layout.index[live.lane]
                if index not in filled:
                    kept = lanes[live.lane] if live.end > phase else -1
                    assert after[index] == kept, str(live.lane)


@pytest.mark.parametrize("width", WIDTHS)
def test_mlps_leave_all_columns_but_the_cpu_alone(width: int, machine) -> None:
    compiled = machine("subleq", width, 64)
    words = seeds.generator(0).integers(0, 1 << width, 64)
    x = torch.tensor(embed(words, compiled.plan), dtype=torch.float32)
    others = [c for c in range(compiled.plan.columns) if c != compiled.plan.cpu]
    for block in compiled.model().transformer.layers:
        assert not block.mlp(x)[others].any()


def write_once(compiled: CompiledMachine, words: np.ndarray, address: int, content: int):
    """The residual stream after the block that writes, with b and result set by hand."""
    plan = compiled.plan
    layout = allocate(
        schedule(fuse_reads(registry.machine("subleq").circuit(plan.width, plan.memory)))
    )
    x = torch.tensor(embed(words, plan), dtype=torch.float32)
    for name, number in (("b", address), ("result", content)):
        lanes = [
            layout.index[Lane(name, i)] for i in range(plan.width) if Lane(name, i) in layout.index
        ]
        x[plan.cpu, lanes] = torch.tensor(embed_words(number, plan.width)[: len(lanes)]).float()
    attention = compiled.model().transformer.layers[-1].self_attn
    return x, x + attention(x[None])[0]


@pytest.mark.parametrize("address", [0, 1, 17, 62, 63])
def test_write_leaves_other_columns_alone(address: int, machine) -> None:
    compiled = machine("subleq", 16, 64)
    words = seeds.generator(address).integers(0, 1 << 16, 64)
    before, after = write_once(compiled, words, address, 0xBEEF)
    expected = words.copy()
    expected[address] = 0xBEEF
    assert memory_words(after, compiled.plan).tolist() == expected.tolist()
    devices = [compiled.plan.cpu, compiled.plan.input]
    assert torch.equal(before[devices], after[devices])


@pytest.mark.parametrize("width", WIDTHS)
def test_softmax_is_one_hot_to_the_last_bit(width: int, machine) -> None:
    """Every head, every column, on a random state: one weight is 1, all others are 0."""
    compiled = machine("subleq", width, 64)
    plan = compiled.plan
    words = seeds.generator(1).integers(0, 1 << width, 64)
    x = torch.tensor(embed(words, plan), dtype=torch.float32)[None]
    for block, explained in zip(compiled.model().transformer.layers, plan.blocks, strict=True):
        q, k = (
            block.self_attn._split(block.self_attn.q_proj(x)),
            block.self_attn._split(block.self_attn.k_proj(x)),
        )
        scores = q @ k.transpose(-1, -2) / plan.d_head**0.5
        weights = torch.softmax(scores, -1)[:, : len(explained.heads)]
        assert weights.numel() == 0 or set(weights.unique().tolist()) == {0.0, 1.0}
        x = block(x)


@pytest.mark.parametrize("name", PRECISIONS)
def test_the_temperature_follows_from_the_margin(name: str) -> None:
    form = PRECISIONS[name]
    underflow = form.underflow if name == "float16" else UNDERFLOW
    for block in compile_circuit(registry.machine("subleq").circuit(8, 32, None, form)).plan.blocks:
        for head in block.heads:
            assert head.margin * head.beta > underflow >= head.margin * head.beta / 2


@pytest.mark.parametrize("width", WIDTHS)
def test_every_weight_is_dyadic_and_small(width: int, machine) -> None:
    """Multiples of 1/2 below 2^20: float32 holds them and their products with ±1 exactly."""
    for name, weight in machine("subleq", width, 64).weights.items():
        doubled = weight.double() * 2
        assert torch.equal(doubled, doubled.round()), name
        assert weight.abs().max() < 1 << 20, name


def test_compilation_is_deterministic() -> None:
    circuits = [registry.machine("subleq").circuit(16, 64) for _ in range(2)]
    first, second = (compile_circuit(c) for c in circuits)
    assert first.plan == second.plan
    assert all(torch.equal(w, second.weights[n]) for n, w in first.weights.items())


@pytest.mark.parametrize("width", [8, 16, 32, 62])
def test_words_survive_embedding(width: int) -> None:
    words = seeds.generator(2).integers(0, 1 << width, 100)
    assert read_word(embed_words(words, width)).tolist() == words.tolist()
