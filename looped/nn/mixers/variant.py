"""Variant: attention that is the core's in one setting."""

from __future__ import annotations

import math
from typing import Any, Self

import torch
from torch import Tensor

from looped.nn.attention import Attention

__all__ = ["Variant", "added", "joined", "refuse_other_than_causal"]


class Variant(Attention):
    """Attention with another `attend`; the weights have the names of the core's."""

    @classmethod
    def from_core(cls, core: Attention, *settings: Any, **named: Any) -> Self:
        """A copy of `core` as this variant; where nothing else is said, it equals the core to the
        bit. `settings` are those of the constructor after `d_head`."""
        made = cls(core.q_proj.in_features, core.n_heads, core.d_head, *settings, **named)
        made.to(core.q_proj.weight).load_state_dict(core.state_dict(), strict=False)
        return made


def joined(mask: Tensor | None, allowed: Tensor) -> Tensor:
    """The mask that allows what both do: `mask` as in `Attention.forward`, `allowed` boolean."""
    if mask is None:
        return allowed
    if mask.dtype == torch.bool:
        return mask & allowed
    return mask.masked_fill(~allowed, -math.inf)


def added(bias: Tensor, mask: Tensor | None) -> Tensor:
    """A bias of scores, with `mask` as in `Attention.forward` on top."""
    if mask is None:
        return bias
    return joined(bias, mask) if mask.dtype == torch.bool else bias + mask


def refuse_other_than_causal(mask: Tensor | None, n: int) -> None:
    """Raise ValueError for a mask other than the causal one (n, n), which says nothing new to
    attention that is causal by itself."""
    causal = torch.ones(n, n, dtype=torch.bool, device=None if mask is None else mask.device).tril()
    if mask is not None and not torch.equal(mask.expand_as(causal), causal):
        raise ValueError("this attention takes no mask other than the causal one")
