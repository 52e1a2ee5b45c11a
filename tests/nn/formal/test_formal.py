"""The core and a compiled machine are what "Formal Algorithms for Transformers" defines."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from looped.artefact.embedding import embed
from looped.nn import Attention, Block, GatedMLP, Transformer
from looped.nn.embedding import TokenEmbedding, Unembedding
from looped.nn.mixers import CausalAttention, CrossAttention, PostDecoderBlock
from looped.nn.norms import LayerNorm, PostBlock
from looped.nn.position import TrainedCode
from looped.nn.stacks import EncoderDecoder
from tests import seeds
from tests.conftest import compiled
from tests.nn.formal import algorithms as formal
from tests.nn.formal.copied import layer, matrix, norm

D, HEADS, D_HEAD, D_FF, WORDS, LONGEST = 8, 2, 3, 6, 5, 6


@pytest.fixture(autouse=True)
def in_float64() -> None:
    torch.manual_seed(seeds.number(3))
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


class PlainMLP(nn.Module):
    """The paper's, with biases."""

    def __init__(self, activation: nn.Module) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(D, D_FF), nn.Linear(D_FF, D)
        self.activation = activation

    def forward(self, x: Tensor, tap: object = None) -> Tensor:
        result: Tensor = self.outer(self.activation(self.inner(x)))
        return result


def some_norm(kind: type[nn.Module]) -> nn.Module:
    made = kind(D, eps=0.0)
    for weight in made.parameters():
        nn.init.normal_(weight, mean=1.0, std=0.2)
    return made


def block(kind: type[Block], norm: type[nn.Module], mlp: nn.Module, *mixers: nn.Module) -> Block:
    """A block of this kind, a norm before or after each mixer and the MLP."""
    parts: list[nn.Module] = []
    for part in (*mixers, mlp):
        parts += [some_norm(norm), part]
    return kind(*parts)


def mixer(kind: type[Attention] = Attention) -> Attention:
    return kind(D, HEADS, D_HEAD)


def gelu(x: float) -> float:
    return x * (1 + math.erf(x / math.sqrt(2))) / 2


def relu(x: float) -> float:
    return max(x, 0.0)


def ends() -> tuple[TokenEmbedding, Unembedding]:
    return TokenEmbedding(WORDS, D, TrainedCode(LONGEST, D)), Unembedding(D, WORDS)


def parameters(
    embedding: TokenEmbedding, unembedding: Unembedding, blocks: nn.ModuleList
) -> formal.Parameters:
    return formal.Parameters(
        W_e=matrix(embedding.tokens.weight.T),
        W_p=matrix(embedding.code.table.weight.T),
        layers=[layer(one) for one in blocks],
        W_u=matrix(unembedding.weight),
    )


def probabilities(logits: Tensor) -> Tensor:
    """Columns as tokens."""
    return logits[0].softmax(-1).T


def close(found: Tensor, expected: formal.Matrix) -> None:
    torch.testing.assert_close(found, torch.tensor(expected), rtol=0, atol=1e-12)


@pytest.mark.parametrize("norm_kind", [LayerNorm, nn.RMSNorm])
@pytest.mark.parametrize("gated", [False, True])
def test_a_causal_core_is_algorithm_10(norm_kind: type[nn.Module], gated: bool) -> None:
    def made() -> nn.Module:
        return GatedMLP(D, D_FF, nn.GELU()) if gated else PlainMLP(nn.GELU())

    embedding, unembedding = ends()
    blocks = [block(Block, norm_kind, made(), mixer(CausalAttention)) for _ in range(2)]
    stack = Transformer(blocks, some_norm(norm_kind))
    p = parameters(embedding, unembedding, stack.layers)
    p.norm = norm(stack.norm)
    tokens = [3, 1, 4, 1, 0]
    found = unembedding(stack(embedding(torch.tensor([tokens]))))
    close(probabilities(found), formal.d_transformer(tokens, p, gelu))


def test_a_core_with_post_norm_is_algorithm_9() -> None:
    embedding, unembedding = ends()
    blocks = [block(PostBlock, LayerNorm, PlainMLP(nn.GELU()), mixer()) for _ in range(2)]
    stack = Transformer(blocks, nn.Identity())
    tokens = [2, 2, 4, 0, 1, 3]
    found = unembedding(stack(embedding(torch.tensor([tokens]))))
    p = parameters(embedding, unembedding, stack.layers)
    close(probabilities(found), formal.e_transformer(tokens, p, gelu))


def test_encoder_and_decoder_are_algorithm_8() -> None:
    embedding, unembedding = ends()
    encoder = [block(PostBlock, LayerNorm, PlainMLP(nn.ReLU()), mixer()) for _ in range(2)]
    decoder = [
        block(PostDecoderBlock, LayerNorm, PlainMLP(nn.ReLU()), mixer(), mixer(CrossAttention))
        for _ in range(2)
    ]
    model = EncoderDecoder(Transformer(encoder, nn.Identity()), Transformer(decoder, nn.Identity()))
    p = parameters(embedding, unembedding, model.decoder.layers)
    p.encoder = [layer(one) for one in model.encoder.layers]
    source, x = [2, 2, 4, 0], [1, 3, 0]
    made = model(embedding(torch.tensor([source])), embedding(torch.tensor([x])))
    close(probabilities(unembedding(made)), formal.ed_transformer(source, x, p, relu))


def test_a_mask_is_a_mask() -> None:
    """Random ones, in which each query sees some key."""
    attention = mixer()
    x = torch.randn(1, 4, D)
    columns = matrix(x[0].T)
    many = layer(block(Block, LayerNorm, PlainMLP(nn.ReLU()), attention)).attention
    for _ in range(20):
        mask = torch.rand(4, 4) < 0.4
        mask[mask.sum(1) == 0] = True
        rows = mask.tolist()
        expected = formal.mh_attention(columns, columns, many, partial(_at, rows))
        close(attention(x, mask=mask)[0].T, expected)


def _at(rows: list[list[bool]], t_z: int, t_x: int) -> bool:
    return rows[t_x][t_z]


COUNTDOWN = [9, 10, 6, 11, 11, 0, 11, 11, 6, 1, 20, 0]
"""Subtracts word 9 from word 10 until it is 0: two instructions a turn."""


@pytest.mark.parametrize("steps", [1, pytest.param(30, marks=pytest.mark.slow)])
def test_a_compiled_machine_is_algorithm_9_without_a_difference(steps: int) -> None:
    """SUBLEQ: the encoder's layers, looped on their own output. Its norms divide by √1."""
    machine = compiled("subleq", 8, 32)
    x = torch.tensor(embed(COUNTDOWN, machine.plan)[None]).double()
    core = machine.model().double()
    layers = [layer(one) for one in core.transformer.layers]
    columns = matrix(x[0].T)
    for _ in range(steps):
        before, x = x, core(x)
        columns = formal.encoder_layers(columns, layers, relu)
        assert columns == matrix(x[0].T)
        assert not torch.equal(before, x)
