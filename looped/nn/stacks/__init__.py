"""Stacks over blocks, and what wraps a stack. Each is the core's stack in one setting."""

from looped.nn.stacks.continuous import (
    Basis,
    ContinuousAttention,
    LongTermAttention,
    remembered,
)
from looped.nn.stacks.dense import DenseTransformer
from looped.nn.stacks.encoder_decoder import EncoderDecoder
from looped.nn.stacks.injected import InjectedLoop
from looped.nn.stacks.megabyte import Megabyte
from looped.nn.stacks.segments import SegmentRecurrence

__all__ = [
    "Basis",
    "ContinuousAttention",
    "DenseTransformer",
    "EncoderDecoder",
    "InjectedLoop",
    "LongTermAttention",
    "Megabyte",
    "SegmentRecurrence",
    "remembered",
]
