"""Transfer: which column a head of the CPU reads, and into which one a head writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from looped.study.cache import PlanCache
from looped.study.parts import Head, parts

__all__ = ["Transfer", "transfers"]


@dataclass(frozen=True, slots=True)
class Transfer:
    """One column that attends to another one in a head.

    `score` is the score of the column that it attends to, `margin` by how much it exceeds all
    others, both before scaling by β. `carries` says whether the head adds anything: a word that is
    zero adds nothing.
    """

    head: Head
    asks: int
    answers: int
    score: float
    margin: float
    carries: bool

    def writes(self, cpus: range) -> bool:
        """Whether a CPU column answers: its word then goes into the column that asks."""
        return self.answers in cpus


def transfers(cache: PlanCache, loop: int = -1) -> Iterator[Transfer]:
    """The reads and writes of a loop, by the patterns of its heads, block by block.

    Columns that take no part in a head all attend to one column, or each to itself, and are left
    out. Raises ValueError if a pattern is not exactly one-hot.
    """
    plan = cache.plan
    for part in parts(plan):
        if not isinstance(part, Head):
            continue
        attended = cache.head(part.name, part.block, loop)
        others = np.unique(attended[: plan.cpu])
        own = np.arange(len(attended))
        if len(others) == 1:  # a read: all columns of memory attend to where nothing is
            asking = [c for c in plan.cpus if attended[c] not in (c, others[0])]
        else:
            asking = np.flatnonzero(attended[: plan.cpu] != own[: plan.cpu]).tolist()
        yield from (_transfer(cache, part, c, int(attended[c]), loop) for c in asking)


def _transfer(cache: PlanCache, head: Head, asks: int, answers: int, loop: int) -> Transfer:
    activations, site = cache.activations.loops[loop], f"blocks.{head.block}.attn"
    scores = activations[f"{site}.hook_attn_scores"][0, head.index, asks]
    best, following = (float(s) for s in scores.topk(2).values)
    beta = cache.plan.blocks[head.block].heads[head.index].beta
    carries = bool(activations[f"{site}.hook_z"][0, asks, head.index].any())
    return Transfer(head, asks, answers, best / beta, (best - following) / beta, carries)
