"""The weights of the core as the parameters of the formal algorithms."""

from __future__ import annotations

from torch import Tensor, nn

from looped.nn import Attention, Block, GatedMLP
from looped.nn.mixers import DecoderBlock
from tests.nn.formal.algorithms import MLP, Head, Layer, Matrix, MultiHead, Norm, Vector

__all__ = ["layer", "matrix", "norm"]


def matrix(weight: Tensor) -> Matrix:
    rows: Matrix = weight.detach().double().tolist()
    return rows


def vector(weight: Tensor | None, size: int, value: float) -> Vector:
    return [value] * size if weight is None else weight.detach().double().tolist()


def heads(mixer: Attention) -> MultiHead:
    """Their W_o is our o_proj; rows h·d_head … are those of head h."""
    weights = [matrix(part.weight) for part in (mixer.q_proj, mixer.k_proj, mixer.v_proj)]
    size = mixer.d_head
    cut = [[w[h * size : (h + 1) * size] for w in weights] for h in range(mixer.n_heads)]
    return MultiHead([Head(*parts) for parts in cut], matrix(mixer.o_proj.weight))


def norm(part: nn.Module) -> Norm:
    weight = getattr(part, "weight", None)
    bias, size = getattr(part, "bias", None), len(weight)
    return Norm(vector(weight, size, 1.0), vector(bias, size, 0.0), isinstance(part, nn.RMSNorm))


def mlp(part: nn.Module) -> MLP:
    if isinstance(part, GatedMLP):
        inner, outer, up = part.gate_proj, part.down_proj, matrix(part.up_proj.weight)
    else:
        inner, outer, up = part.inner, part.outer, None
    return MLP(
        matrix(inner.weight),
        vector(inner.bias, inner.out_features, 0.0),
        matrix(outer.weight),
        vector(outer.bias, outer.out_features, 0.0),
        up,
    )


def layer(block: Block) -> Layer:
    """One block. The norms come in the order of use."""
    norms = [block.input_layernorm, block.post_attention_layernorm]
    cross = None
    if isinstance(block, DecoderBlock):
        norms.insert(1, block.cross_layernorm)
        cross = heads(block.cross_attn)
    return Layer(heads(block.self_attn), mlp(block.mlp), [norm(part) for part in norms], cross)
