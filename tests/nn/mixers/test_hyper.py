"""HyperAttention: rows that are right, with ranks and with a search; the sample; its time."""

from __future__ import annotations

import math
import time

import pytest
import torch
from torch import Tensor

from looped.nn import Attention
from looped.nn.mixers import (
    CausalHyperAttention,
    HyperAttention,
    axis_planes,
    hashed,
    random_planes,
)
from looped.nn.position import BinaryCode
from tests import seeds

BITS, N, BLOCK = 10, 1024, 16
BETA = 400.0  # β·gap = 200 at d_head 16: one-hot in float32


def right_rows(
    asked: Tensor, planes: Tensor, align: str, sample: int = 0, bits: int = BITS, block: int = BLOCK
) -> float:
    """The share of queries that read as dense attention does, of n addresses of ±1 bits."""
    n = 1 << bits
    codes = torch.zeros(n, 16)
    codes[:, :bits] = BinaryCode(bits)(torch.arange(n))
    q, k = BETA * codes[asked][None, None], codes[None, None]
    v = torch.randn(1, 1, n, 16).sign()
    mixer = HyperAttention(16, 1, 16, planes, block, sample, align)
    found = mixer.attend(q, k, v, None)
    return (found == v[:, :, asked]).all(-1).float().mean().item()


def addresses(kind: str, n: int = N) -> Tensor:
    """A permutation (a write), random ones (reads), or four of them over and over."""
    torch.manual_seed(seeds.number(9))
    hot = torch.randint(n, (4,))[torch.randint(4, (n,))]
    return {"permutation": torch.randperm(n), "random": torch.randint(n, (n,)), "hot": hot}[kind]


AXES = axis_planes(range(BITS), 16)


@pytest.mark.parametrize("kind", ["permutation", "random", "hot"])
@pytest.mark.parametrize("sample", [0, 32])
def test_a_search_with_the_address_as_hash_is_always_right(kind: str, sample: int) -> None:
    assert right_rows(addresses(kind), AXES, "search", sample) == 1


def test_ranks_are_right_for_a_permutation_and_wrong_where_queries_collide() -> None:
    assert right_rows(addresses("permutation"), AXES, "rank") == 1
    assert 0.02 < right_rows(addresses("random"), AXES, "rank") < 0.9
    assert right_rows(addresses("hot"), AXES, "rank") < 0.1


def test_random_planes_lose_rows() -> None:
    shares = [
        right_rows(addresses("permutation"), random_planes(bits, 16, seed=1), "rank")
        for bits in (24, 12, 5)
    ]
    assert shares[0] > shares[1] > shares[2]


def test_neighbours_in_the_order_of_hashes_differ_in_one_bit() -> None:
    codes = BinaryCode(6)(torch.arange(64))
    order = hashed(codes, torch.eye(6)).argsort()
    assert sorted(hashed(codes, torch.eye(6)).tolist()) == list(range(64))
    assert torch.equal((codes[order][1:] != codes[order][:-1]).sum(1), torch.ones(63).long())


def test_one_block_of_all_keys_is_the_core_and_a_smaller_one_is_not() -> None:
    torch.manual_seed(seeds.number(2))
    core, x = Attention(8, 2, 4), torch.randn(2, 20, 8)
    planes = random_planes(4, 4)
    assert torch.equal(HyperAttention.from_core(core, planes, block=20)(x), core(x))
    assert not torch.allclose(HyperAttention.from_core(core, planes, block=10)(x), core(x))


def test_the_sample_brings_it_nearer_to_soft_attention() -> None:
    """Estimates of a softmax that is nearly uniform: the mean error falls with the sample."""
    torch.manual_seed(seeds.number(2))
    q, k, v = (part[None, None] for part in torch.randn(3, 512, 8))
    dense = Attention(8, 1, 8).attend(q, k, v, None)
    errors = []
    for sample in (0, 32, 256):
        mixer = HyperAttention(8, 1, 8, random_planes(5, 8), 32, sample)
        errors.append((mixer.attend(q, k, v, None) - dense).abs().mean().item())
    assert errors[0] > errors[1] > errors[2]


