"""The event engine equals the dense one, knows nothing but tensors, and never guesses."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import looped
import looped.api
from looped.compiler.compiled import CompiledMachine
from looped.compiler.embedding import embed
from looped.engines.dense import DenseEngine
from looped.engines.event import EventEngine
from looped.errors import CompileError
from looped.verify.lockstep import lockstep
from tests.conftest import compiled
from tests.programs.headers import Program, programs
from tests.verify.random_programs import programs as random_programs
from tests.verify.random_programs import random_program

ALL = programs()


@pytest.mark.parametrize("program", ALL, ids=[p.path.stem for p in ALL])
def test_every_program_runs_like_the_reference_without_a_fallback(program: Program) -> None:
    image = looped.assemble(program.path)
    machine = compiled(image.machine, image.width, looped.api.smallest_memory(image))
    engine = EventEngine(machine)
    verdict = lockstep(machine, engine, [image], [program.input])
    assert (verdict.steps, verdict.outputs) == (program.steps, (program.output,))
    assert engine.fallbacks == 0


@pytest.mark.parametrize(("width", "memory"), [(8, 256), (16, 512), (32, 512)])
@settings(max_examples=20, phases=[Phase.explicit, Phase.generate])
@given(data=st.data())
def test_random_programs_run_like_the_reference(
    width: int, memory: int, data: st.DataObject
) -> None:
    machine = compiled("subleq", width, memory)
    images = data.draw(st.lists(random_programs(width, memory), min_size=5, max_size=5))
    inputs = data.draw(st.lists(st.binary(max_size=8), min_size=5, max_size=5))
    engine = EventEngine(machine)
    lockstep(machine, engine, images, inputs, steps=100)
    assert engine.fallbacks == 0


def shuffled(machine: CompiledMachine, seed: int) -> tuple[CompiledMachine, np.ndarray]:
    """The same machine with lanes, heads and hidden units permuted, some gates and ups rescaled,
    and a useless head in every block. Returns it and the permutation of the lanes."""
    rng = np.random.default_rng(seed)
    plan = machine.plan
    lanes = rng.permutation(plan.d_model)
    size, count = plan.d_head, plan.n_heads
    weights: dict[str, torch.Tensor] = {}
    for block in range(len(plan.blocks)):
        w = {
            n: machine.weights[f"layers.{block}.{n}.weight"]
            for n in (*(f"self_attn.{k}_proj" for k in "qkvo"),
                      *(f"mlp.{k}_proj" for k in ("gate", "up", "down")))
        }  # fmt: skip
        heads = rng.permutation(count)
        rows = np.concatenate([np.arange(h * size, (h + 1) * size) for h in heads])
        noise = torch.tensor(rng.integers(-3, 4, (size, plan.d_model))).float()
        for k in "qkv":
            extra = noise if k != "v" else torch.zeros_like(noise)
            w[f"self_attn.{k}_proj"] = torch.cat([w[f"self_attn.{k}_proj"][rows], extra])[:, lanes]
        out = torch.cat([w["self_attn.o_proj"][:, rows], noise.T], dim=1)
        w["self_attn.o_proj"] = out[lanes]
        units = rng.permutation(plan.d_ff)
        scale = torch.tensor(rng.choice([0.5, 1.0, 2.0], plan.d_ff)).float()[:, None]
        w["mlp.gate_proj"] = (w["mlp.gate_proj"][units] * scale)[:, lanes]
        w["mlp.up_proj"] = (w["mlp.up_proj"][units] / scale)[:, lanes]
        w["mlp.down_proj"] = w["mlp.down_proj"][:, units][lanes]
        weights |= {f"layers.{block}.{n}.weight": t.contiguous() for n, t in w.items()}
    norms = {n: t for n, t in machine.weights.items() if t.dim() == 1}
    new_plan = dataclasses.replace(plan, n_heads=count + 1)
    return CompiledMachine(new_plan, {**weights, **norms}), lanes


@pytest.mark.parametrize("width", [8, 16, 32])
@pytest.mark.parametrize("seed", range(4))
def test_where_lanes_heads_and_units_lie_is_all_the_same(width: int, seed: int) -> None:
    machine = compiled("subleq", width, 64)
    moved, lanes = shuffled(machine, seed)
    x = np.stack([embed(random_program(s, width, 64, 0.1).words, machine.plan) for s in range(4)])
    event, dense = EventEngine(moved), DenseEngine(moved)
    for engine in (event, dense):
        engine.load(x[:, :, lanes])
    for _ in range(40):
        event.step()
        dense.step()
        assert np.array_equal(event.state(), dense.state())
    assert event.fallbacks == 0


def test_many_loops_at_once_are_the_same_as_one_by_one(machine) -> None:
    small = machine("subleq", 16, 64)
    x = np.stack([embed(random_program(s, 16, 64, 0.0).words, small.plan) for s in range(3)])
    first, second = EventEngine(small), EventEngine(small)
    for engine in (first, second):
        engine.load(x)
    first.step(50)
    for _ in range(50):
        second.step()
    assert np.array_equal(first.state(), second.state())


def test_what_a_host_writes_is_seen(machine) -> None:
    small = machine("subleq", 8, 32)
    x = embed([9, 10, 6, 0, 0, 0, 9, 10, 0, 5, 3], small.plan)[None]
    event, dense = EventEngine(small), DenseEngine(small)
    value = np.array(small.plan.words["value"])
    for engine in (event, dense):
        engine.load(x)
        engine.step(3)
        engine.write(0, 9, value, np.ones(8))
        engine.step(3)
    assert np.array_equal(event.state(), dense.state())


def test_whatever_a_wrong_weight_changes_is_the_same_in_both(machine) -> None:
    """200 single faults; the engine follows the dense trace or refuses the model."""
    small = machine("subleq", 8, 32)
    rng = np.random.default_rng(0)
    x = embed(random_program(3, 8, 32, 0.0).words, small.plan)[None]
    names = [n for n, w in small.weights.items() if w.dim() == 2]
    refused = changed = 0
    sound = DenseEngine(small)
    sound.load(x)
    sound.step(6)
    for _ in range(200):
        name = names[rng.integers(len(names))]
        weight = small.weights[name].clone()
        places = weight.nonzero() if rng.random() < 0.7 else (weight == 0).nonzero()
        if len(places) == 0:
            continue
        row, column = places[rng.integers(len(places))].tolist()
        weight[row, column] += float(rng.choice([-2.0, -1.0, 1.0, 0.5, 2.0]))
        faulty = CompiledMachine(small.plan, {**small.weights, name: weight})
        dense = DenseEngine(faulty)
        dense.load(x)
        try:
            event = EventEngine(faulty)
            event.load(x)
        except CompileError:
            refused += 1
            continue
        for _ in range(6):
            event.step()
            dense.step()
            np.testing.assert_array_equal(event.state(), dense.state(), err_msg=name)
        changed += not np.array_equal(dense.state(), sound.state())
    assert changed >= 20 and refused < 180


def test_inexact_weights_are_refused(machine) -> None:
    small = machine("subleq", 8, 32)
    name = "layers.1.mlp.gate_proj.weight"
    weight = small.weights[name] * (1 + 2**-20)
    with pytest.raises(CompileError, match="the gates of block 1 are not exact in float32"):
        EventEngine(CompiledMachine(small.plan, {**small.weights, name: weight}))
    norm = {**small.weights, "norm.weight": small.weights["norm.weight"] * 2}
    with pytest.raises(CompileError, match=r"`norm\.weight` is not a gain of 1"):
        EventEngine(CompiledMachine(small.plan, norm))
