"""The transformers of other architectures that a compiled machine can run on."""

from looped.variants.model import model_of
from looped.variants.streams import StreamCode, stream_code

__all__ = ["StreamCode", "model_of", "stream_code"]
