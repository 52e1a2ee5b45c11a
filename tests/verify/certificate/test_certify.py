"""Certificates of machines as they are compiled, and of machines with something wrong."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path

import numpy as np
import pytest
import torch

import looped
from looped import api, registry
from looped.artefact.plan import CompiledMachine
from looped.engines.dense import DenseEngine
from looped.errors import CertificateError
from looped.passes.emit import compile_circuit
from looped.precision import PRECISIONS
from looped.registry.definition import largest_memory
from looped.verify.certificate import Certificate
from looped.verify.certificate.claims import DIAGRAMS, EXHAUSTION
from looped.verify.lockstep import lockstep
from tests import seeds
from tests.conftest import compiled
from tests.verify.random_programs import random_program

PROGRAMS = Path(__file__).parents[3] / "programs" / "subleq"


@functools.cache
def certificate(width: int, memory: int, dtype: str) -> Certificate:
    return api.certify(looped.compile_machine("subleq", width, memory, dtype))


def certified(found: Certificate) -> set[str]:
    return {name for name in found.verdicts if found.certified(name)}


EVERY = [(name, width) for name in ("subleq", "rv32i") for width in registry.machine(name).widths]


def check_wide_dtypes(name: str, width: int, memory: int) -> None:
    found = api.certify(compiled(name, width, memory))
    assert [claim.fault for claim in found.claims if not claim.holds] == []
    assert certified(found) == {"float64", "float32"}
    assert {claim.method for claim in found.claims} >= {DIAGRAMS, EXHAUSTION}


@pytest.mark.parametrize(("name", "width"), EVERY)
def test_machines_are_certified_in_float32_and_float64(name: str, width: int) -> None:
    check_wide_dtypes(name, width, memory=256)


@pytest.mark.slow
def test_a_machine_that_takes_several_loops_is_certified() -> None:
    check_wide_dtypes("rv32im", 32, memory=32)


@pytest.mark.slow
@pytest.mark.parametrize("most", [1024, 1 << 18])
@pytest.mark.parametrize(("name", "width"), [pair for pair in EVERY if pair[1] > 8])
def test_machines_are_certified_with_more_memory(name: str, width: int, most: int) -> None:
    check_wide_dtypes(name, width, min(most, largest_memory(width)))


@pytest.mark.parametrize(("width", "memory"), [(8, 64), (16, 64), (32, 64)])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_a_machine_is_certified_in_the_small_dtype_that_it_is_compiled_for(
    width: int, memory: int, dtype: str
) -> None:
    found = certificate(width, memory, dtype)
    assert certified(found) >= {dtype, "float32", "float64"}


def test_at_eight_bits_every_lane_that_an_mlp_makes_is_shown_by_exhaustion_too() -> None:
    claims = [c for c in certificate(8, 64, "float32").claims if c.method == EXHAUSTION]
    parts = [claim.part.split(" ") for claim in claims]
    assert len(claims) == 3 and all(words[1] == words[3] for words in parts)
    assert sum(claim.cases for claim in claims) > 1 << 19


@pytest.mark.parametrize("name", ["echo", "multiply"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_baked_programs_are_certified(name: str, dtype: str) -> None:
    image = looped.assemble(PROGRAMS / f"{name}.sasm")
    machine = looped.compile(image, bake=True, dtype=dtype)
    assert api.certify(machine, image).certified(dtype)


def test_a_baked_machine_is_no_machine_of_another_program() -> None:
    echo, greet = (looped.assemble(PROGRAMS / f"{n}.sasm") for n in ("echo", "multiply"))
    machine = looped.compile(echo, bake=True)
    with pytest.raises(CertificateError, match="baked for another program"):
        api.certify(machine, greet)
    with pytest.raises(CertificateError, match="together with its program"):
        api.certify(machine)


def with_weight(machine: CompiledMachine, name: str, weight: torch.Tensor) -> CompiledMachine:
    return dataclasses.replace(machine, weights={**machine.weights, name: weight})


def test_the_weights_of_another_machine_are_not_certified() -> None:
    """An adder that adds 2 instead of 3 to pc: right in every dtype, and wrong."""
    machine = looped.compile_machine("subleq", 8, 32)
    name = "layers.1.mlp.gate_proj.weight"
    weight = machine.weights[name].clone()
    weight[0] = weight[0].roll(1)
    found = api.certify(with_weight(machine, name, weight))
    assert not found.sound and certified(found) == set()
    assert {c.method for c in found.claims if not c.holds} == {DIAGRAMS, EXHAUSTION}
    assert all(found.verdicts[d].exact for d in ("float32", "float64"))


def test_units_permuted_split_and_rescaled_are_still_certified() -> None:
    """The proof is about functions: it does not ask how the compiler would have written them."""
    machine = looped.compile_machine("subleq", 8, 32)
    weights = dict(machine.weights)
    rng = seeds.generator(0)
    for block in range(3):
        order = rng.permutation(machine.plan.d_ff)
        scale = torch.tensor(rng.choice([0.5, 1.0, 2.0], machine.plan.d_ff)).float()[:, None]
        prefix = f"layers.{block}.mlp"
        weights[f"{prefix}.gate_proj.weight"] = weights[f"{prefix}.gate_proj.weight"][order] * scale
        weights[f"{prefix}.up_proj.weight"] = weights[f"{prefix}.up_proj.weight"][order] / scale
        weights[f"{prefix}.down_proj.weight"] = weights[f"{prefix}.down_proj.weight"][:, order]
    found = api.certify(dataclasses.replace(machine, weights=weights))
    assert found.sound and certified(found) >= {"float32", "float64"}


def test_a_temperature_too_low_for_a_dtype_is_found() -> None:
    machine = looped.compile_machine("subleq", 8, 32)
    name = "layers.0.self_attn.q_proj.weight"
    cold = with_weight(machine, name, machine.weights[name] / 64)
    heads = [dataclasses.replace(h, beta=h.beta // 64) for h in machine.plan.blocks[0].heads]
    block = dataclasses.replace(machine.plan.blocks[0], heads=tuple(heads))
    plan = dataclasses.replace(machine.plan, blocks=(block, *machine.plan.blocks[1:]))
    found = api.certify(dataclasses.replace(cold, plan=plan))
    assert found.sound
    assert found.verdicts["float64"].columns == 0, "exp(-16) is far from zero"
    assert "makes softmax one-hot for 0 columns at most" in found.verdicts["float32"].faults[0]


def test_a_plan_that_tells_another_layout_is_refused() -> None:
    machine = looped.compile_machine("subleq", 8, 32)
    words = {**machine.plan.words, "pc": machine.plan.words["pc"][::-1]}
    found = api.certify(
        dataclasses.replace(machine, plan=dataclasses.replace(machine.plan, words=words))
    )
    assert [c.fault for c in found.claims if not c.holds] == [
        "the plan: the lanes of `pc` have other occupants"
    ]


@pytest.mark.parametrize("width", [8, 16, 32])
def test_the_lead_is_the_least_that_is_seen(width: int) -> None:
    """Scores of the real heads on random states never lead by less than the certificate says."""
    machine = compiled("subleq", width, 32)
    plan = machine.plan
    engine, model = DenseEngine(machine), machine.model()
    engine.load(np.stack([looped.embed(random_program(s, width, 32, 0.1).words, plan)
                          for s in range(8)]))  # fmt: skip
    margins = {(m.block, m.head): float(m.scaled_margin) for m in api.certify(machine).margins}
    for _ in range(6):
        x = engine.x
        for b, block in enumerate(model.transformer.layers):
            attention = block.self_attn
            q, k = attention._split(attention.q_proj(x)), attention._split(attention.k_proj(x))
            scores = (q @ k.transpose(-1, -2)) / plan.d_head**0.5
            best, second = scores.topk(2, dim=-1).values.unbind(-1)
            for h, head in enumerate(plan.blocks[b].heads):
                assert (best - second)[:, h].min() >= margins[b, head.name]
            x = block(x)
        engine.step()


@pytest.mark.parametrize(
    ("dtype", "width"),
    [("bfloat16", 8), ("bfloat16", 16), ("float16", 8), ("float16", 16)],
)
def test_random_programs_run_like_the_reference_in_small_dtypes(dtype: str, width: int) -> None:
    form = PRECISIONS[dtype]
    machine = compile_circuit(registry.machine("subleq").circuit(width, 32, None, form))
    images = [random_program(seed, width, 32, 0.1) for seed in range(10)]
    lockstep(machine, DenseEngine(machine, dtype), images, [b"ab"] * 10, steps=12)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("width", [8, 16, 32])
def test_random_programs_run_like_the_reference_in_small_dtypes_for_long(
    dtype: str, width: int
) -> None:
    form = PRECISIONS[dtype]
    machine = compile_circuit(registry.machine("subleq").circuit(width, 64, None, form))
    images = [random_program(seed, width, 64, 0.1) for seed in range(30)]
    lockstep(machine, DenseEngine(machine, dtype), images, [b"abc"] * 30, steps=30)


def test_a_float32_machine_goes_wrong_in_bfloat16() -> None:
    """What is refused would not have worked: the adder rounds."""
    machine = compiled("subleq", 16, 32)
    images = [random_program(seed, 16, 32, 0.1) for seed in range(10)]
    with pytest.raises(looped.LoopedError):
        lockstep(machine, DenseEngine(machine, "bfloat16"), images, [b""] * 10, steps=12)
    with pytest.raises(CertificateError, match="the machine is not certified in bfloat16"):
        api.choose_engine(machine, "dense", "bfloat16")
    assert api.choose_engine(machine, "dense", "bfloat16", uncertified=True)
