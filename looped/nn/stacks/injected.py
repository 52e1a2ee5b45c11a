"""A looped transformer that sees its input in every loop."""

from __future__ import annotations

from torch import Tensor

from looped.nn.model import LoopedTransformer, Transformer

__all__ = ["InjectedLoop"]


class InjectedLoop(LoopedTransformer):
    """`X_{t+1} = TF(X_t + strength · X_0)` for t > 0, `X_1 = TF(X_0)` (Yang et al. 2024, "Looped
    transformers are better at learning learning algorithms").

    With a strength of 0 it is LoopedTransformer, the core, to the bit.
    """

    def __init__(self, transformer: Transformer, strength: float = 1.0) -> None:
        super().__init__(transformer)
        self.strength = strength

    def forward(self, x: Tensor, loops: int = 1, mask: Tensor | None = None) -> Tensor:
        """Map `x` (B, N, d_model) to (B, N, d_model) by `loops` passes."""
        tap, start = self.tap, x
        for loop in range(loops):
            seen = x + self.strength * start if loop else x  # (B, N, d_model)
            x = self.transformer(seen, mask=mask, tap=tap and tap.in_loop(loop))
        return x
