"""The fast engines run what is exact in the dtype that is asked for, and refuse all else."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from looped import registry
from looped.analysis import analyse
from looped.analysis.hidden_sums import check_hidden_sums
from looped.artefact.embedding import embed
from looped.artefact.plan import CompiledMachine
from looped.engines.auto import AutoEngine
from looped.engines.dense import DenseEngine
from looped.engines.event import EventEngine
from looped.engines.lifted import LiftedEngine
from looped.errors import CertificateError, CompileError
from looped.passes.emit import compile_circuit
from looped.precision import precision
from tests.conftest import compiled
from tests.verify.random_programs import random_program

FAST = EventEngine, LiftedEngine


@functools.cache
def made_for(dtype: str, width: int = 8) -> CompiledMachine:
    """A small machine compiled for a dtype."""
    return compile_circuit(registry.machine("subleq").circuit(width, 32, None, precision(dtype)))


def start(machine: CompiledMachine) -> np.ndarray:
    width, memory = machine.plan.width, machine.plan.memory
    return embed(random_program(3, width, memory, 0.0).words, machine.plan)[None]


@pytest.mark.parametrize("width", [8, 16, 32])
@pytest.mark.parametrize("made", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("kind", FAST)
def test_machines_run_fast_in_the_dtype_that_they_are_made_for(kind, made: str, width: int) -> None:
    machine = made_for(made, width)
    for dtype in (made, "float32"):
        engine, dense = kind(machine, dtype), DenseEngine(machine, dtype)
        for each in (engine, dense):
            each.load(start(machine))
            each.step(6)
        assert np.array_equal(engine.state(), dense.state())
        assert engine.fallbacks == 0


@pytest.mark.parametrize("kind", FAST)
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_what_is_not_exact_in_a_dtype_is_refused_even_if_it_is_wanted(kind, dtype: str) -> None:
    engine = None
    with pytest.raises(CompileError, match=f"not exact in {dtype}: ") as error:
        engine = kind(compiled("subleq", 16, 64), dtype, uncertified=True)
        engine.load(start(compiled("subleq", 16, 64)))
        engine.prepare()
    hint = "only the engine `dense` runs a model that is not certified"
    assert error.value.diagnostics[0].hint == hint


def test_the_automatic_engine_takes_the_dense_one_there_and_says_why() -> None:
    machine, reports = compiled("subleq", 16, 64), list[str]()
    auto = AutoEngine(machine, "bfloat16", report=reports.append, uncertified=True)
    dense = DenseEngine(machine, "bfloat16", uncertified=True)
    for each in (auto, dense):
        each.load(start(machine))
        each.step(3)
    assert np.array_equal(auto.state(), dense.state())
    assert [r.split(":")[:2] for r in reports[:2]] == [
        ["not lifted", " not exact in bfloat16"],
        ["not event", " not exact in bfloat16"],
    ]
    assert reports[2:] == ["engine: dense"]


@pytest.mark.parametrize("kind", FAST)
def test_a_lead_too_small_for_the_dtype_is_refused_at_once(kind) -> None:
    """float16's machines lead by its underflow, which is not that of float64."""
    machine = made_for("float16")
    with pytest.raises(CertificateError, match=r"scaled margin of 128, .* above 745"):
        kind(machine, "float64")
    engine = kind(machine, "float64", uncertified=True)
    with pytest.raises(CompileError, match="one-hot"):
        engine.load(start(machine))
        engine.prepare()


def changed(name: str, change) -> CompiledMachine:
    small = compiled("subleq", 8, 32)
    return CompiledMachine(small.plan, {**small.weights, name: change(small.weights[name])})


def test_weights_that_a_dtype_cannot_hold_are_refused() -> None:
    uneven = changed("layers.1.mlp.gate_proj.weight", lambda w: w * 257)
    with pytest.raises(CompileError, match="has a weight that bfloat16 cannot hold"):
        EventEngine(uneven, "bfloat16", uncertified=True)
    infinite = changed("layers.1.mlp.up_proj.weight", lambda w: w * 2.0**127 * 4)
    with pytest.raises(CompileError, match="has a weight that float32 cannot hold"):
        EventEngine(infinite)


@pytest.mark.parametrize(
    ("name", "factor"),
    [
        ("layers.2.self_attn.q_proj.weight", 2.0**113),
        ("layers.1.mlp.down_proj.weight", 2.0**-140),
        ("layers.1.mlp.gate_proj.weight", 2.0**119),
    ],
)
def test_sums_that_leave_the_range_of_the_dtype_are_refused(name: str, factor: float) -> None:
    with pytest.raises(CompileError, match=r"not exact in float32: .*(out of range|flow)"):
        EventEngine(changed(name, lambda w: w * factor))


def test_a_head_whose_products_cancel_is_not_idle() -> None:
    """It needs a winner, as every head does that moves anything before it is added up."""
    small = compiled("subleq", 8, 32)
    size, weights = small.plan.d_head, dict(small.weights)
    plain = analyse(weights, 3, size, precision("float32"))
    v, o = (weights[f"layers.1.self_attn.{n}_proj.weight"].clone() for n in "vo")
    own = 2 * size  # block 1 has two heads, and the third is idle
    v[own, 5] = v[own + 1, 5] = 4.0
    o[7, own], o[7, own + 1] = 1.0, -1.0
    weights |= {"layers.1.self_attn.v_proj.weight": v, "layers.1.self_attn.o_proj.weight": o}
    found = analyse(weights, 3, size, precision("float32"))
    assert [len(block.heads) for block in plain.blocks] == [3, 2, 2]
    assert [len(block.heads) for block in found.blocks] == [3, 3, 2]
    assert not found.blocks[1].heads[2].w_ov.any()


def test_what_columns_hold_decides_about_sums_of_hidden_units() -> None:
    """In columns of any signs they reach further than in those of the machine."""
    machine = made_for("bfloat16")
    model = analyse(machine.weights, len(machine.plan.blocks), machine.plan.d_head,
                    precision("bfloat16"))  # fmt: skip
    x = start(machine)[0]
    check_hidden_sums(model, x, np.ones(x.shape, np.bool_))
    with pytest.raises(CompileError, match="the sums of hidden units of block . reach"):
        check_hidden_sums(model, x, np.zeros(x.shape, np.bool_))
