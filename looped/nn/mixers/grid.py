"""Attention on a grid: every hop stays in a row, or goes to and from one cell of each row."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad, scaled_dot_product_attention

from looped.nn.hooks import Tap
from looped.nn.mixers.patterns import Pattern, everything, grid_row
from looped.nn.mixers.variant import Variant

__all__ = ["GridAttention"]


class GridAttention(Variant):
    """The two factors of a sparse transformer (Child et al. 2019) in both directions, as hops.

    The columns lie on a grid, `side` cells wide; `cells` has the cell of each. *Near* keys are
    those of a row; `far` is the other pattern. The *hub* is a column, and *relays* are the far keys
    of the hub. What a head does in a layer is its role:

        near      every column attends in its row
        gather    relays copy the hub's query; each attends in its row; the hub attends to relays,
                  by the keys that they found; all others read nothing
        scatter   relays copy the hub's key and value; each column attends to itself and to the
                  relays of its row

    A relay has a key and a value of its own in each hop, so with sharp softmaxes three hops read
    any column, and two write to any. No hop compares more than √M keys, on a grid of √M rows. With
    all columns in one row and near heads it is the core.
    """

    near: Tensor
    relays: Tensor
    asked: Tensor

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        d_head: int,
        cells: Sequence[int],
        side: int,
        hub: int = 0,
        far: Pattern = everything,
        roles: Sequence[str] = (),
    ) -> None:
        super().__init__(d_model, n_heads, d_head)
        places = torch.tensor(list(cells))
        self.hub, self.roles = hub, [*roles, *["near"] * (n_heads - len(roles))]
        self.register_buffer("near", grid_row(side)(places[:, None], places), False)  # (M, M)
        beyond = far(places[:, None], places)  # (M, M)
        self.register_buffer("relays", beyond[hub], False)  # (M,)
        asked = (beyond[:, hub] & beyond[hub])[:, None]  # (M, 1): relays that see the hub
        self.register_buffer("asked", asked, False)

    def pairs(self) -> int:
        """The pairs of a query and a key that all heads compare."""
        row, relays = int(self.near.sum()), int(self.relays.sum())
        hops = {
            "near": row,
            "gather": relays + int(self.near[self.relays].sum()) + relays,
            "scatter": relays + int((self.near & self.relays).sum()) + len(self.near),
        }
        return sum(hops[role] for role in self.roles)

    def attend(
        self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, tap: Tap | None = None
    ) -> Tensor:
        """What each head mixes, by hops; a `tap` sees no pattern. Raises ValueError for a mask."""
        if mask is not None:
            raise ValueError("attention on a grid takes no mask: it has patterns of its own")
        hops = {"near": self._near, "gather": self._gather, "scatter": self._scatter}
        mixed = torch.empty_like(q)  # (B, n_heads, N, d_head)
        for role in sorted(set(self.roles)):
            own = [head for head, its in enumerate(self.roles) if its == role]
            mixed[:, own] = hops[role](q[:, own], k[:, own], v[:, own])
        return mixed

    def _near(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return scaled_dot_product_attention(q, k, v, attn_mask=self.near)

    def _gather(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        own, lanes = slice(self.hub, self.hub + 1), k.shape[-1]
        pending = _hop(q, k[..., own, :], q[..., own, :], self.asked)  # (B, heads, M, d_head)
        # the scale is that of d_head lanes; the values of this hop are keys and values
        found = scaled_dot_product_attention(pending, k, torch.cat([k, v], -1), attn_mask=self.near)
        last = torch.zeros_like(self.near)
        last[self.hub] = self.relays
        return _hop(q, found[..., :lanes], found[..., lanes:], last)

    def _scatter(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        own = slice(self.hub, self.hub + 1)
        carried = _hop(q, k[..., own, :], torch.cat([k, v], -1)[..., own, :], self.asked)
        keys, values = carried.chunk(2, -1)  # (B, heads, M, d_head) each
        itself = torch.eye(k.shape[2], dtype=torch.bool, device=k.device)
        both = torch.cat([itself, self.near & self.relays], 1)  # (M, 2·M)
        return _hop(q, torch.cat([k, keys], 2), torch.cat([v, values], 2), both)


def _hop(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """Attention with a null key, of value 0, for the queries that may attend to no other."""
    k, v = pad(k, (0, 0, 0, 1)), pad(v, (0, 0, 0, 1))
    mask = torch.cat([mask, ~mask.any(1, keepdim=True)], 1)
    return scaled_dot_product_attention(q, k, v, attn_mask=mask)
