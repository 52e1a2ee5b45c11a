"""Cross-attention, and the decoder's block that has it."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from looped.nn.block import Block
from looped.nn.hooks import SITES, Tap, passed
from looped.nn.mixers.variant import Variant

__all__ = ["CrossAttention", "DecoderBlock", "PostDecoderBlock"]


def _sites() -> tuple[str, ...]:
    """Those of the core's block, with cross-attention after attention."""
    cross = tuple(site.replace("attn.", "cross.") for site in SITES if site.startswith("attn."))
    own = SITES.index("hook_attn_out") + 1
    return (*SITES[:own], *cross, "hook_cross_out", *SITES[own:])


class CrossAttention(Variant):
    """`softmax(Q Kᵀ / √d_head) V` with Q of `x`, K and V of `context` (Vaswani et al. 2017, 3.2.3).

    With `context = x` it is the core.
    """

    def forward(
        self,
        x: Tensor,
        context: Tensor | None = None,
        mask: Tensor | None = None,
        tap: Tap | None = None,
    ) -> Tensor:
        """Map `x` (B, N, d_model), by keys of `context` (B, M, d_model), to (B, N, d_model).

        Raises ValueError without a context.
        """
        if context is None:
            raise ValueError("cross-attention needs a context")
        return super().forward(x, context, mask, tap)


class DecoderBlock(Block):
    """`x += mixer(norm(x))`, then `x += cross(norm(x), context)`, then `x += mlp(norm(x))`.

    The mixer sees `x` alone, by `mask`; the cross-attention sees all of the context. With a cross-
    attention that writes nothing it is the core's block. The activations of the cross-attention are
    named `cross.hook_q` … `hook_cross_out`.
    """

    sites: ClassVar[tuple[str, ...]] = _sites()

    def __init__(
        self,
        mixer_norm: nn.Module,
        mixer: nn.Module,
        cross_norm: nn.Module,
        cross: nn.Module,
        mlp_norm: nn.Module,
        mlp: nn.Module,
    ) -> None:
        super().__init__(mixer_norm, mixer, mlp_norm, mlp)
        self.cross_layernorm = cross_norm
        self.cross_attn = cross

    def forward(
        self,
        x: Tensor,
        context: Tensor | None = None,
        mask: Tensor | None = None,
        tap: Tap | None = None,
    ) -> Tensor:
        """Map the residual stream `x` (B, N, d_model) to the next one (B, N, d_model)."""
        x = passed(tap, "hook_resid_pre", x)
        own = self.self_attn(self.input_layernorm(x), None, mask, tap and tap.within("attn"))
        x = x + passed(tap, "hook_attn_out", own)  # (B, N, d_model)
        seen = self.cross_layernorm(x)
        cross = self.cross_attn(seen, context, None, tap and tap.within("cross"))
        x = passed(tap, "hook_resid_mid", x + passed(tap, "hook_cross_out", cross))
        made = self.mlp(self.post_attention_layernorm(x), tap and tap.within("mlp"))
        return passed(tap, "hook_resid_post", x + passed(tap, "hook_mlp_out", made))


class PostDecoderBlock(DecoderBlock):
    """`x = norm(x + mixer(x))`, `x = norm(x + cross(x, context))`, `x = norm(x + mlp(x))`.

    The decoder's block of the first transformer. With norms that are the identity on what they see
    it is DecoderBlock, to the bit.
    """

    def forward(
        self,
        x: Tensor,
        context: Tensor | None = None,
        mask: Tensor | None = None,
        tap: Tap | None = None,
    ) -> Tensor:
        """Map the residual stream `x` (B, N, d_model) to the next one (B, N, d_model)."""
        x = passed(tap, "hook_resid_pre", x)
        own = self.self_attn(x, None, mask, tap and tap.within("attn"))  # (B, N, d_model)
        x = self.input_layernorm(x + passed(tap, "hook_attn_out", own))
        cross = self.cross_attn(x, context, None, tap and tap.within("cross"))  # (B, N, d_model)
        x = self.cross_layernorm(x + passed(tap, "hook_cross_out", cross))
        x = passed(tap, "hook_resid_mid", x)
        made = passed(tap, "hook_mlp_out", self.mlp(x, tap and tap.within("mlp")))
        return passed(tap, "hook_resid_post", self.post_attention_layernorm(x + made))
