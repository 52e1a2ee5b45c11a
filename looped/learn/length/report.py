"""The tables of length generalisation."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean, pstdev

from looped.learn.length.study import LENGTHS, Result
from looped.learn.markdown import table

__all__ = ["report"]

_NAMES = {
    "looped": "looped, one loop per place",
    "halting": "looped, halts by confidence",
    "fixed": "six blocks",
    "injection": "without input injection",
    "tying": "without weight tying",
    "loops": "without loops by length",
    "norm": "without the norm after each loop",
    "previous": "without the bias to the previous place",
    "curriculum": "without the curriculum",
}


def report(results: Sequence[Result], lengths: Sequence[int] = LENGTHS) -> str:
    """The share of inputs that are right in all places, by length; mean loops for halting.

    Of several results of a model at a length, one for each seed, the mean ± standard deviation.
    """
    rows = []
    for model in dict.fromkeys(r.model for r in results):
        own = [[r for r in results if (r.model, r.places) == (model, n)] for n in lengths]
        rows.append([_NAMES[model], *map(_cell, own)])
    return table(["model", *(f"{places} places" for places in lengths)], rows)


def _cell(own: Sequence[Result]) -> str:
    text = f"{mean(r.right for r in own):.1%}"
    if len(own) > 1:
        text += f" ± {pstdev(r.right for r in own):.1%}".removesuffix("%")
    return text + (f" ({mean(r.loops for r in own):.0f})" if own[0].model == "halting" else "")
