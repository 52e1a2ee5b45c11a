"""Lemmas: claims about a few words, shown from a few premises and nothing else.

A solver that sees a whole circuit loses its way in what has no bearing on a claim. A lemma shows it
only what matters, and gives long terms names, so that it does not look into them.
"""

from __future__ import annotations

import z3

from looped.symbolic.loop import Claim

__all__ = ["Name", "lemma"]


class Name:
    """A new constant, `word`, and the condition `holds` that it stands for a term.

    Since nothing else has the constant, the condition excludes no state.
    """

    __slots__ = ("holds", "word")

    def __init__(self, name: str, term: z3.BitVecRef) -> None:
        self.word: z3.BitVecRef = z3.FreshConst(term.sort(), name)
        self.holds: z3.BoolRef = self.word == term


def lemma(what: str, holds: z3.BoolRef, *premises: Claim | Name | z3.BoolRef) -> Claim:
    """A claim that follows from some claims, from what names stand for, and from conditions."""
    terms = (p if isinstance(p, z3.BoolRef) else p.holds for p in premises)
    return Claim(what, holds, (*terms,))
