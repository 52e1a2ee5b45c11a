"""What does not host the machine, and where what hosts it ends: rows and curves from runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from looped.study.variants.curves import (
    continuous_errors,
    linear_errors,
    product_errors,
    retained_errors,
)
from looped.study.variants.programs import MEMORY
from looped.study.variants.row import Row, Training
from looped.study.variants.traces import Trace, needed_window, run_trace, windowed

__all__ = ["FUNCTIONS", "LOADS", "LOSSY", "capacities", "lossy_rows", "retention", "windows"]

FUNCTIONS = 128
"""Features, or basis functions, of the memories whose capacity is measured."""

LOADS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
"""Words that are kept, as a multiple of FUNCTIONS."""

_WINDOWS = (0.25, 0.5, 0.75, 0.9, 1.0)
"""Windows, as a share of the one that is enough."""

_UPDATES, _MOST = 4, 7
"""Later writes after which a row says what is lost, and of the curve."""

LOSSY: Sequence[tuple[str, Callable[[int, int], float]]] = (
    ("linear attention, one-hot features", product_errors),
    ("linear attention, elu + 1", linear_errors),
    ("∞-former, a continuous memory", lambda functions, words: continuous_errors(words, functions)),
)
"""Memories of fixed size: the share of wrong bits by functions and words."""


def lossy_rows(training: Training | None = None) -> list[Row]:
    """The two that lose bits: of as many words as functions; and of what was written before."""
    linear = f"{linear_errors(MEMORY, MEMORY):.0%} of the bits wrong, {MEMORY} words"
    past = f"{retained_errors(_UPDATES):.0%} of the bits wrong after {_UPDATES} writes"
    found = (
        ("linear attention, elu + 1", linear, MEMORY, "linear"),
        ("∞-former, a continuous memory", past, FUNCTIONS, "continuous"),
    )
    return [
        Row(
            name, "", 0, fault, "", "approximate", None, 1, lanes, 0, 0, "none", None,
            "" if training is None else training(learner),
        )
        for name, fault, lanes, learner in found
    ]  # fmt: skip


def retention() -> str:
    """The share of wrong bits of a block in a continuous memory, by later blocks: in Markdown."""
    row = [f"{100 * retained_errors(updates):.1f}" for updates in range(_MOST)]
    head = ["wrong bits, %, ∞-former, 16 words", *(f"{n} writes later" for n in range(_MOST))]
    return _markdown(head, [["the first block", *row]])


def capacities() -> str:
    """The share of wrong bits, in percent, by what is kept: in Markdown."""
    words = [int(load * FUNCTIONS) for load in LOADS]
    rows = [
        [name, *(f"{100 * errors(FUNCTIONS, count):.1f}" for count in words)]
        for name, errors in LOSSY
    ]
    return _markdown(
        [f"wrong bits, %, {FUNCTIONS} functions", *(f"{n} words" for n in words)], rows
    )


def windows(steps: int) -> str:
    """Steps that are equal to the reference, by the window of a causal machine: in Markdown."""
    counts = [int(share * needed_window()) for share in _WINDOWS]
    rows = []
    for name, refresh in (("with refreshes", True), ("without", False)):
        found = [
            run_trace(Trace(name, windowed(n, refresh), "", "lambda"), steps).steps for n in counts
        ]
        rows.append([name, *(f"{n:,}" for n in found)])
    head = f"steps equal, of {3 * steps:,}, by the window"
    return _markdown([head, *(f"{n} tokens" for n in counts)], rows)


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
