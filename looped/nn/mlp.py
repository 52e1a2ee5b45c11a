"""The gated MLP: relu(gate) · up, then down."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn.functional import relu

from looped.nn.hooks import Tap

__all__ = ["GatedMLP"]


class GatedMLP(nn.Module):
    """`down(activation(gate(x)) * up(x))`, no biases (Shazeer 2020, "GLU Variants").

    With ReLU this is ReGLU. A learned model may use another activation.
    """

    def __init__(
        self, d_model: int, d_ff: int, activation: Callable[[Tensor], Tensor] = relu
    ) -> None:
        super().__init__()
        self.activation = activation
        self.gate_proj = nn.Linear(d_model, d_ff, bias=False)
        self.up_proj = nn.Linear(d_model, d_ff, bias=False)
        self.down_proj = nn.Linear(d_ff, d_model, bias=False)

    def forward(self, x: Tensor, tap: Tap | None = None) -> Tensor:
        """Map `x` (..., d_model) to (..., d_model)."""
        gate, up = self.gate_proj(x), self.up_proj(x)  # (..., d_ff)
        if tap is not None:
            gate, up = tap("hook_pre", gate), tap("hook_pre_linear", up)
        hidden = self.activation(gate) * up  # (..., d_ff)
        if tap is not None:
            hidden = tap("hook_post", hidden)
        result: Tensor = self.down_proj(hidden)
        return result
