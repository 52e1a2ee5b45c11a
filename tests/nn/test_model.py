"""The core is an ordinary transformer: it agrees with the formulas, and it can be trained."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
import torch
from torch.nn.functional import cross_entropy, silu

from looped.nn import Attention, Block, GatedMLP, LoopedTransformer, Transformer
from tests import seeds


def test_attention_is_softmax_of_scaled_products() -> None:
    torch.manual_seed(seeds.number(0))
    attention = Attention(d_model=12, n_heads=3, d_head=5)
    x, context = torch.randn(2, 7, 12), torch.randn(2, 4, 12)
    heads = []
    for h in range(3):
        rows = slice(5 * h, 5 * h + 5)
        q = x @ attention.q_proj.weight[rows].T
        k = context @ attention.k_proj.weight[rows].T
        v = context @ attention.v_proj.weight[rows].T
        heads.append(torch.softmax(q @ k.transpose(1, 2) / math.sqrt(5), -1) @ v)
    expected = torch.cat(heads, -1) @ attention.o_proj.weight.T
    torch.testing.assert_close(attention(x, context), expected)


def test_attention_obeys_its_mask() -> None:
    torch.manual_seed(seeds.number(0))
    attention = Attention(8, 2, 4)
    x = torch.randn(1, 5, 8)
    causal = torch.ones(5, 5, dtype=torch.bool).tril()
    changed = x.clone()
    changed[0, 4] += 1.0
    before, after = attention(x, mask=causal), attention(changed, mask=causal)
    torch.testing.assert_close(before[0, :4], after[0, :4])
    assert not torch.allclose(before[0, 4], after[0, 4])


@pytest.mark.parametrize("activation", [torch.relu, silu])
def test_mlp_multiplies_gate_and_up(activation) -> None:
    torch.manual_seed(seeds.number(0))
    mlp = GatedMLP(6, 10, activation)
    x = torch.randn(3, 6)
    hidden = activation(x @ mlp.gate_proj.weight.T) * (x @ mlp.up_proj.weight.T)
    torch.testing.assert_close(mlp(x), hidden @ mlp.down_proj.weight.T)


def test_block_adds_both_parts_to_the_residual_stream() -> None:
    torch.manual_seed(seeds.number(0))
    attention, mlp = Attention(6, 1, 6), GatedMLP(6, 8)
    norms = torch.nn.RMSNorm(6), torch.nn.RMSNorm(6)
    x = torch.randn(1, 3, 6)
    middle = x + attention(norms[0](x))
    expected = middle + mlp(norms[1](middle))
    torch.testing.assert_close(Block(norms[0], attention, norms[1], mlp)(x), expected)


def test_looping_is_applying_the_same_transformer_again() -> None:
    torch.manual_seed(seeds.number(0))
    transformer = Transformer.stock(d_model=8, n_blocks=2, n_heads=2, d_head=4, d_ff=16)
    x = torch.randn(2, 5, 8)
    thrice = transformer(transformer(transformer(x)))
    assert torch.equal(LoopedTransformer(transformer)(x, loops=3), thrice)


def test_no_linear_layer_has_a_bias() -> None:
    names = Transformer.stock(8, 2, 2, 4, 16).state_dict()
    assert names and not [name for name in names if "bias" in name]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rms_norm_is_the_identity_on_signs(dtype: torch.dtype) -> None:
    norm = torch.nn.RMSNorm(138, eps=0.0, dtype=dtype)
    x = torch.randint(0, 2, (50, 138)).to(dtype) * 2 - 1
    assert torch.equal(norm(x), x)


def test_a_tiny_model_learns_to_reverse() -> None:
    """The same core, trained: tokens 0..3 of a sequence of 6, to be put out in reverse order."""
    torch.manual_seed(seeds.number(0))
    model = LoopedTransformer(Transformer.stock(32, n_blocks=1, n_heads=2, d_head=16, d_ff=64))
    embed, place = torch.nn.Embedding(4, 32), torch.nn.Embedding(6, 32)
    read = torch.nn.Linear(32, 4)
    modules = torch.nn.ModuleList([model, embed, place, read])
    optimizer = torch.optim.AdamW(modules.parameters(), lr=5e-3)
    losses = []
    for _ in range(150):
        tokens = torch.randint(0, 4, (64, 6))
        logits = read(model(embed(tokens) + place.weight, loops=2))
        loss = cross_entropy(logits.flatten(0, 1), tokens.flip(1).flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] > 1.0
    assert losses[-1] < 0.1


def test_the_core_loads_no_compiler() -> None:
    script = "import sys, looped.nn; print([m for m in sys.modules if m.startswith('looped.')])"
    modules = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "looped.circuit" not in modules.stdout and "looped.passes" not in modules.stdout
    assert "looped.nn.model" in modules.stdout
