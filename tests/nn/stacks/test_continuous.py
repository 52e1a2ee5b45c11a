"""The continuous memory: ridge regression, how much it holds, how long it keeps it."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from looped.nn import Attention
from looped.nn.stacks import Basis, ContinuousAttention, LongTermAttention, remembered
from tests import seeds
from tests.nn.learning import assert_learns

PAPER = (0.005, 0.01)


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(seeds.number(3))


def places(count: int) -> Tensor:
    return (torch.arange(count) + 0.5) / count


def test_coefficients_minimise_the_ridge_loss() -> None:
    basis, x, t = Basis(12, (0.05, 0.1)), torch.randn(1, 8, 3).double(), places(8).double()

    def loss(b: Tensor) -> Tensor:
        return ((basis.values(t) @ b - x) ** 2).sum() + basis.ridge * (b**2).sum()

    best = basis.fit(x, t).requires_grad_()
    loss(best).backward()
    assert best.grad is not None and best.grad.abs().max() < 1e-10


def test_the_expectation_of_the_basis_is_its_mean_over_a_normal_time() -> None:
    basis = Basis(8, (0.05, 0.1))
    mean, spread = torch.tensor([0.3, 0.8]).double(), torch.tensor([0.02, 0.1]).double()
    steps = torch.linspace(-8, 8, 20001, dtype=torch.float64)
    t = mean[:, None] + spread[:, None] * steps  # (2, steps)
    weight = torch.exp(-(steps**2) / 2) / math.sqrt(2 * math.pi) * (steps[1] - steps[0])
    expected = (basis.values(t) * weight[:, None]).sum(1)
    torch.testing.assert_close(basis.values(mean, spread), expected)


def wrong(basis: Basis, length: int) -> float:
    """The share of wrong signs, when `length` words of ±1 are read where they were written."""
    x, t = torch.randn(1, length, 64).sign().double(), places(length).double()
    return (basis.values(t) @ basis.fit(x, t)).sign().ne(x).double().mean().item()


@pytest.mark.parametrize("count", [64, 128])
def test_it_holds_half_a_word_a_function_and_not_two(count: int) -> None:
    """With the paper's widths, and with widths that fit the number of functions: up to N then."""
    matched = Basis(count, (0.5 / count, 1 / count))
    assert [wrong(Basis(count), count // 4), wrong(Basis(count), count // 2)] == [0, 0]
    assert [wrong(matched, count // 2), wrong(matched, count * 3 // 4)] == [0, 0]
    assert wrong(matched, count) < 0.003
    assert 0.1 < wrong(Basis(count), 2 * count) < 0.4
    assert 0.1 < wrong(matched, 2 * count) < 0.3


def test_what_is_squeezed_too_often_is_lost() -> None:
    """Half of the interval for the past: 16 words last while τ^u·N/L is at least 2, u updates."""
    basis, shares = Basis(128), []
    blocks = torch.randn(6, 1, 16, 64).sign().double()
    signal = basis.fit(blocks[0], places(16).double())
    for update in range(1, 6):
        signal = remembered(basis, signal, blocks[update], 0.5, samples=256)
        t = places(16).double() * 0.5**update
        shares.append((basis.values(t) @ signal).sign().ne(blocks[0]).double().mean().item())
    assert shares[0] == 0 and shares[1] < 0.01
    assert shares[3] > 0.1 and shares[4] > 0.25


def test_long_term_attention_is_its_formula() -> None:
    basis = Basis(6, (0.1, 0.2))
    mixer, x, past = LongTermAttention(8, 2, 4, basis), torch.randn(1, 3, 8), torch.randn(1, 6, 8)
    q = mixer.q_proj(x).view(3, 2, 4)
    k, v = mixer.k_proj(past).view(6, 2, 4), mixer.v_proj(past).view(6, 2, 4)
    for i in range(3):
        heads = []
        for h in range(2):
            scores = k[:, h] @ q[i, h] / 2
            mean = torch.sigmoid(mixer.mean(scores))
            spread = torch.nn.functional.softplus(mixer.variance(scores)).sqrt()
            heads.append(basis.values(mean, spread)[0] @ v[:, h])
        torch.testing.assert_close(mixer(x, past)[0, i], mixer.o_proj(torch.cat(heads)))


def test_without_a_past_it_is_the_core_to_the_bit() -> None:
    mixer, core, x = (
        ContinuousAttention(8, 2, 4, Basis(6)),
        Attention(8, 2, 4),
        torch.randn(2, 5, 8),
    )
    core.load_state_dict(mixer.state_dict(), strict=False)
    mask = torch.ones(5, 5, dtype=torch.bool).tril()
    assert torch.equal(mixer(x, mask=mask), core(x, mask=mask))
    assert torch.equal(mixer(x, torch.zeros(2, 6, 8)), core(x))
    assert not torch.allclose(mixer(x, torch.ones(2, 6, 8)), core(x))


def test_it_learns() -> None:
    basis = Basis(8, (0.1, 0.2))
    mixer, x, target = (
        ContinuousAttention(8, 2, 4, basis),
        torch.randn(2, 5, 8),
        torch.randn(2, 5, 8),
    )
    past = basis.fit(torch.randn(2, 20, 8), places(20))
    assert_learns(mixer, lambda: ((mixer(x, past) - target) ** 2).mean())
