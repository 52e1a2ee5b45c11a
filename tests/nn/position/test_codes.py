"""Position codes: what they equal, how far apart they score, and that they train."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from looped.artefact.embedding import embed
from looped.nn.position import (
    BinaryCode,
    CountedCode,
    LearnedSinusoid,
    MagLapCode,
    NoCode,
    Rotary,
    SinusoidalCode,
    TrainedCode,
)
from tests import seeds
from tests.conftest import compiled
from tests.nn.learning import assert_learns


def gap(codes: Tensor) -> float:
    """The least difference of scores between a code with itself and with another."""
    scores = codes @ codes.mT
    own = scores.diagonal().clone()
    others = scores.fill_diagonal_(-math.inf).amax(1)
    return (own - others).min().item()


def test_binary_codes_are_those_of_a_compiled_machine() -> None:
    plan = compiled("subleq", 8, 32).plan
    x = embed([], plan)[: plan.memory, list(plan.words["position"])]
    code = BinaryCode(len(plan.words["position"]))(torch.arange(plan.memory))
    assert torch.equal(torch.tensor(x).float(), code)
    assert gap(code) == 2


@pytest.mark.parametrize("n", [64, 1024])
@pytest.mark.parametrize(("width", "expected"), [(16, 0.515), (64, 1.083), (128, 1.906)])
def test_the_gap_of_a_sinusoid_is_that_of_neighbours(width: int, expected: float, n: int) -> None:
    assert gap(SinusoidalCode(width)(torch.arange(n))) == pytest.approx(expected, abs=1e-3)


@pytest.mark.slow
def test_a_sinusoid_is_that_of_x_transformers() -> None:
    pytest.importorskip("x_transformers")
    from x_transformers.x_transformers import ScaledSinusoidalEmbedding

    oracle = ScaledSinusoidalEmbedding(32)
    scale = oracle.scale.item()
    found = SinusoidalCode(32, scale=scale)(torch.arange(50))
    torch.testing.assert_close(found, oracle(torch.zeros(1, 50, 32)), rtol=0, atol=1e-6)


def test_the_next_sinusoid_is_a_rotation_away_and_drifts() -> None:
    code = SinusoidalCode(64)
    turn = code.successor()
    at = code(torch.tensor([0]))
    errors = []
    for step in range(1, 1001):
        at = at @ turn
        errors.append((at - code(torch.tensor([step]))).abs().max().item())
    assert errors[0] < 1e-6
    assert 1e-5 < errors[-1] < 1e-4


@pytest.mark.parametrize("bits", [1, 5, 12])
def test_a_learned_sinusoid_can_be_a_binary_counter_to_the_bit(bits: int) -> None:
    p = torch.arange(1 << bits)
    assert torch.equal(LearnedSinusoid.counter(bits)(p), BinaryCode(bits)(p))


@pytest.mark.slow
def test_a_learned_sinusoid_counts_to_65536() -> None:
    p = torch.arange(1 << 16)
    assert torch.equal(LearnedSinusoid.counter(16)(p), BinaryCode(16)(p))


@pytest.mark.parametrize("code", [BinaryCode(6), SinusoidalCode(10), LearnedSinusoid.counter(6)])
def test_a_table_can_be_any_code(code: nn.Module) -> None:
    p = torch.arange(60)
    assert torch.equal(TrainedCode.from_code(code, 60)(p), code(p))


@pytest.mark.slow
def test_a_table_is_that_of_x_transformers() -> None:
    pytest.importorskip("x_transformers")
    from x_transformers.x_transformers import AbsolutePositionalEmbedding

    oracle, own = AbsolutePositionalEmbedding(16, 20), TrainedCode(20, 16)
    own.table.weight.data = oracle.emb.weight.data
    found = own(torch.arange(12)) * 16**-0.5  # its own scale
    torch.testing.assert_close(found, oracle(torch.zeros(1, 12, 16)))


@pytest.mark.parametrize("code", [NoCode(8), SinusoidalCode(8, scale=0.0)])
def test_no_code_leaves_the_stream_as_it_is(code: nn.Module) -> None:
    x = torch.randn(2, 5, 8)
    assert torch.equal(x + code(torch.arange(5)), x)


def test_a_causal_mask_counts() -> None:
    """Every position below 1,024, in float32, far from a half."""
    count = 1024
    flag = torch.zeros(1, count, 1)
    flag[0, 0] = 1
    found = CountedCode(count)(flag)[0]
    assert (found - torch.arange(count)).abs().max() < 1e-3


@pytest.mark.slow
def test_a_causal_mask_counts_to_8192() -> None:
    count = 8192
    flag = torch.zeros(1, count, 1)
    flag[0, 0] = 1
    assert torch.equal(CountedCode(count)(flag)[0].round(), torch.arange(count).float())


@pytest.mark.slow
def test_rotary_is_that_of_llama() -> None:
    transformers = pytest.importorskip("transformers")
    from transformers.models.llama import modeling_llama

    config = transformers.LlamaConfig(hidden_size=24, num_attention_heads=3, head_dim=8)
    q, k = torch.randn(2, 3, 7, 8), torch.randn(2, 3, 7, 8)
    cos, sin = modeling_llama.LlamaRotaryEmbedding(config)(q, torch.arange(7)[None])
    expected = modeling_llama.apply_rotary_pos_emb(q, k, cos, sin)
    rotary = Rotary(8)
    torch.testing.assert_close(rotary(q, torch.arange(7)), expected[0])
    torch.testing.assert_close(rotary(k, torch.arange(7)), expected[1])


def test_rotary_at_position_0_turns_nothing() -> None:
    x = torch.randn(2, 3, 7, 8)
    assert torch.equal(Rotary(8)(x, torch.zeros(7)), x)


def test_rotary_depends_on_the_distance_alone() -> None:
    q, k = torch.randn(5, 1, 8), torch.randn(5, 1, 8)
    rotary = Rotary(8)

    def score(i: int, j: int) -> Tensor:
        return (rotary(q, torch.tensor([i])) * rotary(k, torch.tensor([j]))).sum(-1)

    torch.testing.assert_close(score(9, 4), score(25, 20), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(score(9, 4), score(9, 5))


TRAINED = {
    "trained": lambda: TrainedCode(10, 6),
    "learned sinusoid": lambda: LearnedSinusoid(SinusoidalCode(8), 12, 6),
    "magnetic": lambda: MagLapCode(torch.ones(10, 10).triu(1).tril(2), 6, 0.1, 4, 12),
}


@pytest.mark.parametrize("make", TRAINED.values(), ids=TRAINED.keys())
def test_a_code_learns(make) -> None:
    torch.manual_seed(seeds.number(1))
    code, target = make(), torch.randn(10, 6)
    assert_learns(code, lambda: ((code(torch.arange(10)) - target) ** 2).mean())


def test_other_codes_have_nothing_to_learn() -> None:
    codes = (BinaryCode(4), SinusoidalCode(8), NoCode(3), Rotary(8), CountedCode(5))
    assert not [p for code in codes for p in code.parameters() if p.requires_grad]
