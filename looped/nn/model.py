"""Transformer and LoopedTransformer, and the names of the weights.

| weight                                  | shape                     | in the mathematics |
|-----------------------------------------|---------------------------|--------------------|
| `layers.{i}.input_layernorm.weight`     | (d_model,)                | gain, 1            |
| `layers.{i}.self_attn.q_proj.weight`    | (n_heads·d_head, d_model) | `W_Q`              |
| `layers.{i}.self_attn.k_proj.weight`    | (n_heads·d_head, d_model) | `W_K`              |
| `layers.{i}.self_attn.v_proj.weight`    | (n_heads·d_head, d_model) | `W_V`              |
| `layers.{i}.self_attn.o_proj.weight`    | (d_model, n_heads·d_head) | `W_O`              |
| `layers.{i}.post_attention_layernorm…`  | (d_model,)                | gain, 1            |
| `layers.{i}.mlp.gate_proj.weight`       | (d_ff, d_model)           | `W_gate`           |
| `layers.{i}.mlp.up_proj.weight`         | (d_ff, d_model)           | `W_up`             |
| `layers.{i}.mlp.down_proj.weight`       | (d_model, d_ff)           | `W_down`           |
| `norm.weight`                           | (d_model,)                | gain, 1            |

The names and the architecture are those of Llama (Touvron et al. 2023), with ReLU as the activation
and without rotary embeddings. Activations have names, too: see `looped.nn.hooks`.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from looped.nn.attention import Attention
from looped.nn.block import Block
from looped.nn.hooks import Hooked, Tap
from looped.nn.mlp import GatedMLP

__all__ = ["LoopedTransformer", "Transformer"]


class Transformer(Hooked):
    """A stack of blocks and a final norm; maps a residual stream to a residual stream."""

    def __init__(self, blocks: Sequence[Block], norm: nn.Module) -> None:
        super().__init__([block.sites for block in blocks])
        self.layers = nn.ModuleList(blocks)
        self.norm = norm

    @classmethod
    def stock(
        cls, d_model: int, n_blocks: int, n_heads: int, d_head: int, d_ff: int, eps: float = 1e-6
    ) -> Transformer:
        """A transformer of standard parts: RMSNorm, softmax attention, gated MLP with ReLU."""

        def norm() -> nn.Module:
            return nn.RMSNorm(d_model, eps=eps)

        def block() -> Block:
            attention = Attention(d_model, n_heads, d_head)
            return Block(norm(), attention, norm(), GatedMLP(d_model, d_ff))

        return cls([block() for _ in range(n_blocks)], norm())

    def forward(
        self,
        x: Tensor,
        context: Tensor | None = None,
        mask: Tensor | None = None,
        tap: Tap | None = None,
    ) -> Tensor:
        """Map `x` (B, N, d_model) to (B, N, d_model)."""
        tap = tap or self.tap
        for i, block in enumerate(self.layers):
            x = block(x, context, mask, tap and tap.within(f"blocks.{i}"))  # (B, N, d_model)
        result: Tensor = self.norm(x)
        return result


class LoopedTransformer(Hooked):
    """A transformer that is applied repeatedly to its own output (Giannou et al. 2023, sec. 2)."""

    def __init__(self, transformer: Transformer) -> None:
        super().__init__(transformer.sites)
        self.transformer = transformer

    def forward(self, x: Tensor, loops: int = 1, mask: Tensor | None = None) -> Tensor:
        """Map `x` (B, N, d_model) to (B, N, d_model) by `loops` passes."""
        tap = self.tap
        for loop in range(loops):
            x = self.transformer(x, mask=mask, tap=tap and tap.in_loop(loop))
        return x