def test_a_sampled_key_counts_once_and_for_its_share() -> None:
    """Query by query: its block, and the drawn keys that are not in it, with the log of 8/3."""
    torch.manual_seed(seeds.number(2))
    q, k, v = torch.randn(3, 8, 3)
    mixer = HyperAttention(3, 1, 3, torch.eye(3), block=4, sample=3)
    found = mixer.attend(*(part[None, None] for part in (q, k, v)), None)[0, 0]
    drawn = torch.randint(8, (3,), generator=torch.Generator().manual_seed(mixer.seed)).tolist()
    q_hash, k_hash = hashed(q, torch.eye(3)), hashed(k, torch.eye(3))
    order = k_hash.argsort(stable=True).tolist()
    for i in range(8):
        first = min(int((k_hash < q_hash[i]).sum()), 7) // 4 * 4
        own = order[first : first + 4]
        rest = [j for j in drawn if j not in own]
        logits = torch.cat([k[own] @ q[i], k[rest] @ q[i]]) / 3**0.5
        logits[4:] += math.log(8 / 3)
        torch.testing.assert_close(found[i], logits.softmax(0) @ v[own + rest])


def test_a_mask_is_refused() -> None:
    mixer = HyperAttention(8, 2, 4, random_planes(4, 4), block=2)
    with pytest.raises(ValueError, match="no mask"):
        mixer(torch.randn(1, 4, 8), mask=torch.ones(4, 4, dtype=torch.bool))


def test_by_halves_it_is_causal_attention_where_each_half_is_seen_whole() -> None:
    """Blocks as large as the halves that are seen from later ones: only the merge is left."""
    torch.manual_seed(seeds.number(2))
    core, x = Attention(8, 2, 4), torch.randn(2, 21, 8)
    mixer = CausalHyperAttention.from_core(core, random_planes(4, 4), block=11)
    causal = torch.ones(21, 21, dtype=torch.bool).tril()
    torch.testing.assert_close(mixer(x), core(x, mask=causal))
    torch.testing.assert_close(mixer(x, mask=causal), core(x, mask=causal))
    with pytest.raises(ValueError, match="other than the causal one"):
        mixer(x, mask=causal.T)


def test_by_halves_every_read_of_an_earlier_address_is_right() -> None:
    n, codes = 256, torch.zeros(256, 16)
    codes[:, :8] = BinaryCode(8)(torch.arange(n))
    asked = torch.tensor([seeds.rng(i).randrange(i + 1) for i in range(n)])
    v = torch.randn(1, 1, n, 16).sign()
    for align, right in (("search", True), ("rank", False)):
        mixer = CausalHyperAttention(16, 1, 16, axis_planes(range(8), 16), block=8, align=align)
        found = mixer.attend(BETA * codes[asked][None, None], codes[None, None], v, None)
        assert torch.equal(found, v[:, :, asked]) is right


@pytest.mark.slow
def test_16384_columns_with_blocks_of_64() -> None:
    """The figures of docs/variants.md, and at least five times less time than dense attention."""
    bits, n = 14, 1 << 14
    axes = axis_planes(range(bits), 16)
    for kind in ("permutation", "random", "hot"):
        assert right_rows(addresses(kind, n), axes, "search", 0, bits, 64) == 1
    assert right_rows(addresses("permutation", n), axes, "rank", 0, bits, 64) == 1
    assert right_rows(addresses("random", n), axes, "rank", 0, bits, 64) < 0.9
    q, k, v = (part[None, None] for part in torch.randn(3, n, 16))
    seconds = []
    for block in (n, 64):
        mixer = HyperAttention(16, 1, 16, axes, block)
        start = time.process_time()
        mixer.attend(q, k, v, None)
        seconds.append(time.process_time() - start)
    assert seconds[0] > 5 * seconds[1]
