"""PostBlock: the norm after the residual connection, as in the first transformer."""

from __future__ import annotations

from torch import Tensor

from looped.nn.block import Block
from looped.nn.hooks import Tap

__all__ = ["PostBlock"]


class PostBlock(Block):
    """A post-norm block: `x = norm(x + mixer(x))`, then `x = norm(x + mlp(x))`.

    Vaswani et al. 2017; Xiong et al. 2020 compare the two placements. It divides out an error of
    scale that all lanes of a column have. Where both norms are the identity on what they see, as on
    ±1 states with exact gains, it is the core's `Block` to the bit. Weights have the same names.
    """

    def forward(
        self,
        x: Tensor,
        context: Tensor | None = None,
        mask: Tensor | None = None,
        tap: Tap | None = None,
    ) -> Tensor:
        """Map the residual stream `x` (B, N, d_model) to the next one (B, N, d_model)."""
        if tap is not None:
            return self._tapped(x, context, mask, tap)
        x = self.input_layernorm(x + self.self_attn(x, context, mask))  # (B, N, d_model)
        result: Tensor = self.post_attention_layernorm(x + self.mlp(x))  # (B, N, d_model)
        return result

    def _tapped(self, x: Tensor, context: Tensor | None, mask: Tensor | None, tap: Tap) -> Tensor:
        x = tap("hook_resid_pre", x)
        mixed = tap("hook_attn_out", self.self_attn(x, context, mask, tap.within("attn")))
        x = tap("hook_resid_mid", self.input_layernorm(x + mixed))
        made = tap("hook_mlp_out", self.mlp(x, tap.within("mlp")))
        return tap("hook_resid_post", self.post_attention_layernorm(x + made))
