"""How far each model gets: trained to 20 places, tested to 60."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from looped.learn.harness import Plan, Schedule, seeded, train
from looped.learn.harness.view import Shown
from looped.learn.length.models import Fixed, Looped
from looped.learn.length.problems import Problem

__all__ = ["LENGTHS", "TRAINED", "Result", "generalisation"]

TRAINED = 20
LENGTHS = (10, 20, 30, 40, 50, 60)

_BLOCKS = 6
"""The depth of the baseline: six times the parameters of the looped block."""

_EXTRA = 4
"""At most so many loops more than places in training: the answer becomes a fixed point."""

_CONFIDENCE = 0.9
_BATCH, _TEST = 64, 256
_RATE = 2e-3


@dataclass(frozen=True, slots=True)
class Result:
    """The share of inputs with all places right at a length.

    `model` is `looped` with as many loops as places, `halting` by confidence, or `fixed`. `loops`
    is the mean number of loops, or the number of blocks.
    """

    problem: str
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
    """Train both models on 1 to 20 places, and test them at each length."""
    torch.manual_seed(seed)
    looped = _LoopedJob(problem, seed, device)
    fixed = _FixedJob(problem, seed, device)
    plan = Plan(Schedule(steps, _RATE), every=max(1, steps // 10))
    train(looped, plan, shown)
    train(fixed, plan, shown)
    found = []
    with torch.no_grad():
        for places in lengths:
            found += _tested(problem, places, looped, fixed)
    return found


def _tested(problem: Problem, places: int, looped: _LoopedJob, fixed: _FixedJob) -> list[Result]:
    tokens, answers = looped.drawn(_TEST, places, "test")
    known = looped.model(tokens, places).argmax(-1)
    halted, loops = looped.model.halting(tokens, 2 * places, _CONFIDENCE)
    stacked = fixed.model(tokens).argmax(-1)
    rows = (
        ("looped", known, float(places)),
        ("halting", halted, loops.float().mean().item()),
        ("fixed", stacked, float(_BLOCKS)),
    )
    return [
        Result(problem.name, name, places, _all_right(own, answers), count)
        for name, own, count in rows
    ]


def _all_right(own: Tensor, answers: Tensor) -> float:
    return (own == answers).all(-1).float().mean().item()


class _LoopedJob:
    """Trains a looped block with as many loops as places, and up to four more."""

    def __init__(self, problem: Problem, seed: int, device: str) -> None:
        self.model = Looped(problem.tokens).to(device)
        self.problem, self.seed, self.device = problem, seed, device

    def loss(self, step: int) -> Tensor:
        """Cross entropy after the last loop."""
        rng = seeded(self.seed, "length", step)
        places = rng.randint(1, TRAINED)
        tokens, answers = self.drawn(_BATCH, places, self.seed, step)
        scores = self.model(tokens, places + rng.randint(0, _EXTRA))
        return cross_entropy(scores.flatten(0, 1), answers.flatten())

    def measure(self) -> dict[str, float]:
        """The share of inputs that are right at the longest trained length."""
        tokens, answers = self.drawn(_TEST, TRAINED, "check")
        return {"right": _all_right(self.model(tokens, TRAINED).argmax(-1), answers)}

    def drawn(self, count: int, places: int, *seed: object) -> tuple[Tensor, Tensor]:
        """Tokens and answers on the device."""
        tokens, answers = self.problem.draw(count, places, *seed)
        return tokens.to(self.device), answers.to(self.device)


class _FixedJob:
    """Trains the baseline on the same batches."""

    def __init__(self, problem: Problem, seed: int, device: str) -> None:
        self.model = Fixed(problem.tokens, _BLOCKS).to(device)
        self.problem, self.seed, self.device = problem, seed, device

    def loss(self, step: int) -> Tensor:
        """Cross entropy."""
        places = seeded(self.seed, "length", step).randint(1, TRAINED)
        tokens, answers = self._drawn(_BATCH, places, self.seed, step)
        return cross_entropy(self.model(tokens).flatten(0, 1), answers.flatten())

    def measure(self) -> dict[str, float]:
        """The share of inputs that are right at the longest trained length."""
        tokens, answers = self._drawn(_TEST, TRAINED, "check")
        return {"right": _all_right(self.model(tokens).argmax(-1), answers)}

    def _drawn(self, count: int, places: int, *seed: object) -> tuple[Tensor, Tensor]:
        tokens, answers = self.problem.draw(count, places, *seed)
        return tokens.to(self.device), answers.to(self.device)
