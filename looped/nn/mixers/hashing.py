"""Angular hashes: which side of some planes a vector lies on."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["axis_planes", "hashed", "random_planes"]


def random_planes(bits: int, d_head: int, seed: int = 0) -> Tensor:
    """`bits` random planes (bits, d_head): near vectors have the same hash with high probability
    (Charikar 2002)."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(bits, d_head, generator=generator)


def axis_planes(lanes: range, d_head: int) -> Tensor:
    """One plane a lane (bits, d_head): the hash of a ±1 code is the code, so it never collides."""
    return torch.eye(d_head)[list(lanes)]


def hashed(x: Tensor, planes: Tensor) -> Tensor:
    """The hash (..., N) of `x` (..., N, d_head): the bits `x · plane > 0`, read as a Gray code, so
    that neighbours in the order of hashes differ in one bit."""
    bits = (x @ planes.mT > 0).long()  # (..., N, bits)
    ranks = bits.flip(-1).cumsum(-1) % 2  # a Gray code to the number of its place
    powers = 1 << torch.arange(planes.shape[-2] - 1, -1, -1, device=x.device)
    return (ranks * powers).sum(-1)
