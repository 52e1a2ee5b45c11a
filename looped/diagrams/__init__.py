"""Decision diagrams with numbers at their ends. They know nothing of weights, lanes or circuits."""

from looped.diagrams.space import Diagrams, Number, TooLarge, Work

__all__ = ["Diagrams", "Number", "TooLarge", "Work"]
