"""Compiled weights plus Gaussian noise, trained back on loops of random programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from looped.artefact.plan import CompiledMachine
from looped.learn.harness import Plan, Schedule, train
from looped.learn.machine.samples import Loops, Sampler

__all__ = ["Basin", "basin"]

_BATCH, _TEST = 24, 200
_SHARE = 1 / 30
"""The learning rate, as a share of σ: a hundred steps can undo the noise, and add little to it."""


@dataclass(frozen=True, slots=True)
class Basin:
    """The share of loops after which every sign is right, for weights with noise σ, before and
    after training."""

    sigma: float
    before: float
    after: float


def basin(machine: CompiledMachine, sigma: float, steps: int, seed: int) -> Basin:
    """Add noise σ to every weight of every matrix, and train all of them."""
    job = _Job(machine, sigma, seed)
    before = job.share()
    train(job, Plan(Schedule(steps, max(_SHARE * sigma, 1e-9), warmup=10), decay=0, every=steps))
    return Basin(sigma, before, job.share())


class _Job:
    """The squared error of all lanes after one loop."""

    def __init__(self, machine: CompiledMachine, sigma: float, seed: int) -> None:
        self.plan, self.seed = machine.plan, seed
        self.model = machine.model().requires_grad_(True)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in self.model.parameters():
                if parameter.ndim == 2:
                    parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=sigma)
        sampler = Sampler(machine.plan, "test")
        self.states = sampler.states
        self.test = sampler.take(_TEST)

    def loss(self, step: int) -> Tensor:
        """The loss of a batch."""
        before, after = self._streams(Sampler(self.plan, f"{self.seed} {step}").take(_BATCH))
        error: Tensor = (self.model(before) - after).square().sum(-1).mean()
        return error

    def measure(self) -> dict[str, float]:
        """The share of test loops after which every sign is right."""
        return {"exact": self.share()}

    def share(self) -> float:
        """The share of test loops after which every sign is right."""
        before, after = self._streams(self.test)
        with torch.no_grad():
            right = (self.model(before) > 0) == (after > 0)
        share: float = right.flatten(1).all(-1).float().mean().item()
        return share

    def _streams(self, loops: Loops) -> Iterator[Tensor]:
        rows = (loops.before, loops.after)
        return (torch.from_numpy(self.states.streams(each)).float() for each in rows)
