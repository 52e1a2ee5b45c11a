"""A machine in TransformerLens and in nnsight, by way of the stock Llama.

TransformerLens (from version 4) wraps a model of `transformers`: `bridge` builds one in memory from
the weights, without a file and without a tokenizer. nnsight wraps any module: `NNsight(llama(m))`.

The stock model needs arguments that say what a machine is: residual streams instead of tokens, a
mask of zeros, so that every column attends to every column, and position 0 everywhere, at which
rotary embeddings are the identity. `arguments` makes them.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from looped.artefact.llama import llama_config
from looped.artefact.plan import CompiledMachine, Plan
from looped.errors import CompileError

__all__ = ["arguments", "bridge", "llama"]

_HINT = "pip install 'looped[lens]'"


def llama(machine: CompiledMachine) -> Any:
    """A `LlamaForCausalLM` with the weights of a machine, with eager attention, ready to run.

    Its vocabulary has one token; embedding and unembedding are zero. Raises CompileError if
    `transformers` is not installed.
    """
    try:
        from transformers import LlamaConfig, LlamaForCausalLM
    except ImportError:
        raise CompileError("a stock Llama needs transformers", hint=_HINT) from None
    settings: dict[str, Any] = llama_config(machine.plan)
    config = LlamaConfig(**{**settings, "architectures": ["LlamaForCausalLM"]})
    config._attn_implementation = "eager"
    model: Any = LlamaForCausalLM(config)
    tokens = torch.zeros(1, machine.plan.d_model)
    weights = {f"model.{name}": weight for name, weight in machine.weights.items()}
    weights |= {"model.embed_tokens.weight": tokens, "lm_head.weight": tokens}
    model.load_state_dict(weights)
    return model.requires_grad_(False).eval()


def bridge(machine: CompiledMachine) -> Any:
    """A TransformerLens `TransformerBridge` around the stock Llama.

    Raises CompileError if TransformerLens is not installed.
    """
    try:
        from transformer_lens.model_bridge.sources import build_bridge_from_module
    except ImportError:
        raise CompileError("a bridge needs TransformerLens 4", hint=_HINT) from None
    model = llama(machine)
    return build_bridge_from_module(model, "LlamaForCausalLM", hf_config=model.config)


def arguments(plan: Plan) -> dict[str, Tensor]:
    """The arguments of the stock model beside the residual streams (B, columns, d_model)."""
    return {
        "attention_mask": torch.zeros(1, 1, plan.columns, plan.columns),
        "position_ids": torch.zeros(1, plan.columns, dtype=torch.long),
    }
