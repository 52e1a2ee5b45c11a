"""A packed model is the model, to the bit."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from looped.artefact.embedding import embed
from looped.artefact.plan import CompiledMachine
from looped.nn.attention import Attention
from looped.nn.block import Block
from looped.nn.mlp import GatedMLP
from looped.nn.model import LoopedTransformer, Transformer
from looped.nn.packed import packed
from tests import seeds
from tests.conftest import compiled, examples

MACHINES = {"subleq": (8, 32, {}), "rv32i": (32, 64, {}), "fleq": (32, 64, {"side": 2})}


def machine(name: str) -> CompiledMachine:
    width, memory, parameters = MACHINES[name]
    made = compiled(name, width, memory, **parameters)
    return made.with_workers(2) if name == "fleq" else made


def streams(made: CompiledMachine, count: int, dtype: torch.dtype) -> torch.Tensor:
    """Random programs, the last of them from a random instruction on."""
    plan, rng = made.plan, seeds.generator(7)
    x = np.stack(
        [embed(rng.integers(0, 1 << min(plan.width, 16), 24).tolist(), plan) for _ in range(count)]
    )
    x[-1, plan.cpu, plan.words["pc"]] = rng.choice([-1, 1], len(plan.words["pc"]))
    return torch.tensor(x, dtype=dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", MACHINES)
def test_machines_pass_alike(name: str, dtype: torch.dtype) -> None:
    made = machine(name)
    plain = made.model().to(dtype)
    fast = packed(plain)
    x = y = streams(made, 3, dtype)
    with torch.inference_mode():
        for _ in range(4):
            x, y = plain(x), fast(y)
            assert torch.equal(x, y)


def test_a_packed_machine_has_no_idle_heads_and_units() -> None:
    made = machine("rv32i")
    layers = packed(made.model()).transformer.layers
    held = sum(buffer.numel() for block in layers for buffer in block.buffers())
    assert held < 0.6 * sum(weight.numel() for weight in made.weights.values())


@st.composite
def mlps(draw: st.DrawFn) -> GatedMLP:
    """A gated MLP of small integers with many zeros, some units without any."""
    mlp = GatedMLP(6, 8)
    generator = torch.Generator().manual_seed(draw(st.integers(0, 1 << 30)))
    density = draw(st.floats(0.1, 1.0))
    for part in (mlp.gate_proj, mlp.up_proj, mlp.down_proj):
        weight = torch.randint(-3, 4, part.weight.shape, generator=generator)
        keep = torch.rand(part.weight.shape, generator=generator) < density
        part.weight.data = (weight * keep).float()
    return mlp


@examples(1)
@given(mlps(), st.integers(1, 3), st.integers(1, 6), st.integers(0, 1 << 30))
def test_a_packed_mlp_is_the_mlp(mlp: GatedMLP, batch: int, columns: int, seed: int) -> None:
    """Also where columns agree in some lanes, and where the first one has units that are not
    zero."""
    model = model_of(Attention(6, 1, 4), mlp)
    generator = torch.Generator().manual_seed(seed)
    x = torch.randint(0, 2, (batch, columns, 6), generator=generator).float() * 2 - 1
    x[:, 1:, :3] = x[:1, :1, :3]
    with torch.inference_mode():
        (block,) = packed(model).transformer.layers
        assert torch.equal(cast(Block, block).mlp(x), mlp(x))


@examples(0.5)
@given(st.integers(1, 4), st.integers(0, 4), st.integers(1, 7), st.integers(0, 1 << 30))
def test_packed_attention_is_attention(heads: int, idle: int, columns: int, seed: int) -> None:
    """Heads without values or without a way out, and columns that ask the same."""
    torch.manual_seed(seed)
    attention = Attention(5, heads, 4)
    for head in range(min(idle, heads)):
        part = attention.v_proj.weight if head % 2 else attention.o_proj.weight.T
        part.data[4 * head : 4 * head + 4] = 0
    model = model_of(attention, GatedMLP(5, 2))
    x = torch.randn(2, columns, 5)
    x[:, : columns // 2] = x[:, :1]
    with torch.inference_mode():
        (block,) = packed(model).transformer.layers
        found = cast(Block, block).self_attn(x)
        assert torch.allclose(found + torch.zeros_like(x), attention(x), atol=1e-6)


def model_of(attention: Attention, mlp: GatedMLP) -> LoopedTransformer:
    norms = [torch.nn.Identity() for _ in range(3)]
    blocks = [Block(norms[0], attention, norms[1], mlp)]
    return LoopedTransformer(Transformer(blocks, norms[2])).requires_grad_(False)


class Other(torch.nn.Module):
    def forward(self, x: torch.Tensor, *rest: object) -> torch.Tensor:
        return x.flip(1)


def test_other_mixers_stay_as_they_are() -> None:
    block = Block(torch.nn.Identity(), Other(), torch.nn.Identity(), GatedMLP(5, 2))
    model = LoopedTransformer(Transformer([block], torch.nn.Identity())).requires_grad_(False)
    x = torch.randn(1, 4, 5)
    assert torch.allclose(packed(model)(x), model(x))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", MACHINES)
def test_machines_pass_alike_on_a_gpu(name: str) -> None:
    made = machine(name)
    x = streams(made, 3, torch.float32)
    fast, plain = packed(made.model()).cuda(), made.model()
    with torch.inference_mode():
        assert torch.equal(fast(x.cuda(), 5).cpu(), plain(x, 5))
