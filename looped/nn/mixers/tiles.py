"""Tiles: queries that share a block of keys, so many of them to a tile."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Tiles", "taken", "tiles"]


@dataclass(frozen=True, slots=True)
class Tiles:
    """Where each query is, in T tiles of `size` queries; a tile may be filled in part.

    `group` (…, T): the group of each tile. `place` (…, N): tile · size + slot of each query.
    """

    size: int
    group: Tensor
    place: Tensor

    def gathered(self, x: Tensor) -> Tensor:
        """The rows of `x` (…, N, d) in tiles (…, T, size, d); 0 where a slot is free."""
        free = x.new_zeros(*x.shape[:-2], self.group.shape[-1] * self.size, x.shape[-1])
        filled = free.scatter(-2, self.place[..., None].expand_as(x), x)
        return filled.view(*self.group.shape, self.size, x.shape[-1])

    def returned(self, x: Tensor) -> Tensor:
        """The rows of tiles `x` (…, T, size, d) in the order of the queries (…, N, d)."""
        return taken(x.flatten(-3, -2), self.place)


def tiles(group: Tensor, groups: int, size: int) -> Tiles:
    """Tiles of queries of one group each, given the `group` (…, N) of each query, below `groups`.

    At most N / size + groups tiles.
    """
    n = group.shape[-1]
    count = torch.zeros(*group.shape[:-1], groups, dtype=torch.long, device=group.device)
    count = count.scatter_add(-1, group, torch.ones_like(group))  # (…, groups)
    needed = -(-count // size)
    ends = needed.cumsum(-1)  # (…, groups)
    sorted_group, order = group.sort(dim=-1, stable=True)  # (…, N)
    before = (count.cumsum(-1) - count).gather(-1, sorted_group)  # (…, N)
    rank = torch.arange(n, device=group.device) - before
    first = (ends - needed).gather(-1, sorted_group)  # (…, N)
    place = torch.empty_like(group).scatter(-1, order, first * size + rank)
    numbers = torch.arange(n // size + groups, device=group.device)
    which = torch.searchsorted(ends, numbers.expand(*ends.shape[:-1], -1).contiguous(), right=True)
    return Tiles(size, which.clamp(max=groups - 1), place)


def taken(x: Tensor, places: Tensor) -> Tensor:
    """The rows of `x` (…, M, d) at `places` (…, K), as (…, K, d)."""
    return x.gather(-2, places[..., None].expand(*places.shape, x.shape[-1]))
