"""Models made once, and what a model predicts after each token of a text."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import torch

from looped.decoder import Spec
from looped.decoder.llama import causal_model

SMALL = Spec(width=8, memory=64, context=8192)
BYTES = Spec(width=8, memory=256, context=8192)
WORDS = Spec(width=16, memory=256, context=1 << 15)
SIGNED = Spec(width=16, memory=32, context=8192, counter_bits=15)


@functools.cache
def model(spec: Spec, attention: str = "sdpa") -> Any:
    return causal_model(spec, attention)


@dataclass(frozen=True)
class Predicted:
    """The token with the highest logit after each token, by how much it wins, and the largest
    distance of any lane in any layer from -1 and +1."""

    tokens: list[int]
    margins: list[float]
    deviation: float


@torch.inference_mode()
def predicted(spec: Spec, tokens: list[int], chunk: int = 1024) -> Predicted:
    found = Predicted([], [], 0.0)
    stock, cache, deviation = model(spec), None, 0.0
    from transformers import DynamicCache

    cache = DynamicCache(config=stock.config)
    for start in range(0, len(tokens), chunk):
        part = torch.tensor([tokens[start : start + chunk]])
        given = {"use_cache": True, "output_hidden_states": True}
        result = stock(part, None, None, cache, **given)
        best = result.logits[0].topk(2)
        found.tokens.extend(best.indices[:, 0].tolist())
        found.margins.extend((best.values[:, 0] - best.values[:, 1]).tolist())
        off = [float((layer.abs() - 1).abs().max()) for layer in result.hidden_states]
        deviation = max(deviation, *off)
    return Predicted(found.tokens, found.margins, deviation)
