"""Mixers: attention and its variants. Each is the core's attention in one setting."""

from looped.nn.mixers.additive import AdditiveAttention
from looped.nn.mixers.coded import CodedAttention
from looped.nn.mixers.cross import CrossAttention, DecoderBlock, PostDecoderBlock
from looped.nn.mixers.differential import DifferentialAttention
from looped.nn.mixers.grid import GridAttention
from looped.nn.mixers.hashing import axis_planes, hashed, random_planes
from looped.nn.mixers.hyper import HyperAttention
from looped.nn.mixers.hyper_causal import CausalHyperAttention
from looped.nn.mixers.linear import BitProduct, LinearAttention, elu_plus_one
from looped.nn.mixers.masked import CausalAttention, PatternAttention, SparseAttention
from looped.nn.mixers.rotary import RotaryAttention
from looped.nn.mixers.selective import SelectiveAttention
from looped.nn.mixers.shaped import ShapedAttention, SimplifiedBlock
from looped.nn.mixers.top import TopAttention
from looped.nn.mixers.variant import Variant
from looped.nn.mixers.window import LambdaAttention

__all__ = [
    "AdditiveAttention",
    "BitProduct",
    "CausalAttention",
    "CausalHyperAttention",
    "CodedAttention",
    "CrossAttention",
    "DecoderBlock",
    "DifferentialAttention",
    "GridAttention",
    "HyperAttention",
    "LambdaAttention",
    "LinearAttention",
    "PatternAttention",
    "PostDecoderBlock",
    "RotaryAttention",
    "SelectiveAttention",
    "ShapedAttention",
    "SimplifiedBlock",
    "SparseAttention",
    "TopAttention",
    "Variant",
    "axis_planes",
    "elu_plus_one",
    "hashed",
    "random_planes",
]
