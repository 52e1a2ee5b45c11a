"""Shaped attention and the simplified block: no values, no projection, no skip, in parallel."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Tensor, nn

from looped.nn.attention import Attention
from looped.nn.block import Block
from looped.nn.hooks import Tap, passed
from looped.nn.mixers.variant import Variant

__all__ = ["ShapedAttention", "SimplifiedBlock"]


class ShapedAttention(Variant):
    """`(α I + (β A - γ C)) X` in each head, of its slice of X (He and Hofmann 2024).

    A is softmax attention, C the same with Q = 0: the mean of what a query may see. W_V = W_O = I.
    W_Q = 0 and α = β = γ = 1 at first, so that it is the identity; to the bit, since β A and γ C
    cancel before α X is added. With α = γ = 0 and β = 1 it is a core with W_V = W_O = I.
    """

    def __init__(self, d_model: int, n_heads: int) -> None:
        if d_model % n_heads:
            raise ValueError(f"{n_heads} heads do not divide {d_model} lanes")
        super().__init__(d_model, n_heads, d_model // n_heads)
        nn.init.zeros_(self.q_proj.weight)
        self.v_proj = self.o_proj = nn.Identity()  # type: ignore[assignment]
        self.alpha = nn.Parameter(torch.ones(n_heads))
        self.beta = nn.Parameter(torch.ones(n_heads))
        self.gamma = nn.Parameter(torch.ones(n_heads))

    @classmethod
    def from_core(cls, core: Attention, *settings: Any, **named: Any) -> Self:
        """Queries and keys of `core`, whose W_V and W_O must be the identity; α = γ = 0, β = 1.

        Raises ValueError for other values or projections.
        """
        weights = core.state_dict()
        identity = torch.eye(core.q_proj.in_features, dtype=core.q_proj.weight.dtype)
        for name in ("v_proj.weight", "o_proj.weight"):
            if not torch.equal(weights.pop(name), identity):
                raise ValueError(f"{name} is not the identity; shaped attention has neither")
        made = cls(core.q_proj.in_features, core.n_heads, *settings, **named)
        made.to(core.q_proj.weight).load_state_dict(weights, strict=False)
        nn.init.zeros_(made.alpha)
        nn.init.zeros_(made.gamma)
        return made

    def attend(
        self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, tap: Tap | None = None
    ) -> Tensor:
        """What each head mixes, (B, n_heads, N, d_head). A `tap` sees A as the pattern."""
        alpha, beta, gamma = (p[:, None, None] for p in (self.alpha, self.beta, self.gamma))
        attended = super().attend(q, k, v, mask, tap)
        centre = super().attend(torch.zeros_like(q), k, v, mask)
        return alpha * v + (beta * attended - gamma * centre)


class SimplifiedBlock(Block):
    """`x = mixer(norm(x)) + β_ff · mlp(norm(x))`: one norm and no skip (same paper).

    With a mixer that is the identity, on a stream that the norm leaves alone, and β_ff = 1, it is
    the core's block with an attention that writes nothing.
    """

    def __init__(self, norm: nn.Module, mixer: nn.Module, mlp: nn.Module, beta: float = 0.1):
        super().__init__(norm, mixer, nn.Identity(), mlp)
        self.beta = nn.Parameter(torch.tensor(beta))

    def forward(
        self,
        x: Tensor,
        context: Tensor | None = None,
        mask: Tensor | None = None,
        tap: Tap | None = None,
    ) -> Tensor:
        """Map the residual stream `x` (B, N, d_model) to the next one (B, N, d_model)."""
        x = self.input_layernorm(passed(tap, "hook_resid_pre", x))
        mixed = self.self_attn(x, context, mask, tap and tap.within("attn"))  # (B, N, d_model)
        mixed = passed(tap, "hook_resid_mid", passed(tap, "hook_attn_out", mixed))
        made = self.beta * self.mlp(x, tap and tap.within("mlp"))  # (B, N, d_model)
        return passed(tap, "hook_resid_post", mixed + passed(tap, "hook_mlp_out", made))
