"""RMSNorm on a residual stream of ±1: with which gain it is the identity."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["exact_gain", "is_identity_on_signs"]


def exact_gain(width: int, eps: float, dtype: torch.dtype = torch.float32) -> Tensor:
    """The gain (width,) with which `x · gain / √(mean(x²) + eps)` maps ±1 to ±1.

    RMSNorm (Zhang and Sennrich 2019) divides ±1 by √(1 + eps), rounded. The gain is the inverse,
    or a neighbour of it where the product rounds. Raises ValueError if none of them does.
    """
    norm = nn.RMSNorm(width, eps=eps, dtype=dtype)
    start = 1 / norm(torch.ones(width, dtype=dtype)).detach()[0]
    up, down = start.new_tensor(torch.inf), start.new_tensor(-torch.inf)
    for gain in (start, start.nextafter(up), start.nextafter(down)):
        norm.weight.data.fill_(gain)
        if is_identity_on_signs(norm, width, dtype):
            return norm.weight.data.clone()
    raise ValueError(f"no gain makes RMSNorm of {width} lanes with eps={eps} exact in {dtype}")


def is_identity_on_signs(
    norm: nn.Module, width: int, dtype: torch.dtype = torch.float32, complementary: bool = False
) -> bool:
    """Whether a norm of `width` lanes leaves columns of ±1 as they are, to the bit.

    Tried on columns drawn by a fixed seed. RMSNorm sees a column through `mean(x²) = 1` alone and
    `looped.nn.norms.LayerNorm` also through `mean(x)`, which is 0 in `complementary` columns (the
    second half of the lanes is the negative of the first). These sums are exact in any order, so
    for such norms a few columns decide for all. For a norm whose sums round it is a sample.
    """
    half = width // 2 if complementary else width
    generator = torch.Generator().manual_seed(width)
    signs = torch.randint(0, 2, (8, half), generator=generator).to(dtype) * 2 - 1
    signs[0], signs[1] = 1, -1
    x = torch.cat([signs, -signs], -1) if complementary else signs  # (8, width)
    with torch.no_grad():
        return torch.equal(norm(x), x)
