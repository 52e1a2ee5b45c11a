"""The assembly language of FLEQ: text that reads like the mathematics, to image."""

from looped.lang.fleq.language import FLEQ

__all__ = ["FLEQ"]
