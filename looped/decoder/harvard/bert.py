"""The encoder-decoder as a stock `EncoderDecoderModel` of two BERTs.

BERT (Devlin et al. 2019) has what BART has. Rothe et al. 2020, *Leveraging pre-trained checkpoints
for sequence generation tasks*, make a decoder of it, with cross-attention. Before its unembedding
it has a dense layer, the activation and a LayerNorm. With the identity, ReLU makes 1 and 0 of lanes
and their opposites, and LayerNorm makes ±1 of these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import layer_norm

from looped.decoder.attention import Attention
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

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["bert_model"]

_EPSILON = 1e-12
"""The default `layer_norm_eps` of BERT."""

_NAMES = {"q": "self.query", "k": "self.key", "v": "self.value", "o": "output.dense"}


def bert_model(layout: Layout) -> Any:
    """The machine as an `EncoderDecoderModel` in float32.

    Raises CompileError if `transformers` is not installed.
    """
    stock, d = transformers(), 2 * layout.d_model
    spec, vocabulary = layout.spec, layout.vocabulary
    size = hidden_size(layout)
    common = {
        "vocab_size": vocabulary.size, "hidden_size": d, "num_attention_heads": d // HEAD_DIM,
        "intermediate_size": size, "hidden_act": "relu", "layer_norm_eps": _EPSILON,
        "max_position_embeddings": max(spec.context, layout.encoded),
        "pad_token_id": vocabulary.halt, "tie_word_embeddings": False,
    }  # fmt: skip
    config = stock.EncoderDecoderConfig.from_encoder_decoder_configs(
        stock.BertConfig(**common, num_hidden_layers=1),
        stock.BertConfig(**common, num_hidden_layers=2),
    )
    model = stock.EncoderDecoderModel(config)
    state = {name: torch.zeros_like(weight) for name, weight in model.state_dict().items()}
    for name in state:
        if "LayerNorm.weight" in name:
            state[name].fill_(gain(d, _EPSILON))
    _embed(state, "encoder", layout.tokens(), layout.encoder_positions())
    _embed(state, "decoder.bert", layout.tokens(), layout.decoder_positions())
    _put(state, "encoder.encoder.layer.0.attention", attention.encode(layout))
    for index, (own, cross, (rise, down)) in enumerate(decoder_parts(layout)):
        layer = f"decoder.bert.encoder.layer.{index}"
        _put(state, f"{layer}.attention", own)
        _put(state, f"{layer}.crossattention", cross)
        state[f"{layer}.intermediate.dense.weight"] = rise
        state[f"{layer}.output.dense.weight"] = down
    _unembed(state, layout)
    model.load_state_dict(state, strict=True)
    ends = [vocabulary.halt, vocabulary.ask]
    model.generation_config = stock.GenerationConfig(
        bos_token_id=vocabulary.begin, pad_token_id=vocabulary.halt, eos_token_id=ends,
        decoder_start_token_id=vocabulary.begin, do_sample=False, max_length=spec.context,
    )  # fmt: skip
    return model.requires_grad_(False).eval()


def _embed(state: dict[str, Tensor], side: str, tokens: Tensor, positions: Tensor) -> None:
    prefix = f"{side}.embeddings"
    state[f"{prefix}.word_embeddings.weight"] = doubled(tokens)
    state[f"{prefix}.position_embeddings.weight"][: len(positions)] = doubled(positions)


def _put(state: dict[str, Tensor], name: str, wanted: Attention) -> None:
    """Put the matrices of an attention layer into a state."""
    d = len(state[f"{name}.output.dense.weight"])
    for part, matrix in projected(wanted, d).items():
        state[f"{name}.{_NAMES[part]}.weight"] = matrix


def _unembed(state: dict[str, Tensor], layout: Layout) -> None:
    """The dense layer is the identity. Its LayerNorm has a mean of 1/2 and a deviation of 1/2."""
    head, d = "decoder.cls.predictions", 2 * layout.d_model
    state[f"{head}.transform.dense.weight"] = torch.eye(d)
    halves = torch.cat([torch.ones(1, d // 2), torch.zeros(1, d // 2)], 1)
    made = float(layer_norm(halves, (d,), eps=_EPSILON)[0, 0])
    state[f"{head}.transform.LayerNorm.weight"].fill_(1 / made)
    matrix = unembedding(layout.spec, layout.vocabulary, layout.lanes, layout.d_model)
    state[f"{head}.decoder.weight"] = torch.cat([matrix, torch.zeros_like(matrix)], 1)
