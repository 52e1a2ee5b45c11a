"""Patterns: what they reach in two hops, how many pairs they have; Λ and its capped distance."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from looped.nn.mixers import CausalAttention, LambdaAttention, PatternAttention, RotaryAttention
from looped.nn.mixers.patterns import (
    Pattern,
    causal,
    everything,
    fixed_far,
    fixed_near,
    grid_column,
    grid_row,
    sink_and_window,
    strided_far,
    strided_near,
    visible,
)
from looped.nn.position import Rotary
from tests import seeds

PAIRS = {
    "strided": (strided_near, strided_far),
    "fixed": (fixed_near, fixed_far),
    "grid": (grid_row, grid_column),
}


@pytest.mark.parametrize("kind", PAIRS)
def test_two_hops_reach_all_that_one_dense_hop_does(kind: str) -> None:
    """In any order for a grid; near after far for segments: their last column has the earlier."""
    near, far = (visible(make(16), 256, 256).float() for make in PAIRS[kind])
    whole = visible(everything if kind == "grid" else causal, 256, 256)
    assert torch.equal(near @ far > 0, whole) or torch.equal(far @ near > 0, whole)


@pytest.mark.parametrize(("n", "stride", "share"), [(256, 16, 0.121), (1024, 32, 0.0616)])
def test_sparse_patterns_have_few_pairs(n: int, stride: int, share: float) -> None:
    """Of row and column together, as a share of the pairs of all."""
    row, column = visible(grid_row(stride), n, n), visible(grid_column(stride), n, n)
    assert (row | column).float().mean().item() == pytest.approx(share, abs=1e-3)


def test_a_stride_of_the_root_has_pairs_in_proportion_to_the_root() -> None:
    def pairs(n: int, kind: str) -> int:
        stride = math.isqrt(n)
        return sum(int(visible(make(stride), n, n).sum()) for make in PAIRS[kind])

    for kind in PAIRS:
        assert 6 < pairs(1024, kind) / pairs(256, kind) < 8.5  # 8 is 4^1.5; dense is 16


@pytest.mark.parametrize(
    "pattern",
    [
        causal,
        strided_near(3),
        strided_far(3),
        fixed_near(4),
        fixed_far(4, 2),
        sink_and_window(3, 2),
    ],
)
def test_causal_patterns_see_themselves_and_nothing_later(pattern: Pattern) -> None:
    mask = visible(pattern, 20, 20)
    assert mask.diagonal().all() and not mask.triu(1).any()


def test_queries_are_the_last_of_the_keys() -> None:
    assert torch.equal(visible(causal, 2, 5), visible(causal, 5, 5)[3:])


def test_each_head_has_its_pattern() -> None:
    torch.manual_seed(seeds.number(0))
    mixer = PatternAttention(6, 3, 2, [strided_near(1), everything])
    q, k, v = torch.randn(3, 1, 3, 5, 2)
    found = mixer.attend(q, k, v, None)
    torch.testing.assert_close(found[:, ::2], v[:, ::2])  # each key of the heads 0 and 2 is its own
    torch.testing.assert_close(found[0, 1], (q @ k.mT / 2**0.5).softmax(-1)[0, 1] @ v[0, 1])


@pytest.mark.parametrize("dtype", [torch.bool, torch.float32])
def test_a_mask_is_added_to_the_pattern(dtype: torch.dtype) -> None:
    torch.manual_seed(seeds.number(0))
    mixer, x = CausalAttention(6, 2, 3), torch.randn(1, 5, 6)
    allowed = torch.ones(5, 5, dtype=torch.bool)
    allowed[:, 1] = False
    mask = allowed if dtype == torch.bool else torch.zeros(5, 5).masked_fill(~allowed, -math.inf)
    changed = x.clone()
    changed[:, 1] += 1
    rest = [0, 2, 3, 4]
    before, after = mixer(x, mask=mask)[:, rest], mixer(changed, mask=mask)[:, rest]
    assert torch.equal(before, after)
    assert not torch.equal(mixer(x)[:, rest], mixer(changed)[:, rest])


def test_lambda_attention_forgets_what_is_neither_recent_nor_first() -> None:
    torch.manual_seed(seeds.number(0))
    mixer, x = LambdaAttention(6, 2, 3, window=4, sink=2), torch.randn(1, 12, 6)

    def sees(i: int, j: int) -> bool:
        changed = x.clone()
        changed[:, j] += 1
        return not torch.equal(mixer(changed)[:, i], mixer(x)[:, i])

    found = [[sees(i, j) for j in range(12)] for i in range(12)]
    assert found == [[j <= i and (i - j < 4 or j < 2) for j in range(12)] for i in range(12)]


def test_no_key_seems_farther_than_the_window() -> None:
    """Scores with rotations, entry by entry: the distance is capped."""
    torch.manual_seed(seeds.number(0))
    rotary, window = Rotary(4), 3
    mixer = LambdaAttention(8, 2, 4, window, sink=20, rotary=rotary)
    q, k, v = torch.randn(3, 1, 2, 9, 4)
    found = mixer.attend(q, k, v, None)
    for i in range(9):
        scores = []
        for j in range(i + 1):
            distance = torch.tensor([float(min(i - j, window))])
            scores.append((rotary(q[0, :, i : i + 1], distance)[:, 0] * k[0, :, j]).sum(-1) / 2)
        weights = torch.stack(scores, -1).softmax(-1)  # (heads, keys)
        expected = (weights[:, None] @ v[0, :, : i + 1])[:, 0]
        torch.testing.assert_close(found[0, :, i], expected)


def test_within_the_window_lambda_attention_is_rotary_attention() -> None:
    torch.manual_seed(seeds.number(0))
    rotary, x = Rotary(4), torch.randn(1, 6, 8)
    plain = RotaryAttention(8, 2, 4, rotary)
    mixer = LambdaAttention.from_core(plain, window=6, rotary=rotary)
    with torch.no_grad():
        assert torch.equal(mixer(x), plain(x, mask=visible(causal, 6, 6)))


def reads(mixer: PatternAttention, codes: Tensor, asked: Tensor) -> Tensor:
    """What one sharp head reads: the value of the key with the code that a query asks for."""
    q, k = 1e4 * codes[asked][None, None], codes[None, None]
    values = torch.arange(float(len(codes)))[None, None, :, None]
    return mixer.attend(q, k, values, None)[0, 0, :, 0]


def test_a_grid_reads_its_own_row() -> None:
    codes = torch.tensor(seeds.generator(1).choice([-1.0, 1.0], (16, 32))).float()
    mixer = PatternAttention(32, 1, 32, [grid_row(4)])
    asked = torch.arange(16).view(4, 4).flip(1).flatten()
    assert torch.equal(reads(mixer, codes, asked), asked.float())
    assert not torch.equal(reads(mixer, codes, asked.flip(0)), asked.flip(0).float())
