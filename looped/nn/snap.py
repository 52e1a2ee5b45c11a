"""Snap: an MLP that sets lanes near ±1 to exactly ±1, and a block that does so twice."""

from __future__ import annotations

from torch import Tensor, nn

from looped.nn.block import Block
from looped.nn.hooks import Tap
from looped.nn.mlp import GatedMLP

__all__ = ["UNITS_A_LANE", "SnapBlock"]

UNITS_A_LANE = 3
"""Two ReLU units, and one without a threshold that doubles the lane."""


class SnapBlock(Block):
    """A pre-norm block with a snap before each sub-layer: `x += snap(x)`, without a norm.

    `x + x - relu(2x - 1) + relu(-2x - 1)` is the nearest of -1 and +1 if x is within 1/2 of it. The
    snap has no norm, because a scaled lane minus its threshold would no longer cancel the lane.

    Each step is exact in a format of p bits, so the result is ±1 to the bit. Let x be in
    [1/2, 3/2]. 2x - 1 is a multiple of the last place of x, or of half of it, and at most 2. 1 - x
    is a multiple of the last place of x and at most 1/2. Numbers of p bits hold both. The other
    unit is zero.
    """

    def __init__(
        self,
        mixer_norm: nn.Module,
        mixer: nn.Module,
        mlp_norm: nn.Module,
        mlp: nn.Module,
        snap: GatedMLP,
    ) -> None:
        super().__init__(mixer_norm, mixer, mlp_norm, mlp)
        self.snap = snap

    def forward(
        self,
        x: Tensor,
        context: Tensor | None = None,
        mask: Tensor | None = None,
        tap: Tap | None = None,
    ) -> Tensor:
        """Map the residual stream `x` (B, N, d_model) to the next one (B, N, d_model)."""
        if tap is not None:
            return self._snapped_and_tapped(x, context, mask, tap)
        x = x + self.snap(x)  # (B, N, d_model)
        x = x + self.self_attn(self.input_layernorm(x), context, mask)  # (B, N, d_model)
        x = x + self.snap(x)  # (B, N, d_model)
        result: Tensor = x + self.mlp(self.post_attention_layernorm(x))  # (B, N, d_model)
        return result

    def _snapped_and_tapped(
        self, x: Tensor, context: Tensor | None, mask: Tensor | None, tap: Tap
    ) -> Tensor:
        x = tap("hook_resid_pre", x)
        x = x + self.snap(x)
        mixed = self.self_attn(self.input_layernorm(x), context, mask, tap.within("attn"))
        x = tap("hook_resid_mid", x + tap("hook_attn_out", mixed))
        x = x + self.snap(x)
        made = self.mlp(self.post_attention_layernorm(x), tap.within("mlp"))
        return tap("hook_resid_post", x + tap("hook_mlp_out", made))
