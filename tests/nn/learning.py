"""One gradient step lowers a loss, and every parameter takes part in it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

__all__ = ["assert_learns"]


def assert_learns(
    module: nn.Module, loss: Callable[[], Tensor], unused: tuple[str, ...] = ()
) -> None:
    """A step down the gradient lowers the loss; all parameters but the `unused` have a gradient."""
    start = loss()
    start.backward()
    before = start.item()
    still = [
        name
        for name, parameter in module.named_parameters()
        if parameter.grad is None or not bool(parameter.grad.any())
    ]
    assert sorted(still) == sorted(unused)
    slope = sum(float((p.grad**2).sum()) for p in module.parameters() if p.grad is not None)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.grad is not None:
                parameter -= 0.05 * before / slope * parameter.grad
    assert loss().item() < before
