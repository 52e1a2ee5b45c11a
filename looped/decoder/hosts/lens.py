"""causal_bridge: the machine in TransformerLens, whose hooks then see a program run."""

from __future__ import annotations

from typing import Any

from looped.decoder.llama import causal_model
from looped.decoder.spec import Spec
from looped.decoder.stock import installed

__all__ = ["causal_bridge"]


def causal_bridge(spec: Spec) -> Any:
    """A `TransformerBridge` around the stock model with eager attention.

    Call its `generate` with `use_past_kv_cache=False`: TransformerLens 4.3 looks for the cache of
    `transformers` under a name that it no longer has from version 5.24 on, so that a token would
    see itself alone. Raises CompileError if TransformerLens is not installed.
    """
    sources = "transformer_lens.model_bridge.sources"
    made = installed(sources, "a bridge", "lens").build_bridge_from_module
    model = causal_model(spec, "eager")
    return made(model, "LlamaForCausalLM", hf_config=model.config)
