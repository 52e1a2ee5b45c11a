"""The encoder-decoder: an encoder reads the program once, a decoder writes the run.

It is a Harvard machine (instructions and data are apart): instructions come by cross-attention from
the encoder, which never changes, and words come from the latest record of their address in the
decoder's text, or from the encoder if there is none. So a program must not write to its own
instructions. With the same text as a causal machine it needs one encoder layer and two decoder
layers.
"""

from __future__ import annotations

from looped.decoder.harvard.core import HarvardModel
from looped.decoder.harvard.layout import Layout

__all__ = ["HarvardModel", "Layout"]
