"""What cuts one mechanism out of a host of the table, by the name of its row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import elu

from looped.engines.dense import DenseEngine
from looped.nn import Attention
from looped.nn.mixers import (
    AdditiveAttention,
    CodedAttention,
    DifferentialAttention,
    GridAttention,
    HyperAttention,
    LinearAttention,
    ShapedAttention,
    TopAttention,
)
from looped.variants.graph_head import GraphHead

__all__ = ["IDLE", "WORKING", "Cut", "without_norms", "without_segments"]

Cut = Callable[[DenseEngine], None]
"""Changes the model of an engine in place."""


def _settled(kind: type[nn.Module], **parts: Any) -> Cut:
    """Sets attributes of all modules of a kind; a function maps the old tensor to the new one."""

    def cut(engine: DenseEngine) -> None:
        found = [part for part in engine.model.modules() if isinstance(part, kind)]
        assert found
        for part in found:
            for name, value in parts.items():
                old = getattr(part, name)
                if isinstance(old, Tensor):
                    old.data.copy_(value(old))
                else:
                    setattr(part, name, value)

    return cut


def without_norms(engine: DenseEngine) -> None:
    """No norm at all."""
    stack: Any = engine.model.transformer
    for layer in stack.layers:
        layer.input_layernorm, layer.post_attention_layernorm = nn.Identity(), nn.Identity()
    stack.norm = nn.Identity()


def _snaps(engine: DenseEngine) -> None:
    layers: Any = engine.model.transformer.layers
    for layer in layers:
        layer.snap.down_proj.weight.zero_()


def _second_map(engine: DenseEngine) -> None:
    """λ = 0, and what W_O doubled for it is halved: softmax attention."""
    for part in engine.model.modules():
        if isinstance(part, DifferentialAttention):
            part.lambda_init = 0.0
            part.o_proj.weight.mul_(0.5)


def _finder(engine: DenseEngine) -> None:
    """Columns find no address: before the first loop all lanes of positions are -1."""
    own = engine._code.own
    assert own is not None
    found: Any = own
    lanes = [x for name, x in found.plan.words.items() if name.startswith("position")]
    index = torch.tensor([lane for word in lanes for lane in word])
    engine._code = replace(engine._code, own=lambda x: x.index_fill(2, index, -1.0))


def _finder_in_loops(engine: DenseEngine) -> None:
    """Columns find their addresses once: there is nothing to ask a second time."""
    own, asked = engine._code.own, list[Tensor]()
    assert own is not None

    def once(x: Tensor) -> Tensor:
        assert not asked
        asked.append(x)
        return own(x)

    engine._code = replace(engine._code, own=once)


def _undo(engine: DenseEngine) -> None:
    stack: Any = engine.model.transformer
    assert all(weights[-1] == 1 and not weights[:-1].any() for weights in stack.alpha[:-1])
    stack.alpha[-1].zero_()[-1] = 1.0


def _carried(engine: DenseEngine) -> None:
    """The memory tokens of the next segment are those of this one."""
    recurrence: Any = engine.model.recurrence
    step = recurrence.step

    def forgetful(memory: Tensor, segment: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
        return memory, step(memory, segment, *rest)[1]

    recurrence.step = forgetful


def without_segments(engine: DenseEngine) -> None:
    """The memory tokens see no segment."""
    recurrence: Any = engine.model.recurrence

    def alone(memory: Tensor, segment: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
        return recurrence.transformer(memory), segment

    recurrence.step = alone


def _none(old: Tensor) -> Tensor:
    return torch.zeros_like(old)


def _random(old: Tensor) -> Tensor:
    return torch.randn(old.shape, generator=torch.Generator().manual_seed(0))


def _uniform(engine: DenseEngine) -> None:
    """Every column attends to all columns alike."""
    for part in engine.model.modules():
        if isinstance(part, Attention):
            part.q_proj.weight.zero_()


_MAGLAP = "eigenvectors of a directed graph (MagLap)"

WORKING: Mapping[str, tuple[Cut, ...]] = {
    "softmax, RMSNorm before each sub-layer": (_uniform,),
    "the same, absorbed": (_uniform,),
    "the same, snapped": (_snaps,),
    "learned sinusoidal positions (LSPE)": (_finder,),
    "no positions: columns count (NoPos)": (_finder,),
    "sinusoids as addresses": (_settled(CodedAttention, queries=_none),),
    "a trained table of addresses": (_settled(CodedAttention, keys=_none),),
    _MAGLAP: (_settled(CodedAttention, queries=_none), _settled(CodedAttention, keys=_none)),
    "MagLap, control-flow graph": (
        _settled(GraphHead, queries=_none),
        _settled(GraphHead, values=_none),
        _settled(CodedAttention, queries=_none),
    ),
    "additive attention": (_settled(AdditiveAttention, score=_none),),
    "differential, snapped": (_second_map, _snaps),
    "HyperAttention, hash = address bits": (
        _settled(HyperAttention, planes=_random),
        _settled(HyperAttention, sample=0),
        _settled(HyperAttention, align="rank"),
    ),
    "sparse attention, strided: three hops": (
        _settled(GridAttention, asked=_none),
        _settled(GridAttention, relays=_none),
    ),
    "sparse attention, fixed: three hops": (
        _settled(GridAttention, asked=_none),
        _settled(GridAttention, relays=_none),
    ),
    "top-1 attention": (_settled(TopAttention, k=34),),
    "linear attention, a feature a column": (
        _settled(LinearAttention, feature=lambda x: elu(x) + 1),
    ),
    "DenseFormer, the last block's changes": (_undo,),
    "recurrent memory (RMT)": (_carried, without_segments),
    "simplified: no values, no skip, parallel": (
        _settled(ShapedAttention, alpha=_none),
        _settled(ShapedAttention, beta=_none),
    ),
}
"""What a row needs: each of these cuts makes it wrong."""

IDLE: Mapping[str, Cut] = {
    "softmax, RMSNorm before each sub-layer": without_norms,
    "RMSNorm after each sub-layer": without_norms,
    "LayerNorm before each sub-layer": without_norms,
    "LayerNorm after each sub-layer": without_norms,
    "learned sinusoidal positions (LSPE)": _finder_in_loops,
    "no positions: columns count (NoPos)": _finder_in_loops,
    "differential attention": _second_map,
    "simplified: no values, no skip, parallel": _settled(ShapedAttention, gamma=_none),
}
"""What a row has and does not need: this cut changes nothing."""
