"""How far each model gets: trained to 20 places, tested to 60."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from looped.learn.harness import Plan, Schedule, train
from looped.learn.harness.view import Shown
from looped.learn.length.job import LengthJob, all_right
from looped.learn.length.models import Fixed, Looped
from looped.learn.length.problems import Problem
from looped.learn.length.recipe import Recipe

__all__ = ["LENGTHS", "Result", "ablation", "generalisation"]

LENGTHS = (10, 20, 30, 40, 50, 60)

_BLOCKS = 6
"""The depth of the baseline: six times the parameters of the looped block."""

_RATE = 2e-3


@dataclass(frozen=True, slots=True)
class Result:
    """The share of inputs with all places right at a length.

    `model` is `looped` with as many loops as places, `halting` by confidence, `fixed`, or the
    ingredient that a looped block lacks. `loops` is the mean number of loops, or of blocks.
    """

    model: str
    places: int
    right: float
    loops: float


def generalisation(
    problem: Problem,
    steps: int,
    seed: int = 0,
    lengths: Sequence[int] = LENGTHS,
    device: str = "cpu",
    shown: Shown = lambda done, values: None,
) -> list[Result]:
    """Train a looped block and a stack on 1 to 20 places, and test them at each length."""
    torch.manual_seed(seed)
    looped, fixed = Looped(problem.tokens), Fixed(problem.tokens, _BLOCKS)
    jobs = [LengthJob(problem, model, Recipe(), steps, seed, device) for model in (looped, fixed)]
    for job in jobs:
        _trained(job, shown)
    found = []
    with torch.no_grad():
        for places in lengths:
            tokens, answers = jobs[0].test(places)
            halted, loops = looped.halting(tokens, 2 * places)
            found += [
                Result("looped", places, jobs[0].right(places), places),
                Result("halting", places, all_right(halted, answers), loops.float().mean().item()),
                Result("fixed", places, jobs[1].right(places), _BLOCKS),
            ]
    return found


def ablation(
    problem: Problem,
    steps: int,
    seed: int = 0,
    lengths: Sequence[int] = LENGTHS,
    device: str = "cpu",
    shown: Shown = lambda done, values: None,
) -> list[Result]:
    """Train looped blocks with all ingredients, and without one each, and test them."""
    found = []
    for name, recipe in (("looped", Recipe()), *Recipe().without_each()):
        torch.manual_seed(seed)
        model = Looped(problem.tokens, recipe)
        job = _trained(LengthJob(problem, model, recipe, steps, seed, device), shown)
        with torch.no_grad():
            found += [Result(name, n, job.right(n), recipe.count(n)) for n in lengths]
    return found


def _trained(job: LengthJob, shown: Shown) -> LengthJob:
    train(job, Plan(Schedule(job.steps, _RATE), every=max(1, job.steps // 10)), shown)
    return job
