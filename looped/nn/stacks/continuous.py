"""∞-former: the past as a continuous signal of fixed size."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from looped.nn.attention import Attention
from looped.nn.hooks import Tap
from looped.nn.mixers.variant import Variant

__all__ = ["Basis", "ContinuousAttention", "LongTermAttention", "remembered"]


@dataclass(frozen=True, slots=True)
class Basis:
    """Gaussian densities ψ_j on [0, 1]: `count` centres, as often as there are `widths`; `ridge` λ.

    The paper's widths are .005 and .01, with λ = ½ (Martins, Marinho and Martins 2022).
    """

    count: int
    widths: tuple[float, ...] = (0.005, 0.01)
    ridge: float = 0.5

    def lanes(self) -> tuple[Tensor, Tensor]:
        """Centres and widths (N,) of the N = `count` functions."""
        each = self.count // len(self.widths)
        centres = (torch.arange(each) + 0.5) / each
        return centres.repeat(len(self.widths)), torch.tensor(self.widths).repeat_interleave(each)

    def values(self, mean: Tensor, spread: Tensor | float = 0.0) -> Tensor:
        """`E[ψ_j(t)]`, (…, N), for normal t of these means (…) and standard deviations: the density
        of the mean, with both variances added. A spread of 0 is ψ_j(t)."""
        centre, width = self.lanes()
        deviation = (width.to(mean) ** 2 + torch.as_tensor(spread)[..., None] ** 2).sqrt()
        z = (mean[..., None] - centre.to(mean)) / deviation
        return torch.exp(-(z**2) / 2) / (deviation * math.sqrt(2 * math.pi))

    def fit(self, x: Tensor, t: Tensor) -> Tensor:
        """Coefficients `B = (F Fᵀ + λ I)⁻¹ F X`, (B, N, e), F = ψ(t): the signal through `x`
        (B, L, e) at times `t` (L,), by ridge regression."""
        f = self.values(t).mT.to(x)  # (N, L)
        gram = f @ f.mT + self.ridge * torch.eye(self.count).to(x)
        coefficients: Tensor = torch.linalg.solve(gram, f @ x)
        return coefficients


def remembered(basis: Basis, old: Tensor, x: Tensor, share: float, samples: int) -> Tensor:
    """The coefficients of a signal that has `old` (B, N, e) squeezed to [0, `share`], and the new
    block `x` (B, L, e) after it: the old signal is sampled at `samples` points and fitted again."""
    times = (torch.arange(samples) + 0.5) / samples
    before = basis.values(times).to(old) @ old  # (B, samples, e)
    new = share + (1 - share) * (torch.arange(x.shape[1]) + 0.5) / x.shape[1]
    return basis.fit(torch.cat([before, x], 1), torch.cat([share * times, new]))


class LongTermAttention(Variant):
    """`E_{t ~ N(μ, σ²)}[ψ(t)ᵀ] B W_V`, with the query's scores `q·(B W_K) / √d_head` of the basis,
    μ = sigmoid(affine(scores)) and σ² = softplus(affine(scores)).

    Keys and values come from the coefficients B as context. The cost does not depend on how long
    the past is.
    """

    def __init__(self, d_model: int, n_heads: int, d_head: int, basis: Basis) -> None:
        super().__init__(d_model, n_heads, d_head)
        self.basis = basis
        self.mean, self.variance = nn.Linear(basis.count, 1), nn.Linear(basis.count, 1)

    def attend(
        self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, tap: Tap | None = None
    ) -> Tensor:
        """What each head mixes, (B, n_heads, N, d_head), of k and v (B, n_heads, basis, d_head)."""
        scores = q @ k.mT / math.sqrt(self.d_head)  # (B, n_heads, N, basis)
        mean = self.mean(scores)[..., 0].sigmoid()  # (B, n_heads, N)
        spread = softplus(self.variance(scores)[..., 0]).sqrt()  # (B, n_heads, N)
        return self.basis.values(mean, spread) @ v


class ContinuousAttention(Attention):
    """Attention to the columns, plus long-term attention to the coefficients of the past.

    Without a past it is the core, to the bit.
    """

    def __init__(self, d_model: int, n_heads: int, d_head: int, basis: Basis) -> None:
        super().__init__(d_model, n_heads, d_head)
        self.long_term = LongTermAttention(d_model, n_heads, d_head, basis)

    def forward(
        self,
        x: Tensor,
        context: Tensor | None = None,
        mask: Tensor | None = None,
        tap: Tap | None = None,
    ) -> Tensor:
        """Map `x` (B, N, d_model), by coefficients `context` (B, basis, d_model), to the same."""
        near = super().forward(x, None, mask, tap)
        return near if context is None else near + self.long_term(x, context)
