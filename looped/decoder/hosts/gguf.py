"""export_gguf: a file that llama.cpp runs.

llama.cpp keeps keys and values in half precision by default, and half precision does not hold a
clock. So start it with `-ctk f32 -ctv f32 -fa off`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from looped.decoder.clock import PAIRS, THETA
from looped.decoder.folder import begin_folder
from looped.decoder.spec import HEAD_DIM, Spec
from looped.decoder.stock import installed
from looped.decoder.vocabulary import Vocabulary
from looped.decoder.weights import EPSILON, Weights, weights
from looped.errors import CompileError, FileError
from looped.image import Image

__all__ = ["export_gguf"]

_OUTER = {"embed_tokens": "token_embd", "norm": "output_norm", "lm_head": "output"}

_INNER = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm"}
_INNER |= {"q_proj": "attn_q", "k_proj": "attn_k", "v_proj": "attn_v", "o_proj": "attn_output"}
_INNER |= {"gate_proj": "ffn_gate", "up_proj": "ffn_up", "down_proj": "ffn_down"}


def export_gguf(spec: Spec, image: Image, folder: Path, name: str) -> None:
    """Write `model.gguf` and the prompt of a program into a folder, which it makes if necessary.

    Trace tokens are control tokens and bytes of output are byte tokens, so llama.cpp prints the
    output of the program, and with `--special` the listing. Raises FileError, or CompileError if
    the program does not fit, for a machine with a window, and if the package `gguf` is not
    installed.
    """
    gguf = installed("gguf", "a GGUF file", "hosts")
    if spec.window is not None:
        raise CompileError(
            "llama.cpp has no Llama with a sliding window", hint="leave --window out"
        )
    found = weights(spec)
    begin_folder(spec, image, folder)
    writer = gguf.GGUFWriter(None, "llama")
    writer.add_name(name)
    _add_sizes(writer, found)
    _add_tokens(writer, Vocabulary(spec), gguf.TokenType)
    for key, tensor in found.state.items():
        writer.add_tensor(_renamed(key), _arranged(key, tensor.numpy()))
    try:
        writer.write_header_to_file(folder / "model.gguf")
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
    except OSError as error:
        raise FileError(f"cannot write into {folder}: {error.strerror or error}") from None


def _add_sizes(writer: Any, found: Weights) -> None:
    writer.add_context_length(found.spec.context)
    writer.add_embedding_length(found.d_model)
    writer.add_block_count(found.n_layers)
    writer.add_feed_forward_length(found.d_ff)
    writer.add_head_count(found.n_heads)
    writer.add_head_count_kv(1)
    writer.add_key_length(HEAD_DIM)
    writer.add_value_length(HEAD_DIM)
    writer.add_rope_dimension_count(HEAD_DIM)
    writer.add_rope_freq_base(THETA)
    writer.add_layer_norm_rms_eps(EPSILON)


def _add_tokens(writer: Any, vocabulary: Vocabulary, kinds: Any) -> None:
    shown, tokens = vocabulary.types["out"], range(vocabulary.size)
    writer.add_vocab_size(vocabulary.size)
    writer.add_tokenizer_model("llama")
    writer.add_token_list([vocabulary.name(token).encode() for token in tokens])
    writer.add_token_types([kinds.BYTE if t in shown else kinds.CONTROL for t in tokens])
    writer.add_token_scores([0.0] * vocabulary.size)
    writer.add_bos_token_id(vocabulary.begin)
    writer.add_unk_token_id(vocabulary.begin)
    writer.add_eos_token_id(vocabulary.halt)
    writer.add_eot_token_id(vocabulary.ask)
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)


def _renamed(key: str) -> str:
    parts = key.removesuffix(".weight").split(".")
    if "layers" not in parts:
        return f"{_OUTER[parts[-1]]}.weight"
    return f"blk.{parts[2]}.{_INNER[parts[-1]]}.weight"


def _arranged(key: str, matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """llama.cpp turns neighbours, Llama of `transformers` the two halves of a head: so the rows of
    queries and keys are interleaved."""
    if "q_proj" in key or "k_proj" in key:
        halves = matrix.reshape(-1, 2, PAIRS, matrix.shape[1])
        matrix = halves.swapaxes(1, 2).reshape(matrix.shape)
    return np.ascontiguousarray(matrix)
