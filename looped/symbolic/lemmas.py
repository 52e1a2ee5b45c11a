"""Lemmas: claims about a few words, shown from a few premises and nothing else.

A solver that sees a whole circuit loses its way in what has no bearing on a claim. A lemma shows it
only what matters, and gives long terms names, so that it does not look into them.
"""

from __future__ import annotations

from typing import NamedTuple

import z3

from looped.symbolic.loop import Claim

__all__ = ["Name", "lemma", "named"]


class Name(NamedTuple):
    """A word that nothing else uses, and the condition that it is what it stands for."""

    word: z3.BitVecRef
    holds: z3.BoolRef


def named(name: str, term: z3.BitVecRef) -> Name:
    """A new name for a word. To assume its condition excludes no state."""
    word = z3.FreshConst(term.sort(), name)
    return Name(word, word == term)


def lemma(what: str, holds: z3.BoolRef, *premises: Claim | Name | z3.BoolRef) -> Claim:
    """A claim that follows from some claims, from what names stand for, and from conditions."""
    terms = (p if isinstance(p, z3.BoolRef) else p.holds for p in premises)
    return Claim(what, holds, (*terms,))
