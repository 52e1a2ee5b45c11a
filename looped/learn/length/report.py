"""The table of length generalisation."""

from __future__ import annotations

from collections.abc import Sequence

from looped.learn.length.study import LENGTHS, Result
from looped.learn.markdown import table

__all__ = ["report"]

_NAMES = {
    "looped": "looped, one loop per place",
    "halting": "looped, halts by confidence",
    "fixed": "six blocks",
}


def report(results: Sequence[Result], lengths: Sequence[int] = LENGTHS) -> str:
    """The share of inputs that are right in all places, by length; mean loops for halting."""
    by = {(r.problem, r.model, r.places): r for r in results}
    rows = []
    for problem in dict.fromkeys(r.problem for r in results):
        for model, name in _NAMES.items():
            own = [by[problem, model, places] for places in lengths]
            halts = model == "halting"
            cells = [f"{r.right:.1%}" + (f" ({r.loops:.0f})" if halts else "") for r in own]
            rows.append([f"{problem}: {name}", *cells])
    return table(["model", *(f"{places} places" for places in lengths)], rows)
