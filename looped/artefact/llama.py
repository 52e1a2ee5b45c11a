"""The same weights as a stock Llama checkpoint.

A block is the Llama block: RMSNorm before attention and before the gated MLP, no biases. The stock
model needs two settings: `hidden_act="relu"` and `rms_norm_eps=0`. Rotary embeddings are the
identity at position id 0, and with a mask of zeros every column attends to every column. The
tensors have the same names, so export only copies them.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from looped.artefact.architecture import PLAIN
from looped.artefact.plan import CompiledMachine, Plan
from looped.errors import CompileError, FileError
from looped.files import write_atomically
from looped.tensorfile import write_tensors

__all__ = ["export_llama", "llama_config"]


def llama_config(plan: Plan) -> dict[str, object]:
    """The content of `config.json` for `transformers.LlamaModel`.

    It selects eager attention, which computes softmax by its definition, and the dtype that the
    machine is compiled for, so that `from_pretrained` without arguments gives an exact model.
    """
    return {
        "architectures": ["LlamaModel"],
        "model_type": "llama",
        "hidden_size": plan.d_model,
        "intermediate_size": plan.d_ff,
        "num_hidden_layers": len(plan.blocks),
        "num_attention_heads": plan.n_heads,
        "num_key_value_heads": plan.n_heads,
        "head_dim": plan.d_head,
        "hidden_act": "relu",
        "rms_norm_eps": 0.0,
        "attention_bias": False,
        "mlp_bias": False,
        "attention_dropout": 0.0,
        "max_position_embeddings": plan.columns,
        "vocab_size": 1,
        "bos_token_id": None,
        "eos_token_id": None,
        "pad_token_id": None,
        "tie_word_embeddings": False,
        "attn_implementation": "eager",
        "dtype": plan.dtype,
        "torch_dtype": plan.dtype,
    }


def export_llama(machine: CompiledMachine, folder: Path) -> None:
    """Write `config.json` and `model.safetensors` into a folder, which it makes if necessary.

    The vocabulary has one token that is never used: the input of a machine is `inputs_embeds`.
    Raises FileError, and CompileError for a machine of another architecture.
    """
    if machine.plan.architecture != PLAIN:
        raise CompileError(
            f"a stock Llama does not know {machine.plan.architecture.options}",
            hint="compile the machine without it",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot make the folder {folder}: {error.strerror or error}") from None
    weights = {
        **machine.arrays,
        "embed_tokens.weight": np.zeros((1, machine.plan.d_model), np.float32),
    }
    write_tensors(folder / "model.safetensors", weights, {"format": "pt"})
    config = json.dumps(llama_config(machine.plan), indent=2) + "\n"
    write_atomically(folder / "config.json", config.encode())
