"""The neural core: an ordinary pre-norm transformer. It imports no other part of `looped`."""

from looped.nn.attention import Attention
from looped.nn.block import Block
from looped.nn.mlp import GatedMLP
from looped.nn.model import LoopedTransformer, Transformer

__all__ = ["Attention", "Block", "GatedMLP", "LoopedTransformer", "Transformer"]
