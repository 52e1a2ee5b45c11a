"""The modules of each system in the training check: two blocks of width 64 with four heads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from looped.learn.recall.check import check
from looped.learn.recall.stream import EVENTS, WIDTH
from looped.nn import Attention, Block, GatedMLP, Transformer
from looped.nn.mixers import (
    AdditiveAttention,
    CausalHyperAttention,
    CrossAttention,
    DecoderBlock,
    DifferentialAttention,
    LambdaAttention,
    LinearAttention,
    RotaryAttention,
    SelectiveAttention,
    ShapedAttention,
    SimplifiedBlock,
    SparseAttention,
    TopAttention,
    random_planes,
)
from looped.nn.norms import LayerNorm, PostBlock
from looped.nn.position import LearnedSinusoid, MagLapCode, NoCode, Rotary, SinusoidalCode
from looped.nn.stacks import (
    Basis,
    ContinuousAttention,
    DenseTransformer,
    EncoderDecoder,
    SegmentRecurrence,
)

__all__ = ["POSITIONS", "STACKS", "learned"]

_HEADS, _LANES, _HALF, _NOTES, _PATCH = 4, 16, EVENTS // 2, 8, 4
"""Heads, their lanes; events of a segment, and memory tokens, where there are segments; events of a
patch."""


@cache
def learned(name: str, steps: int) -> str:
    """The accuracy on reads of a system of STACKS or POSITIONS after training: mean ± standard
    deviation over three seeds."""
    stack = STACKS.get(name, STACKS["core"])
    positions = POSITIONS.get(name, POSITIONS["trained"])
    return str(check(stack, steps=steps, at=(), positions=positions))


def _mixer(made: Callable[..., Attention] = Attention, **settings: object) -> Attention:
    return made(WIDTH, _HEADS, _LANES, **settings)


def _block(
    mixer: Callable[[], nn.Module] = _mixer,
    norm: Callable[[int], nn.Module] = nn.RMSNorm,
    kind: type[Block] = Block,
) -> Block:
    return kind(norm(WIDTH), mixer(), norm(WIDTH), GatedMLP(WIDTH, 4 * WIDTH))


def _two(
    mixer: Callable[[], nn.Module] = _mixer,
    norm: Callable[[int], nn.Module] = nn.RMSNorm,
    kind: type[Block] = Block,
) -> Transformer:
    return Transformer([_block(mixer, norm, kind) for _ in range(2)], norm(WIDTH))


def _simplified() -> Transformer:
    blocks = [
        SimplifiedBlock(
            nn.RMSNorm(WIDTH), ShapedAttention(WIDTH, _HEADS), GatedMLP(WIDTH, 4 * WIDTH)
        )
        for _ in range(2)
    ]
    return Transformer(blocks, nn.RMSNorm(WIDTH))


class _EncoderDecoder(nn.Module):
    """A causal encoder of the first half of the events, and a decoder of the others."""

    def __init__(self) -> None:
        super().__init__()
        norms = [nn.RMSNorm(WIDTH) for _ in range(3)]
        mlp = GatedMLP(WIDTH, 4 * WIDTH)
        block = DecoderBlock(norms[0], _mixer(), norms[1], _mixer(CrossAttention), norms[2], mlp)
        encoder = Transformer([_block()], nn.RMSNorm(WIDTH))
        self.both = EncoderDecoder(encoder, Transformer([block], nn.RMSNorm(WIDTH)))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Map (B, EVENTS, WIDTH) to the same shape."""
        first, second = x.chunk(2, 1)
        encoded = self.both.encode(first, mask[:_HALF, :_HALF])
        return torch.cat([encoded, self.both.decode(second, encoded)], 1)


