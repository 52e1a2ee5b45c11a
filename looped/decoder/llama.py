"""The machine as a stock `LlamaForCausalLM`: its configuration and its model."""

from __future__ import annotations

from typing import Any

from looped.decoder.clock import THETA
from looped.decoder.spec import HEAD_DIM, Spec
from looped.decoder.stock import transformers
from looped.decoder.vocabulary import Vocabulary
from looped.decoder.weights import EPSILON, Weights, weights

__all__ = ["causal_model", "generation_config", "llama_config"]


def llama_config(found: Weights) -> dict[str, Any]:
    """The content of `config.json` for `transformers.LlamaForCausalLM`."""
    vocabulary = Vocabulary(found.spec)
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": vocabulary.size,
        "hidden_size": found.d_model,
        "intermediate_size": found.d_ff,
        "num_hidden_layers": found.n_layers,
        "num_attention_heads": found.n_heads,
        "num_key_value_heads": 1,
        "head_dim": HEAD_DIM,
        "hidden_act": "silu",
        "rms_norm_eps": EPSILON,
        "attention_bias": False,
        "mlp_bias": False,
        "attention_dropout": 0.0,
        "max_position_embeddings": found.spec.context,
        "rope_theta": THETA,
        "rope_parameters": {"rope_type": "default", "rope_theta": THETA},
        "bos_token_id": vocabulary.begin,
        "eos_token_id": [vocabulary.halt, vocabulary.ask],
        "pad_token_id": vocabulary.halt,
        "tie_word_embeddings": False,
        "dtype": "float32",
        "torch_dtype": "float32",
    }


def generation_config(spec: Spec) -> dict[str, Any]:
    """The content of `generation_config.json`: greedy, until `<halt>`, `?` or a full context."""
    vocabulary = Vocabulary(spec)
    return {
        "bos_token_id": vocabulary.begin,
        "eos_token_id": [vocabulary.halt, vocabulary.ask],
        "pad_token_id": vocabulary.halt,
        "do_sample": False,
        "max_length": spec.context,
    }


def causal_model(spec: Spec, attention: str = "sdpa") -> Any:
    """The machine as a `LlamaForCausalLM` in float32, with a kernel for attention.

    Raises CompileError for a context that is too long, or if `transformers` is not installed.
    """
    stock = transformers()
    found = weights(spec)
    config = stock.LlamaConfig(**llama_config(found), attn_implementation=attention)
    model = stock.LlamaForCausalLM(config)
    model.load_state_dict(found.state, strict=True)
    model.generation_config = stock.GenerationConfig(**generation_config(spec))
    return model.requires_grad_(False).eval()
