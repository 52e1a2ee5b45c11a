"""Linear attention: three forms of the same, and how much it holds."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from looped.nn import Attention
from looped.nn.mixers import BitProduct, LinearAttention, elu_plus_one
from looped.nn.position import BinaryCode
from tests import seeds


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(seeds.number(4))


@pytest.mark.parametrize("causal", [False, True])
def test_it_is_attention_with_products_of_features(causal: bool) -> None:
    mixer = LinearAttention(6, 2, 3, causal=causal)
    q, k, v = torch.randn(3, 1, 2, 5, 3)
    weights = elu_plus_one(q) @ elu_plus_one(k).mT
    weights = weights.tril() if causal else weights
    expected = weights / weights.sum(-1, keepdim=True) @ v
    torch.testing.assert_close(mixer.attend(q, k, v, None), expected)


def test_the_recurrent_form_is_the_causal_one() -> None:
    mixer = LinearAttention(6, 2, 3, causal=True)
    q, k, v = torch.randn(3, 1, 2, 5, 3)
    state, rows = torch.zeros(1, 2, 3, 4), []
    for i in range(5):
        state, row = mixer.step(state, q[:, :, i], k[:, :, i], v[:, :, i])
        rows.append(row)
    torch.testing.assert_close(torch.stack(rows, 2), mixer.attend(q, k, v, None))


def test_a_mask_is_refused() -> None:
    with pytest.raises(ValueError, match="no mask"):
        LinearAttention(6, 2, 3)(torch.randn(1, 4, 6), mask=torch.ones(4, 4, dtype=torch.bool))


@pytest.mark.parametrize("causal", [False, True])
def test_with_one_hot_features_it_is_the_core_to_the_bit_where_softmax_is_one_hot(
    causal: bool,
) -> None:
    """Reads of ±1 values at all of 32 addresses, the last of which have been written."""
    core = Attention(8, 1, 4)
    mixer = LinearAttention.from_core(core, BitProduct(5), causal)
    codes = BinaryCode(5)(torch.arange(32))
    code = torch.cat([codes, torch.zeros(32, 3)], 1)[None, None]
    q = 1e4 * code.flip(2)
    v = torch.randn(1, 1, 32, 8).sign()
    seen = slice(16, 32) if causal else slice(0, 32)  # the address is at or before the query
    assert torch.equal(
        mixer.attend(q, code, v, None)[:, :, seen], core.attend(q, code, v, None)[:, :, seen]
    )


def wrong_reads(stored: int, feature: object, width: int) -> float:
    """The share of wrong signs when all of `stored` words of 16 bits are read."""
    codes = torch.randn(stored, width).sign()
    if isinstance(feature, BitProduct):
        codes = BinaryCode(width)(torch.arange(stored))
    mixer = LinearAttention(width, 1, width, feature)
    v = torch.randn(1, 1, stored, 16).sign()
    found = mixer.attend(codes[None, None], codes[None, None], v, None)
    return (found.sign() != v).float().mean().item()


@pytest.mark.parametrize("width", [16, 64, 256])
def test_it_holds_one_word_a_dimension_of_its_features(width: int) -> None:
    """Orthogonal features: none wrong at d_φ words. One more collides with another."""
    bits = int(math.log2(width))

    def share(stored: int) -> Tensor:
        feature, codes = BitProduct(bits), BinaryCode(bits)(torch.arange(stored) % width)
        v = torch.randn(1, 1, stored, 16).sign()
        one = codes[None, None]
        found = LinearAttention(bits, 1, bits, feature).attend(one, one, v, None)
        return (found != v).float().mean()

    assert share(width) == 0
    assert 0 < share(width + 1) < 0.2 and share(2 * width) > 0.4


@pytest.mark.parametrize("width", [16, 64])
def test_with_elu_it_confuses_words_long_before(width: int) -> None:
    assert wrong_reads(width // 2, elu_plus_one, width) > 0.02
    assert wrong_reads(2 * width, elu_plus_one, width) > 0.2
