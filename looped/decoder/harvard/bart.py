"""The encoder-decoder as a stock `BartForConditionalGeneration`.

BART (Lewis et al. 2020) has learned position embeddings, so it can have a clock, and its activation
may be ReLU. `mean_norm` says how it does without a gate, and with a LayerNorm.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from looped.decoder.attention import Attention
from looped.decoder.folder import begin_folder, write_tokenizer
from looped.decoder.harvard import attention
from looped.decoder.harvard.layout import Layout
from looped.decoder.harvard.mean_norm import (
    decoder_parts,
    doubled,
    gain,
    hidden_size,
    projected,
)
from looped.decoder.spec import HEAD_DIM
from looped.decoder.stock import transformers
from looped.decoder.unembedding import unembedding
from looped.errors import CompileError
from looped.files import write_atomically
from looped.image import Image

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["bart_model", "export_bart"]

_OFFSET = 2
"""BART's position embedding begins with two rows that no position has."""

_EPSILON = 1e-5
"""Of BART's LayerNorm; no setting changes it."""


def bart_model(layout: Layout) -> Any:
    """The machine as a `BartForConditionalGeneration` in float32.

    Raises CompileError if `transformers` is not installed.
    """
    stock, d = transformers(), 2 * layout.d_model
    spec, vocabulary = layout.spec, layout.vocabulary
    positions, eos = max(spec.context, layout.encoded), [vocabulary.halt, vocabulary.ask]
    config = stock.BartConfig(
        vocab_size=vocabulary.size, d_model=d, max_position_embeddings=positions,
        encoder_layers=1, decoder_layers=2, activation_function="relu",
        encoder_attention_heads=d // HEAD_DIM, decoder_attention_heads=d // HEAD_DIM,
        encoder_ffn_dim=HEAD_DIM, decoder_ffn_dim=hidden_size(layout),
        tie_word_embeddings=False, decoder_start_token_id=vocabulary.begin,
        bos_token_id=vocabulary.begin, eos_token_id=eos, pad_token_id=vocabulary.halt,
        forced_eos_token_id=None,
    )  # fmt: skip
    model = stock.BartForConditionalGeneration(config)
    state = {name: torch.zeros_like(weight) for name, weight in model.state_dict().items()}
    state |= _embeddings(layout, state)
    for name, weight in state.items():
        if "norm" in name and name.endswith("weight"):
            weight.fill_(gain(d, _EPSILON))
    _put(state, "encoder.layers.0.self_attn", attention.encode(layout))
    for index, (own, cross, (rise, down)) in enumerate(decoder_parts(layout)):
        layer = f"decoder.layers.{index}"
        _put(state, f"{layer}.self_attn", own)
        _put(state, f"{layer}.encoder_attn", cross)
        state[f"model.{layer}.fc1.weight"] = rise
        state[f"model.{layer}.fc2.weight"] = down
    model.load_state_dict(state, strict=True)
    ids = {"bos_token_id": vocabulary.begin, "pad_token_id": vocabulary.halt, "eos_token_id": eos}
    model.generation_config = stock.GenerationConfig(
        **ids, decoder_start_token_id=vocabulary.begin, do_sample=False, max_length=spec.context
    )
    return model.requires_grad_(False).eval()


def export_bart(layout: Layout, image: Image, folder: Path) -> None:
    """Write a folder that `AutoModelForSeq2SeqLM` loads, with a program for the encoder as
    `prompt.txt`. Raises FileError, or CompileError if the program does not fit or does not begin
    at 0, where a decoder without a prompt begins."""
    if image.entry:
        raise CompileError(f"the program begins at {image.entry}, and the decoder of BART at 0")
    program = layout.program(image.words)
    begin_folder(layout.spec, image, folder)
    write_atomically(folder / "prompt.txt", layout.vocabulary.text(program).encode())
    write_tokenizer(layout.spec, folder)
    bart_model(layout).save_pretrained(folder)


def _embeddings(layout: Layout, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Token and position embeddings, and the unembedding, which reads the lanes themselves."""
    tokens = doubled(layout.tokens())
    found = {name: tokens for name in state if "embed_tokens" in name}
    found["model.shared.weight"] = tokens
    tables = {"encoder": layout.encoder_positions(), "decoder": layout.decoder_positions()}
    for side, table in tables.items():
        name = f"model.{side}.embed_positions.weight"
        rows = torch.zeros_like(state[name])
        rows[_OFFSET : _OFFSET + len(table)] = doubled(table)
        found[name] = rows
    matrix = unembedding(layout.spec, layout.vocabulary, layout.lanes, layout.d_model)
    return found | {"lm_head.weight": torch.cat([matrix, torch.zeros_like(matrix)], 1)}


def _put(state: dict[str, Tensor], name: str, wanted: Attention) -> None:
    """Put the matrices of an attention layer into a state."""
    d = len(state[f"model.{name}.out_proj.weight"])
    for part, matrix in projected(wanted, d).items():
        kind = "out" if part == "o" else part
        state[f"model.{name}.{kind}_proj.weight"] = matrix
