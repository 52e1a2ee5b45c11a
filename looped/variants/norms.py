"""Norms: where they are in a block, and LayerNorm on complementary lanes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from torch import nn

from looped.nn import Attention, Block, GatedMLP, Transformer
from looped.nn.norms import LayerNorm, PostBlock, complemented

__all__ = ["NORMS"]


def _post(core: Transformer) -> Transformer:
    """RMSNorm after each residual connection. Its input is ±1, so it is the identity there too."""
    return Transformer([_as(PostBlock, block) for block in _blocks(core)], core.norm)


def _layer(core: Transformer) -> Transformer:
    """LayerNorm on `[x, -x]`, whose mean is 0."""
    return _complementary(core, Block)


def _layer_post(core: Transformer) -> Transformer:
    """LayerNorm on `[x, -x]` after each residual connection."""
    return _complementary(core, PostBlock)


NORMS: Mapping[str, Callable[[Transformer], Transformer]] = {
    "rmsnorm-post": _post,
    "layernorm": _layer,
    "layernorm-post": _layer_post,
}
"""What makes a transformer with another norm of the core, by the name of the norm."""


def _blocks(core: Transformer) -> list[Block]:
    return [cast(Block, block) for block in core.layers]


def _as(kind: type[Block], block: Block) -> Block:
    norms = block.input_layernorm, block.post_attention_layernorm
    return kind(norms[0], block.self_attn, norms[1], block.mlp)


def _complementary(core: Transformer, kind: type[Block]) -> Transformer:
    width = 2 * cast(nn.RMSNorm, core.norm).weight.shape[0]

    def norm() -> nn.Module:
        return LayerNorm(width, eps=0.0)

    def block(own: Block) -> Block:
        mixer, mlp = cast(Attention, own.self_attn), cast(GatedMLP, own.mlp)
        attention = Attention(width, mixer.n_heads, mixer.d_head)
        return kind(norm(), attention, norm(), GatedMLP(width, mlp.gate_proj.out_features))

    made = Transformer([block(own) for own in _blocks(core)], norm())
    made.load_state_dict(complemented(core.state_dict()), strict=False)
    return made
