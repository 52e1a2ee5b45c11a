"""HarvardModel: the encoder-decoder on the parts of `looped.nn`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn

from looped.decoder.attention import Attention as Wanted
from looped.decoder.forms import Units
from looped.decoder.harvard import attention
from looped.decoder.harvard.layout import Layout
from looped.decoder.harvard.matrices import matrices
from looped.decoder.mlps import mlps
from looped.decoder.spec import HEAD_DIM
from looped.decoder.unembedding import unembedding
from looped.decoder.weights import filled
from looped.nn.attention import Attention
from looped.nn.mlp import GatedMLP

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["HarvardModel"]


class _Layer(nn.Module):
    """Self-attention, cross-attention and an MLP, each behind a norm and with a residual
    connection. A part without weights is left out."""

    def __init__(self, self_attn: Attention, cross_attn: Attention | None, mlp: GatedMLP | None):
        super().__init__()
        self.self_attn, self.cross_attn, self.mlp = self_attn, cross_attn, mlp
        self.norm = nn.RMSNorm(self_attn.q_proj.in_features, eps=0.0)

    def forward(self, x: Tensor, before: Tensor, encoded: Tensor | None = None) -> Tensor:
        """Map new columns `x` (1, N, d_model), which attend to `before` (1, M, d_model)."""
        x = x + self.self_attn(self.norm(x), self.norm(before))
        if self.cross_attn is not None:
            x = x + self.cross_attn(self.norm(x), encoded)
        return x if self.mlp is None else x + self.mlp(self.norm(x))


class HarvardModel(nn.Module):
    """A machine as an encoder-decoder: one encoder layer, two decoder layers."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.layout, d = layout, layout.d_model
        lanes, spec = layout.lanes, layout.spec
        self.tokens = nn.Parameter(layout.tokens())
        self.encoder_positions = nn.Parameter(layout.encoder_positions())
        self.decoder_positions = nn.Parameter(layout.decoder_positions())
        self.encoder = _Layer(_attention(attention.encode(layout), d), None, None)
        _, *units = mlps(spec, lanes)
        parts = ((attention.gather, attention.fetch), (attention.read, attention.read_program))
        self.decoder = nn.ModuleList(
            _Layer(_attention(own(layout), d), _attention(cross(layout), d), _mlp(mlp, d))
            for (own, cross), mlp in zip(parts, units, strict=True)
        )
        self.unembedding = nn.Parameter(unembedding(spec, layout.vocabulary, lanes, d))
        self.requires_grad_(False)

    @property
    def size(self) -> int:
        """The number of parameters."""
        return sum(parameter.numel() for parameter in self.parameters())

    def encode(self, program: Sequence[int]) -> Tensor:
        """The encoder's output for a program in tokens. Shape (1, tokens, d_model)."""
        x = (self.tokens[list(program)] + self.encoder_positions)[None]
        found: Tensor = self.encoder(x, x)
        return found

    @torch.inference_mode()
    def generate(
        self,
        program: Sequence[int],
        begin: Sequence[int],
        answer: Callable[[], int],
        most: int,
        watch: Callable[[int], None] = lambda token: None,
    ) -> list[int]:
        """The tokens of a run behind `begin`, until `<halt>` or until there are `most` of them.

        `answer` gives the word after `?`. The cache is the residual stream before each layer.
        """
        vocabulary, encoded = self.layout.vocabulary, self.encode(program)
        caches = [torch.empty(1, 0, self.layout.d_model) for _ in self.decoder]
        tokens, due = list[int](), list(begin)
        while True:
            for token in due:
                x = self._place(token, caches[0].shape[1])
                for index, layer in enumerate(self.decoder):
                    caches[index] = torch.cat([caches[index], x], 1)
                    x = layer(x, caches[index], encoded)
            if len(tokens) >= most or due[-1] == vocabulary.halt:
                return tokens
            due = [int((x[0, -1] @ self.unembedding.T).argmax())]
            if due[0] == vocabulary.ask:
                due = [*due, *vocabulary.value(answer())][: most - len(tokens)]
            tokens += due
            for token in due:
                watch(token)

    def _place(self, token: int, position: int) -> Tensor:
        """The residual stream of a token at a position. Shape (1, 1, d_model)."""
        placed: Tensor = self.tokens[token] + self.decoder_positions[position]
        return placed[None, None]


def _attention(wanted: Wanted, d_model: int) -> Attention:
    made = Attention(d_model, len(wanted.heads), HEAD_DIM)
    state = matrices(wanted, len(wanted.heads), d_model)
    made.load_state_dict({f"{name}_proj.weight": matrix for name, matrix in state.items()})
    return made


def _mlp(units: Units, d_model: int) -> GatedMLP:
    made = GatedMLP(d_model, len(units.units))
    gates, ups, targets = zip(*units.units, strict=True)
    down = torch.zeros(d_model, len(targets))
    down[list(targets), range(len(targets))] = 1.0
    size = len(targets)
    made.gate_proj.weight.data = filled(dict(enumerate(gates)), size, d_model)
    made.up_proj.weight.data = filled(dict(enumerate(ups)), size, d_model)
    made.down_proj.weight.data = down
    return made
