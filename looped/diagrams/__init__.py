"""Decision diagrams with numbers at their ends. They know nothing of weights, lanes or circuits."""

from looped.diagrams.facts import DiagramsUnderFacts, Facts
from looped.diagrams.space import Branch, Diagrams, Node, Number, TooLarge, Work

__all__ = [
    "Branch",
    "Diagrams",
    "DiagramsUnderFacts",
    "Facts",
    "Node",
    "Number",
    "TooLarge",
    "Work",
]
