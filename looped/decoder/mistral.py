"""The machine with a sliding window, as a stock `MistralForCausalLM`: endless runs in memory that
does not grow.

Attention reaches back `window` tokens. Each record is followed by a refresh, which writes the word
of the next address as it is, so every word is written again before it leaves the window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from looped.decoder.llama import generation_config, llama_config
from looped.decoder.spec import Spec
from looped.decoder.stock import transformers
from looped.decoder.weights import Weights, weights
from looped.errors import CompileError

if TYPE_CHECKING:
    from transformers import MistralForCausalLM

__all__ = ["POSITIONS", "mistral_config", "sliding_model", "sliding_spec", "window_for"]

POSITIONS = 1 << 24
"""Positions that float32 counts: the longest run of a model with a window."""


def window_for(width: int, memory: int) -> int:
    """The window, in tokens, that a memory needs.

    All words are refreshed in turn, one behind each record. Between two refreshes of a word lie at
    most `memory` records with `?` and as many refreshes. Two more records are on the way.
    """
    digits = width // 8
    return (memory + 2) * ((digits + 3) + (digits + 1))


def sliding_spec(width: int, memory: int) -> Spec:
    """The machine with a window for a memory. Raises CompileError if it is too large."""
    return Spec(width=width, memory=memory, context=POSITIONS, window=window_for(width, memory))


def mistral_config(found: Weights) -> dict[str, Any]:
    """The content of `config.json` for `transformers.MistralForCausalLM`."""
    config = llama_config(found)
    own = {"architectures": ["MistralForCausalLM"], "model_type": "mistral"}
    return {
        **{name: value for name, value in config.items() if not name.endswith("_bias")},
        **own,
        "sliding_window": found.spec.window,
    }


def sliding_model(spec: Spec, attention: str = "sdpa") -> MistralForCausalLM:
    """A machine with a window as a model of `transformers`, in float32. Raises CompileError."""
    if spec.window is None:
        raise CompileError("the machine has no window", hint="make it with `sliding_spec`")
    stock = transformers()
    found = weights(spec)
    config = stock.MistralConfig(**mistral_config(found), attn_implementation=attention)
    model = stock.MistralForCausalLM(config)
    model.load_state_dict(found.state, strict=True)
    model.generation_config = stock.GenerationConfig(**generation_config(spec))
    model.requires_grad_(False)
    model.train(False)
    return cast("MistralForCausalLM", model)
