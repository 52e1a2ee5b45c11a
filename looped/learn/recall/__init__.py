"""The training check of all variants: variables written and read in a stream of tokens."""

from looped.learn.recall.check import Recall, check
from looped.learn.recall.stream import EVENTS, WIDTH
from looped.learn.recall.systems import learned

__all__ = ["EVENTS", "WIDTH", "Recall", "check", "learned"]
