"""Norms and their placement. RMSNorm is `torch.nn.RMSNorm`."""

from looped.nn.norms.complement import complement, complemented
from looped.nn.norms.layer import LayerNorm
from looped.nn.norms.post import PostBlock
from looped.nn.norms.rms import exact_gain, is_identity_on_signs

__all__ = [
    "LayerNorm",
    "PostBlock",
    "complement",
    "complemented",
    "exact_gain",
    "is_identity_on_signs",
]
