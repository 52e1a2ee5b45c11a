"""The neural core: an ordinary pre-norm transformer. It imports no other part of `looped`."""

from looped.nn.attention import Attention
from looped.nn.block import Block
from looped.nn.hooks import Cache, Hook, Site
from looped.nn.mlp import GatedMLP
from looped.nn.model import LoopedTransformer, Transformer

__all__ = [
    "Attention",
    "Block",
    "Cache",
    "GatedMLP",
    "Hook",
    "LoopedTransformer",
    "Site",
    "Transformer",
]
