"""Mixers against implementations of others: PyTorch, transformers, x-transformers."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from looped.nn import Attention
from looped.nn.mixers import (
    CrossAttention,
    DecoderBlock,
    DifferentialAttention,
    SelectiveAttention,
    TopAttention,
)
from looped.nn.norms import LayerNorm
from tests import seeds

N, D, HEADS, D_HEAD = 7, 12, 3, 4


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(seeds.number(3))


def causal(n: int = N) -> Tensor:
    return torch.ones(n, n, dtype=torch.bool).tril()


def torchs(mixer: Attention) -> nn.MultiheadAttention:
    """PyTorch's attention with the weights of ours."""
    other = nn.MultiheadAttention(D, HEADS, bias=False, batch_first=True)
    parts = (mixer.q_proj, mixer.k_proj, mixer.v_proj)
    other.in_proj_weight.data = torch.cat([part.weight for part in parts]).detach()
    other.out_proj.weight.data = mixer.o_proj.weight.detach()
    return other


@pytest.mark.parametrize("masked", [False, True])
def test_attention_is_that_of_torch(masked: bool) -> None:
    mixer, x = Attention(D, HEADS, D_HEAD), torch.randn(2, N, D)
    mask = causal() if masked else None
    expected = torchs(mixer)(x, x, x, attn_mask=None if mask is None else ~mask)[0]
    torch.testing.assert_close(mixer(x, mask=mask), expected)


def test_cross_attention_is_that_of_torch() -> None:
    mixer, x, context = CrossAttention(D, HEADS, D_HEAD), torch.randn(2, N, D), torch.randn(2, 4, D)
    torch.testing.assert_close(mixer(x, context), torchs(mixer)(x, context, context)[0])
    with pytest.raises(ValueError, match="needs a context"):
        mixer(x)


def test_a_decoder_block_is_a_decoder_layer_of_torch() -> None:
    mlp = nn.Sequential(nn.Linear(D, 9), nn.ReLU(), nn.Linear(9, D))
    block = DecoderBlock(
        LayerNorm(D),
        Attention(D, HEADS, D_HEAD),
        LayerNorm(D),
        CrossAttention(D, HEADS, D_HEAD),
        LayerNorm(D),
        _Untapped(mlp),
    )
    other = nn.TransformerDecoderLayer(D, HEADS, 9, 0.0, batch_first=True, norm_first=True)
    with torch.no_grad():
        for name, mine in (("self_attn", block.self_attn), ("multihead_attn", block.cross_attn)):
            getattr(other, name).in_proj_bias.zero_()
            getattr(other, name).out_proj.bias.zero_()
            getattr(other, name).load_state_dict(torchs(mine).state_dict(), strict=False)
        other.linear1.load_state_dict(mlp[0].state_dict())
        other.linear2.load_state_dict(mlp[2].state_dict())
    x, context = torch.randn(2, N, D), torch.randn(2, 4, D)
    expected = other(x, context, tgt_mask=~causal())
    torch.testing.assert_close(block(x, context, causal()), expected)


class _Untapped(nn.Module):
    """An MLP without activations to be seen."""

    def __init__(self, mlp: nn.Module) -> None:
        super().__init__()
        self.mlp = mlp

    def forward(self, x: Tensor, tap: object = None) -> Tensor:
        result: Tensor = self.mlp(x)
        return result


@pytest.mark.slow
@pytest.mark.parametrize("layer", [0, 3])
def test_differential_attention_is_that_of_diff_llama(layer: int) -> None:
    transformers = pytest.importorskip("transformers")
    from transformers.models.diffllama.modeling_diffllama import DiffLlamaAttention

    config = transformers.DiffLlamaConfig(
        hidden_size=D,
        num_attention_heads=6,
        num_key_value_heads=6,
        head_dim=D_HEAD,
        rms_norm_eps=1e-6,
    )
    config._attn_implementation = "sdpa"
    other = DiffLlamaAttention(config, layer)
    mixer = DifferentialAttention(D, HEADS, D_HEAD, layer, d_value=2 * D_HEAD)
    assert mixer.lambda_init == pytest.approx(other.lambda_init)
    with torch.no_grad():
        for name in ("q_proj", "k_proj", "v_proj"):  # heads h and h + 3 make a pair
            rows = getattr(other, name).weight.view(2, HEADS, D_HEAD, D)
            getattr(mixer, name).weight.copy_(rows.transpose(0, 1).reshape(-1, D))
        mixer.o_proj.weight.copy_(other.o_proj.weight)
        for name in ("lambda_q1", "lambda_k1", "lambda_q2", "lambda_k2"):
            getattr(other, name).copy_(torch.randn(D_HEAD))
            getattr(mixer, name).copy_(getattr(other, name))
    x = torch.randn(2, N, D)
    still = torch.ones(2, N, D_HEAD), torch.zeros(2, N, D_HEAD)  # no rotation
    expected = other(x, still, attention_mask=causal()[None, None])[0]
    torch.testing.assert_close(mixer(x, mask=causal()), expected)


@pytest.mark.slow
def test_selective_attention_is_that_of_x_transformers() -> None:
    pytest.importorskip("x_transformers")
    from x_transformers.attend import Attend

    q, k, v = torch.randn(3, 2, HEADS, N, D_HEAD) * 3
    expected, _ = Attend(heads=HEADS, causal=True, selective=True)(q, k, v)
    found = SelectiveAttention(D, HEADS, D_HEAD).attend(q, k, v, None)
    torch.testing.assert_close(found, expected)


@pytest.mark.slow
@pytest.mark.parametrize("k", [1, 3])
def test_top_attention_is_that_of_x_transformers(k: int) -> None:
    pytest.importorskip("x_transformers")
    from x_transformers.attend import Attend

    q, key, v = torch.randn(3, 2, HEADS, N, D_HEAD)
    expected, _ = Attend(heads=HEADS, sparse_topk=k)(q, key, v)
    torch.testing.assert_close(TopAttention(D, HEADS, D_HEAD, k).attend(q, key, v, None), expected)


def test_top_attention_is_the_softmax_of_the_best() -> None:
    q, k, v = torch.randn(3, 1, HEADS, N, D_HEAD)
    scores = q @ k.mT / math.sqrt(D_HEAD)
    best = scores >= scores.sort(-1).values[..., -2:-1]
    expected = scores.masked_fill(~best, -math.inf).softmax(-1) @ v
    torch.testing.assert_close(TopAttention(D, HEADS, D_HEAD, 2).attend(q, k, v, None), expected)


def test_selective_attention_is_its_recurrence() -> None:
    """S, F and the softmax, entry by entry."""
    mixer = SelectiveAttention(D, HEADS, D_HEAD)
    q, k, v = torch.randn(3, 1, HEADS, N, D_HEAD) * 3
    logits = q @ k.mT / math.sqrt(D_HEAD)
    penalty = torch.zeros(N)
    for i in range(N):
        torch.testing.assert_close(mixer.penalty(q, k)[0, i], penalty)
        weights = (logits[0, :, i, : i + 1] - penalty[: i + 1]).softmax(-1)
        expected = (weights[:, None] @ v[0, :, : i + 1])[:, 0]
        torch.testing.assert_close(mixer.attend(q, k, v, None)[0, :, i], expected)
        for j in range(1, i):
            penalty[j] += logits[0, 0, i, j].relu()
