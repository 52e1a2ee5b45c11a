"""Block(norm, mixer, norm, mlp): a mixer and an MLP, each with a residual connection."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from looped.nn.hooks import SITES, Tap

__all__ = ["Block"]


class Block(nn.Module):
    """A pre-norm block: `x += mixer(norm(x))`, then `x += mlp(norm(x))`.

    `mixer(x, context, mask)` maps (B, N, d_model) to the same shape; it is attention or a variant.
    If there are hooks, mixer and MLP take a `tap` as well.
    The parts have the names that Llama gives them, so an export copies the weights unchanged.
    `sites` names the activations.
    """

    sites: ClassVar[tuple[str, ...]] = SITES

    def __init__(
        self, mixer_norm: nn.Module, mixer: nn.Module, mlp_norm: nn.Module, mlp: nn.Module
    ) -> None:
        super().__init__()
        self.input_layernorm = mixer_norm
        self.self_attn = mixer
        self.post_attention_layernorm = mlp_norm
        self.mlp = mlp

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
        x = x + self.self_attn(self.input_layernorm(x), context, mask)  # (B, N, d_model)
        result: Tensor = x + self.mlp(self.post_attention_layernorm(x))  # (B, N, d_model)
        return result

    def _tapped(self, x: Tensor, context: Tensor | None, mask: Tensor | None, tap: Tap) -> Tensor:
        """The same, and `tap` sees what the mixer and the MLP read and add."""
        x = tap("hook_resid_pre", x)
        mixed = self.self_attn(self.input_layernorm(x), context, mask, tap.within("attn"))
        x = tap("hook_resid_mid", x + tap("hook_attn_out", mixed))
        made = self.mlp(self.post_attention_layernorm(x), tap.within("mlp"))
        return tap("hook_resid_post", x + tap("hook_mlp_out", made))
