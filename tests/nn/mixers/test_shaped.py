"""The simplified block: the identity at first, fewer weights, the core in one setting."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from looped.nn import Attention, Block, GatedMLP
from looped.nn.mixers import ShapedAttention, SimplifiedBlock
from tests import seeds
from tests.nn.learning import assert_learns


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(seeds.number(4))


@pytest.mark.parametrize("masked", [False, True])
def test_at_first_it_is_the_identity_to_the_bit(masked: bool) -> None:
    x = torch.randn(3, 17, 24)
    mask = torch.ones(17, 17, dtype=torch.bool).tril() if masked else None
    assert torch.equal(ShapedAttention(24, 3)(x, mask=mask), x)


def test_the_order_of_the_sum_matters() -> None:
    """(β A + (α I - γ C)) X is the identity only up to rounding."""
    x = torch.randn(3, 17, 24)
    attended = x.mean(1, keepdim=True).expand_as(x)
    assert torch.equal(x + (attended - attended), x)
    assert not torch.equal(attended + (x - attended), x)


def test_hold_and_load() -> None:
    """α = 1 alone keeps a slice; β = 1 alone copies the slice of the key that wins."""
    mixer, x = ShapedAttention(4, 2), torch.randn(1, 3, 4)
    with torch.no_grad():
        mixer.alpha.copy_(torch.tensor([1.0, 0.0]))
        mixer.beta.copy_(torch.tensor([0.0, 1.0]))
        mixer.gamma.zero_()
        mixer.q_proj.weight.copy_(1e6 * torch.eye(4))
        mixer.k_proj.weight.copy_(torch.eye(4))
        found = mixer(x)
    assert torch.equal(found[..., :2], x[..., :2])
    winner = (x[0, :, 2:] @ x[0, :, 2:].T).argmax(1)
    assert torch.equal(found[0, :, 2:], x[0, winner, 2:])


def test_a_core_with_values_is_refused() -> None:
    with pytest.raises(ValueError, match="v_proj.weight is not the identity"):
        ShapedAttention.from_core(Attention(8, 2, 4))


def test_heads_divide_the_lanes() -> None:
    with pytest.raises(ValueError, match="3 heads do not divide 8 lanes"):
        ShapedAttention(8, 3)


def test_a_block_whose_attention_writes_nothing_is_the_core_to_the_bit() -> None:
    """On a stream that the norm leaves alone."""
    attention, mlp = Attention(16, 2, 8), GatedMLP(16, 20)
    nn.init.zeros_(attention.o_proj.weight)
    norm = nn.RMSNorm(16, eps=0.0)
    x = torch.randn(2, 5, 16).sign()
    plain = Block(norm, attention, nn.Identity(), mlp)
    assert torch.equal(SimplifiedBlock(norm, ShapedAttention(16, 2), mlp, beta=1.0)(x), plain(x))


def test_a_block_has_the_weights_of_values_and_projection_less() -> None:
    def count(block: Block) -> int:
        return sum(p.numel() for p in block.parameters())

    d, heads = 64, 4
    plain = Block(nn.RMSNorm(d), Attention(d, heads, 16), nn.RMSNorm(d), GatedMLP(d, 4 * d))
    simple = SimplifiedBlock(nn.RMSNorm(d), ShapedAttention(d, heads), GatedMLP(d, 4 * d))
    assert count(plain) - count(simple) == 2 * d * d + d - 3 * heads - 1


def test_a_stack_of_simplified_blocks_learns() -> None:
    def block() -> SimplifiedBlock:
        mixer = ShapedAttention(12, 2)
        nn.init.normal_(mixer.q_proj.weight, std=0.1)
        return SimplifiedBlock(nn.RMSNorm(12), mixer, GatedMLP(12, 16))

    stack, x = nn.Sequential(block(), block()), torch.randn(2, 6, 12)
    target = x.flip(1)
    assert_learns(stack, lambda: ((stack(x) - target) ** 2).mean())
