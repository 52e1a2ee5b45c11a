"""check: train a stack of any mixers on streams of events, from several seeds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from looped.learn.harness import Plan, Schedule, train
from looped.learn.recall.stream import EVENTS, NO_ANSWER, TOKENS, VALUES, WIDTH, streams
from looped.nn import Transformer

__all__ = ["Recall", "check", "plain"]

_BATCH = 64
_TEST = 256
_RATE = 3e-3


def plain() -> nn.Module:
    """The core: two blocks with four heads of 16."""
    return Transformer.stock(WIDTH, n_blocks=2, n_heads=4, d_head=16, d_ff=4 * WIDTH)


@dataclass(frozen=True, slots=True)
class Recall:
    """The accuracy on reads by the number of steps: for each seed."""

    accuracy: Mapping[int, tuple[float, ...]]
    parameters: int
    cpu_seconds: float

    def mean(self, steps: int) -> float:
        return statistics.fmean(self.accuracy[steps])

    def spread(self, steps: int) -> float:
        """The standard deviation over the seeds; 0 for a single one."""
        return statistics.stdev(self.accuracy[steps]) if len(self.accuracy[steps]) > 1 else 0.0

    def __str__(self) -> str:
        return " → ".join(f"{self.mean(n):.3f} ± {self.spread(n):.3f}" for n in self.accuracy)


def check(
    stack: Callable[[], nn.Module],
    seeds: Sequence[int] = (0, 1, 2),
    steps: int = 1000,
    at: Sequence[int] = (200,),
    device: str = "cpu",
    positions: Callable[[], nn.Module] = lambda: nn.Embedding(EVENTS, WIDTH),
) -> Recall:
    """Train a fresh stack from each seed, and measure it after the steps `at` and at the end.

    A stack maps (B, EVENTS, WIDTH) to the same shape; it is called as `stack(x, mask=causal)`.
    Positions map numbers of events to codes (EVENTS, WIDTH), by default a trained table.
    """
    started = time.process_time()
    marks = sorted({*(n for n in at if n < steps), steps})
    found: dict[int, list[float]] = {mark: [] for mark in marks}
    parameters = 0
    for seed in seeds:
        torch.manual_seed(seed)
        job = _Job(_Reader(stack(), positions), seed, device)
        parameters = sum(p.numel() for p in job.model.parameters())
        plan = Plan(Schedule(steps, _RATE, warmup=50), every=_step_between(marks))
        for row in train(job, plan).rows:
            if row["step"] in found:
                found[int(row["step"])].append(row["accuracy"])
    accuracy = {mark: tuple(values) for mark, values in found.items()}
    return Recall(accuracy, parameters, time.process_time() - started)


def _step_between(marks: Sequence[int]) -> int:
    """The largest interval of measurements that meets all marks."""
    return next(n for n in range(marks[0], 0, -1) if all(mark % n == 0 for mark in marks))


class _Reader(nn.Module):
    """Embedding and positions, a stack, and a linear map to values."""

    def __init__(self, stack: nn.Module, positions: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.tokens = nn.Embedding(TOKENS, WIDTH)
        self.positions = positions()
        self.stack = stack
        self.answer = nn.Linear(WIDTH, VALUES)
        self.register_buffer("causal", torch.ones(EVENTS, EVENTS, dtype=torch.bool).tril())
        self.register_buffer("events", torch.arange(EVENTS))

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (B, EVENTS) to scores of values (B, EVENTS, VALUES)."""
        x = self.tokens(tokens) + self.positions(self.events)  # (B, EVENTS, WIDTH)
        result: Tensor = self.answer(self.stack(x, mask=self.causal))
        return result


class _Job:
    """Trains a reader; tests it on streams that no step sees."""

    def __init__(self, reader: nn.Module, seed: int, device: str) -> None:
        self.model = reader.to(device)
        self.seed, self.device = seed, device
        self.test = self._draw(_TEST, -1)

    def loss(self, step: int) -> Tensor:
        """Cross entropy on the reads of a batch."""
        tokens, answers = self._draw(_BATCH, step)
        scores = self.model(tokens).flatten(0, 1)
        return cross_entropy(scores, answers.flatten(), ignore_index=NO_ANSWER)

    def measure(self) -> dict[str, float]:
        """The share of reads that are answered right."""
        tokens, answers = self.test
        asked = answers != NO_ANSWER
        right = self.model(tokens).argmax(-1)[asked] == answers[asked]
        return {"accuracy": right.float().mean().item()}

    def _draw(self, count: int, step: int) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed((self.seed << 32) + step + 1)
        tokens, answers = streams(count, generator)
        return tokens.to(self.device), answers.to(self.device)
