"""Decision diagrams with numbers at their ends. They do not depend on weights, lanes or circuits.

The certificate, the proof of lifted code and the lifter share them. A wrong node could make a proof
wrong. So `tests/diagrams` compares every operation with evaluation state by state, and exhaustion
and lockstep (`looped.verify`) use no diagram. Facts about variables (`facts`) make code shorter; no
proof uses them.

Why not `dd` (PyPI, 0.6.0)? Its diagrams end in 0 and 1 only, so a function with other values takes
one diagram for each value. Certifying SUBLEQ with 32 words of 8 bits takes 1.7 s of processor time
with this package, 2.4 s with `dd.autoref` and 3.8 s with `dd.cudd`; with 1,024 words of 16 bits it
takes 1.2 s, and 5.4 s with `dd.cudd`.
"""

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
