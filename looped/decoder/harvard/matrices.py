"""matrices: the attention of the encoder-decoder with keys and values for each head."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from looped.decoder.attention import Attention
from looped.decoder.spec import HEAD_DIM
from looped.decoder.weights import filled

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["matrices"]


def matrices(wanted: Attention, n_heads: int, d_model: int) -> dict[str, Tensor]:
    """W_Q, W_K and W_V (n_heads · d_head, d_model) and W_O (d_model, n_heads · d_head) as `q`,
    `k`, `v`, `o`. Heads that are not wanted are zero."""
    queries = [filled(head.query, HEAD_DIM, d_model) for head in wanted.heads]
    queries += [torch.zeros(HEAD_DIM, d_model)] * (n_heads - len(queries))
    keys, values = (filled(forms, HEAD_DIM, d_model) for forms in (wanted.keys, wanted.values))
    output = torch.zeros(d_model, n_heads * HEAD_DIM)
    for index, head in enumerate(wanted.heads):
        for place, target in head.targets.items():
            output[target, index * HEAD_DIM + place] = 1.0
    shared = {"k": keys.repeat(n_heads, 1), "v": values.repeat(n_heads, 1)}
    return {"q": torch.cat(queries), **shared, "o": output}
