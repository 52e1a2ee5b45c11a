"""Norms are torch's; on ±1 they are the identity; post-norm is the core where they are."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from looped.artefact.embedding import embed
from looped.nn import Attention, Block, GatedMLP, LoopedTransformer, Transformer
from looped.nn.norms import (
    LayerNorm,
    PostBlock,
    complement,
    complemented,
    exact_gain,
    is_identity_on_signs,
)
from tests import seeds
from tests.conftest import compiled
from tests.nn.learning import assert_learns

DTYPES = [torch.float32, torch.bfloat16, torch.float16, torch.float64]
WIDTHS = [1, 2, 3, 7, 16, 160, 321, 1000, 2048]


def signs(*shape: int) -> torch.Tensor:
    return torch.tensor(seeds.generator(3).choice([-1.0, 1.0], shape)).float()


@pytest.mark.parametrize("dtype", DTYPES)
def test_rms_norm_without_eps_is_the_identity_on_signs(dtype: torch.dtype) -> None:
    for width in WIDTHS:
        assert is_identity_on_signs(nn.RMSNorm(width, eps=0.0, dtype=dtype), width, dtype)


@pytest.mark.parametrize("eps", [1e-6, 1e-5])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_gain_repairs_eps(dtype: torch.dtype, eps: float) -> None:
    for width in WIDTHS:
        norm = nn.RMSNorm(width, eps=eps, dtype=dtype)
        visible = dtype in (torch.float32, torch.float64)
        assert is_identity_on_signs(norm, width, dtype) is not visible
        norm.weight.data = exact_gain(width, eps, dtype)
        assert is_identity_on_signs(norm, width, dtype)


def test_the_gains_of_the_usual_eps() -> None:
    gains = [float(exact_gain(160, eps)[0]) for eps in (1e-6, 1e-5)]
    assert gains == pytest.approx([1.0000004768, 1.0000050068], abs=1e-10)


def test_layer_norm_is_that_of_torch() -> None:
    torch.manual_seed(seeds.number(0))
    own, torchs = LayerNorm(24), nn.LayerNorm(24)
    with torch.no_grad():
        for part in (own.weight, own.bias):
            part.copy_(torch.randn(24))
        torchs.load_state_dict(own.state_dict())
    x = 3 * torch.randn(5, 24) + 2
    torch.testing.assert_close(own(x), torchs(x))


def test_layer_norm_on_columns_of_mean_zero_is_rms_norm_to_the_bit() -> None:
    x = complement(torch.tensor(seeds.generator(5).integers(-9, 10, (9, 20))).float())
    assert torch.equal(LayerNorm(40, eps=1e-6)(x), nn.RMSNorm(40, eps=1e-6)(x))


@pytest.mark.parametrize("dtype", DTYPES)
def test_layer_norm_is_the_identity_on_complementary_signs(dtype: torch.dtype) -> None:
    for half in WIDTHS:
        norm = LayerNorm(2 * half, dtype=dtype)
        norm.weight.data = exact_gain(2 * half, norm.eps, dtype)
        assert is_identity_on_signs(norm, 2 * half, dtype, complementary=True)


def test_the_running_mean_of_torch_rounds_on_complementary_signs() -> None:
    """In float32 at some widths, by an ulp; in bfloat16 at none."""

    def failures(dtype: torch.dtype) -> int:
        norms = {d: nn.LayerNorm(d, eps=0.0, dtype=dtype) for d in range(2, 400, 2)}
        return sum(not is_identity_on_signs(norm, d, dtype, True) for d, norm in norms.items())

    assert failures(torch.float32) > 20 and failures(torch.bfloat16) == 0


def stack(kind: type[Block], norm: Callable[[], nn.Module]) -> Transformer:
    torch.manual_seed(seeds.number(1))
    blocks = [kind(norm(), Attention(16, 2, 8), norm(), GatedMLP(16, 24)) for _ in range(2)]
    return Transformer(blocks, norm())


def test_post_norm_with_identity_norms_is_the_core_to_the_bit() -> None:
    x = torch.randn(2, 5, 16)
    causal = torch.ones(5, 5, dtype=torch.bool).tril()
    pre, post = (stack(kind, nn.Identity) for kind in (Block, PostBlock))
    post.load_state_dict(pre.state_dict())
    assert torch.equal(pre(x, mask=causal), post(x, mask=causal))
    assert torch.equal(post.run_with_cache(x)[0], pre.run_with_cache(x)[0])


def test_post_norm_is_an_encoder_layer_of_torch() -> None:
    torch.manual_seed(seeds.number(2))
    block = PostBlock(LayerNorm(12), Attention(12, 3, 4), LayerNorm(12), nn.Linear(12, 12))
    torchs = nn.TransformerEncoderLayer(12, 3, 12, dropout=0.0, batch_first=True, norm_first=False)
    mixer = block.self_attn
    assert isinstance(mixer, Attention)
    with torch.no_grad():
        for parameter in torchs.parameters():
            parameter.zero_()
        torchs.norm1.weight.fill_(1)
        torchs.norm2.weight.fill_(1)
        attention = torchs.self_attn
        attention.in_proj_weight.copy_(
            torch.cat([mixer.q_proj.weight, mixer.k_proj.weight, mixer.v_proj.weight])
        )
        attention.out_proj.weight.copy_(mixer.o_proj.weight)
        torchs.linear1.weight.copy_(torch.eye(12))
        torchs.linear1.bias.fill_(100.0)  # ReLU passes everything
        torchs.linear2.weight.copy_(block.mlp.weight)
        torchs.linear2.bias.copy_(block.mlp.bias - block.mlp.weight.sum(1) * 100.0)
    x = torch.randn(2, 6, 12)
    torch.testing.assert_close(block(x), torchs(x), rtol=0, atol=1e-4)


def test_post_norm_divides_out_an_error_of_scale() -> None:
    norm = nn.RMSNorm(64, eps=0.0)
    x = signs(5, 64)
    torch.testing.assert_close(norm(x * (1 + 1e-3)), x, rtol=0, atol=2e-7)


@pytest.mark.parametrize("kind", [Block, PostBlock])
def test_layer_norm_and_post_norm_learn(kind: type[Block]) -> None:
    model = stack(kind, lambda: LayerNorm(16))
    x, target = torch.randn(4, 5, 16), torch.randn(4, 5, 16)
    assert_learns(model, lambda: ((model(x) - target) ** 2).mean())


@pytest.mark.parametrize("kind", [Block, PostBlock])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_machine_with_layer_norm_is_the_machine(kind: type[Block], dtype: torch.dtype) -> None:
    """On complementary lanes, pre-norm and post-norm: 12 loops of random words."""
    machine = compiled("subleq", 8, 32)
    words = [int(w) for w in seeds.generator(4).integers(0, 256, 32)]
    x = torch.tensor(embed(words, machine.plan)[None]).to(dtype)
    core = machine.model().to(dtype)
    width = 2 * machine.plan.d_model

    def norm() -> LayerNorm:
        made = LayerNorm(width, dtype=dtype)
        made.weight.data = exact_gain(width, made.eps, dtype)
        return made

    blocks = []
    for block in core.transformer.layers:
        old = block.self_attn
        mixer = Attention(width, old.n_heads, old.d_head)
        blocks.append(kind(norm(), mixer, norm(), GatedMLP(width, block.mlp.up_proj.out_features)))
    transformer = Transformer(blocks, norm()).to(dtype)
    weights = complemented(core.transformer.state_dict())
    missing = transformer.load_state_dict(weights, strict=False).missing_keys
    assert all("norm" in name for name in missing)
    model = LoopedTransformer(transformer)
    with torch.no_grad():
        assert torch.equal(model(complement(x), 12), complement(core(x, 12)))