class _Segments(nn.Module):
    """Two segments with memory tokens between them (RMT)."""

    def __init__(self) -> None:
        super().__init__()
        self.recurrence = SegmentRecurrence(_two())
        self.memory = nn.Parameter(torch.randn(1, _NOTES, WIDTH))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Map (B, EVENTS, WIDTH) to the same shape, segment by segment."""
        size = _HALF + 2 * _NOTES
        own = torch.ones(size, size, dtype=torch.bool, device=x.device).tril()
        own[:_NOTES, :_NOTES] = own[-_NOTES:, -_NOTES:] = True
        memory = self.memory.expand(len(x), -1, -1)
        made = self.recurrence.run(memory, x.chunk(2, 1), own)
        return torch.cat([segment for _, segment in made], 1)


class _Patches(nn.Module):
    """A global block over patches of events, and a local one over the events of each (MEGABYTE)."""

    def __init__(self) -> None:
        super().__init__()
        self.inward, self.outward = (
            nn.Linear(_PATCH * WIDTH, WIDTH),
            nn.Linear(WIDTH, _PATCH * WIDTH),
        )
        self.globally, self.locally = (Transformer([_block()], nn.RMSNorm(WIDTH)) for _ in range(2))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Map (B, EVENTS, WIDTH) to the same shape; the global block sees the patches before."""
        count = EVENTS // _PATCH
        shifted = pad(x.view(len(x), count, -1), (0, 0, 1, -1))  # (B, patches, _PATCH · WIDTH)
        context = self.outward(self.globally(self.inward(shifted), mask=mask[:count, :count]))
        both = x + context.view(x.shape)
        own = self.locally(both.view(-1, _PATCH, WIDTH), mask=mask[:_PATCH, :_PATCH])
        result: Tensor = own.view(x.shape)
        return result


class _Continuous(nn.Module):
    """Two segments; the second one sees the first as a continuous signal (∞-former)."""

    def __init__(self) -> None:
        super().__init__()
        self.basis = Basis(_HALF, (0.05, 0.1))
        self.blocks = _two(partial(_mixer, ContinuousAttention, basis=self.basis))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Map (B, EVENTS, WIDTH) to the same shape, segment by segment."""
        first, second = x.chunk(2, 1)
        past = self.basis.fit(first, (torch.arange(_HALF) + 0.5) / _HALF)
        own = mask[:_HALF, :_HALF]
        return torch.cat([self.blocks(first, None, own), self.blocks(second, past, own)], 1)


STACKS: Mapping[str, Callable[[], nn.Module]] = {
    "core": _two,
    "rmsnorm-post": partial(_two, kind=PostBlock),
    "layernorm": partial(_two, norm=LayerNorm),
    "layernorm-post": partial(_two, norm=LayerNorm, kind=PostBlock),
    "additive": partial(_two, partial(_mixer, AdditiveAttention, units=4)),
    "differential": partial(_two, partial(_mixer, DifferentialAttention)),
    "hyper": partial(
        _two, partial(_mixer, CausalHyperAttention, planes=random_planes(3, _LANES), block=8)
    ),
    "sparse-strided": partial(_two, partial(_mixer, SparseAttention, stride=6)),
    "sparse-fixed": partial(_two, partial(_mixer, SparseAttention, stride=6, kind="fixed")),
    "top1": partial(_two, partial(_mixer, TopAttention)),
    "linear": partial(_two, partial(_mixer, LinearAttention, causal=True)),
    "denseformer": lambda: DenseTransformer([_block(), _block()], nn.RMSNorm(WIDTH)),
    "rmt": _Segments,
    "simplified": _simplified,
    "rotary": partial(_two, partial(_mixer, RotaryAttention, rotary=Rotary(_LANES))),
    "selective": partial(_two, partial(_mixer, SelectiveAttention)),
    "lambda": partial(_two, partial(_mixer, LambdaAttention, window=_HALF, sink=4)),
    "encoder-decoder": _EncoderDecoder,
    "megabyte": _Patches,
    "continuous": _Continuous,
}
"""Stacks by the name of the system."""

POSITIONS: Mapping[str, Callable[[], nn.Module]] = {
    "learned-sinusoidal": lambda: LearnedSinusoid(SinusoidalCode(WIDTH), WIDTH, WIDTH),
    "counted": partial(NoCode, WIDTH),
    "rotary": partial(NoCode, WIDTH),
    "sinusoidal": partial(SinusoidalCode, WIDTH),
    "trained": partial(nn.Embedding, EVENTS, WIDTH),
    "maglap": lambda: MagLapCode(torch.eye(EVENTS).roll(1, 1), WIDTH, 0.25, _HALF, WIDTH),
}
"""Positions by the name of the system, where they are not a trained table."""
