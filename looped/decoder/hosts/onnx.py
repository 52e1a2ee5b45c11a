"""export_onnx: the machine as an ONNX graph with its cache as inputs and outputs.

The graph is that of the stock model, made by `torch.onnx`. Inputs and outputs have the names that
ONNX models of Hugging Face have: `past_key_values.0.key` … in, `present.0.key` … out.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from looped.decoder.folder import begin_folder, write_tokenizer
from looped.decoder.generate import cache_option
from looped.decoder.llama import causal_model
from looped.decoder.spec import HEAD_DIM, Spec
from looped.decoder.stock import installed, transformers
from looped.errors import CompileError
from looped.image import Image

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["export_onnx"]


class _Step(nn.Module):
    """One pass of the stock model: tokens and a cache in, logits and the longer cache out."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.option = cache_option(model)

    def forward(self, ids: Tensor, mask: Tensor, positions: Tensor, *past: Tensor) -> Any:
        """Logits (B, N, vocabulary), then keys and values (B, 1, past + N, d_head) by layer."""
        cache = transformers().DynamicCache(config=self.model.config)
        for layer in range(len(past) // 2):
            cache.update(past[2 * layer], past[2 * layer + 1], layer)
        options = {self.option: cache, "use_cache": True}
        given = {"input_ids": ids, "attention_mask": mask, "position_ids": positions}
        result = self.model(**given, **options)
        entries = ((layer.keys, layer.values) for layer in cache.layers)
        return (result.logits, *(tensor for pair in entries for tensor in pair))


def export_onnx(spec: Spec, image: Image, folder: Path) -> None:
    """Write `model.onnx`, the tokenizer and the prompt of a program into a folder, which it makes
    if necessary.

    Raises FileError, or CompileError if the program does not fit, for a machine with a window, and
    if a package is not installed.
    """
    installed("onnxscript", "an ONNX graph", "hosts")
    if spec.window is not None:
        raise CompileError("the ONNX graph has no sliding window", hint="leave --window out")
    begin_folder(spec, image, folder)
    write_tokenizer(spec, folder)
    model = causal_model(spec)
    layers = range(model.config.num_hidden_layers)
    parts = [f"{layer}.{part}" for layer in layers for part in ("key", "value")]
    past = tuple(torch.zeros(2, 1, 5, HEAD_DIM) for _ in parts)
    ids = torch.zeros(2, 3, dtype=torch.long)
    given = (ids, torch.ones(2, 8, dtype=torch.long), torch.arange(5, 8).expand(2, 3), *past)
    size, auto = torch.export.Dim, torch.export.Dim.AUTO
    batch, sequence, entries = size("batch"), size("sequence"), size("past")
    cached = tuple({0: batch, 2: entries} for _ in past)
    with _quietly():
        torch.onnx.export(
            _Step(model),
            given,
            folder / "model.onnx",
            input_names=["input_ids", "attention_mask", "position_ids"]
            + [f"past_key_values.{part}" for part in parts],
            output_names=["logits", *(f"present.{part}" for part in parts)],
            dynamic_shapes=({0: batch, 1: sequence}, {0: batch, 1: auto}, {0: batch, 1: sequence},
                            cached),
            dynamo=True,
            external_data=False,
        )  # fmt: skip


@contextlib.contextmanager
def _quietly() -> Any:
    """The exporter reports its progress on stdout, and warns of axes that are always equal."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
