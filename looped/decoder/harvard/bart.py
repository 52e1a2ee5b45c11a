"""The encoder-decoder as a stock `BartForConditionalGeneration`.

BART (Lewis et al. 2020) has learned position embeddings, so it can have a clock, and its activation
may be ReLU. Two things differ from the core. LayerNorm subtracts the mean: so each lane has a
second one with the opposite sign, the mean is zero, and LayerNorm is the identity on lanes of ±1.
And the MLP has no gate: with gates of at most G, relu(g) · x for a lane x = ±1 is
2 relu(g - G (1 - x) / 2) - relu(g).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import layer_norm

from looped.decoder.attention import Attention
from looped.decoder.folder import begin_folder, write_tokenizer
from looped.decoder.forms import Form, Units, constant, lane
from looped.decoder.harvard import attention
from looped.decoder.harvard.layout import Layout
from looped.decoder.harvard.matrices import matrices
from looped.decoder.mlps import mlps
from looped.decoder.spec import HEAD_DIM
from looped.decoder.stock import transformers
from looped.decoder.unembedding import unembedding
from looped.decoder.weights import filled
from looped.errors import CompileError
from looped.files import write_atomically
from looped.image import Image
from looped.precision import FLOAT32

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["bart_model", "export_bart"]

_OFFSET = 2
"""BART's position embedding begins with two rows that no position has."""


def bart_model(layout: Layout) -> Any:
    """The machine as a `BartForConditionalGeneration` in float32.

    Raises CompileError if `transformers` is not installed.
    """
    stock, d = transformers(), 2 * layout.d_model
    spec, lanes, vocabulary = layout.spec, layout.lanes, layout.vocabulary
    units_of = [_plain(units) for units in mlps(spec, lanes)[1:]]
    positions, eos = max(spec.context, layout.encoded), [vocabulary.halt, vocabulary.ask]
    config = stock.BartConfig(
        vocab_size=vocabulary.size, d_model=d, max_position_embeddings=positions,
        encoder_layers=1, decoder_layers=2, activation_function="relu",
        encoder_attention_heads=d // HEAD_DIM, decoder_attention_heads=d // HEAD_DIM,
        encoder_ffn_dim=HEAD_DIM, decoder_ffn_dim=max(map(len, units_of)),
        tie_word_embeddings=False, decoder_start_token_id=vocabulary.begin,
        bos_token_id=vocabulary.begin, eos_token_id=eos, pad_token_id=vocabulary.halt,
        forced_eos_token_id=None,
    )  # fmt: skip
    model = stock.BartForConditionalGeneration(config)
    state = {name: torch.zeros_like(weight) for name, weight in model.state_dict().items()}
    state |= _embeddings(layout, state)
    for name, weight in state.items():
        if "norm" in name and name.endswith("weight"):
            weight.fill_(_gain(d))
    _put(state, "encoder.layers.0.self_attn", attention.encode(layout))
    parts = ((attention.gather, attention.fetch), (attention.read, attention.read_program))
    for index, ((own, cross), units) in enumerate(zip(parts, units_of, strict=True)):
        layer = f"decoder.layers.{index}"
        _put(state, f"{layer}.self_attn", own(layout))
        _put(state, f"{layer}.encoder_attn", cross(layout))
        forms = dict(enumerate(Form(dict(gate)) for gate in units))
        state[f"model.{layer}.fc1.weight"] = filled(forms, config.decoder_ffn_dim, d)
        down = torch.zeros(layout.d_model, config.decoder_ffn_dim)
        for column, weights in enumerate(units.values()):
            for target, factor in weights.items():
                down[target, column] = factor
        state[f"model.{layer}.fc2.weight"] = torch.cat([down, -down])
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
    tokens = layout.tokens()
    found = {name: torch.cat([tokens, -tokens], 1) for name in state if "embed_tokens" in name}
    found["model.shared.weight"] = torch.cat([tokens, -tokens], 1)
    tables = {"encoder": layout.encoder_positions(), "decoder": layout.decoder_positions()}
    for side, table in tables.items():
        name = f"model.{side}.embed_positions.weight"
        rows = torch.zeros_like(state[name])
        rows[_OFFSET : _OFFSET + len(table)] = torch.cat([table, -table], 1)
        found[name] = rows
    matrix = unembedding(layout.spec, layout.vocabulary, layout.lanes, layout.d_model)
    return found | {"lm_head.weight": torch.cat([matrix, torch.zeros_like(matrix)], 1)}


def _put(state: dict[str, Tensor], name: str, wanted: Attention) -> None:
    """Put the matrices of an attention layer into a state; its output has both signs."""
    name = f"model.{name}"
    d = len(state[f"{name}.out_proj.weight"])
    parts = matrices(wanted, d // HEAD_DIM, d)
    output = parts.pop("o")[: d // 2]
    state |= {f"{name}.{part}_proj.weight": matrix for part, matrix in parts.items()}
    state[f"{name}.out_proj.weight"] = torch.cat([output, -output])


Gate = tuple[tuple[int, float], ...]


def _plain(units: Units) -> dict[Gate, dict[int, float]]:
    """Hidden units without gates: the weights of each on the lanes that it adds to."""
    found: dict[Gate, dict[int, float]] = {}

    def add(gate: Form, weight: float, target: int) -> None:
        weights = found.setdefault(tuple(sorted(gate.weights.items())), {})
        weights[target] = weights.get(target, 0.0) + weight

    for gate, up, target in units.units:
        free = {index: weight for index, weight in up.weights.items() if index and weight}
        most = sum(map(abs, gate.weights.values()))
        add(gate, up.weights.get(0, 0.0) - sum(free.values()), target)
        for index, weight in free.items():
            add(gate - (constant(1) - lane(index)) * (most / 2), 2 * weight, target)
    return found


def _gain(d: int) -> float:
    """The weight of LayerNorm that undoes its ε, found with lanes of both signs."""
    x = torch.ones(1, d)
    x[:, d // 2 :] = -1.0
    near = 1 / float(layer_norm(x, (d,))[0, 0])
    unit = 2.0 ** (1 - FLOAT32.mantissa)
    gains = (torch.tensor(near + k * unit) for k in (0, 1, -1, 2, -2))
    (found, *_) = (gain for gain in gains if torch.equal(layer_norm(x, (d,), gain.expand(d)), x))
    return float(found)
