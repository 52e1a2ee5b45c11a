"""train: AdamW on a cosine schedule, with measurements and checkpoints on the way."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from looped.errors import FileError
from looped.learn.harness.metrics import Metrics, read_metrics
from looped.learn.harness.saved import load, save
from looped.learn.harness.schedule import Schedule
from looped.learn.harness.view import Shown

__all__ = ["Job", "Plan", "train"]

_LARGEST_GRADIENT = 1.0
"""The norm to which gradients are clipped: Adam's steps do not depend on their scale, so this only
limits the weight of a rare batch."""

_BETAS = (0.9, 0.98)
"""A shorter memory of squares than Adam's default: gradients grow a hundredfold when a head begins
to find its column."""


class Job(Protocol):
    """What is trained: a model, the loss of each step, and what is measured."""

    @property
    def model(self) -> nn.Module:
        """The model, whose parameters change."""

    def loss(self, step: int) -> Tensor:
        """The loss of a batch that depends on the seed and the step alone."""

    def measure(self) -> dict[str, float]:
        """Numbers by name, from data that no step trains on."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to train: schedule, weight decay, how often to measure and to write a checkpoint.

    With a folder there are `metrics.csv` and `checkpoint.safetensors` in it. `about` describes the
    run; `resume` continues a run with the same description.
    """

    schedule: Schedule
    decay: float = 0.01
    every: int = 200
    saves: int = 1000
    folder: Path | None = None
    about: Mapping[str, str] | None = None
    resume: bool = False


def train(job: Job, plan: Plan, shown: Shown = lambda done, values: None) -> Metrics:
    """Train to the end of the schedule. Raises FileError for files that cannot be used."""
    steps, about = plan.schedule.steps, dict(plan.about or {})
    optimizer = torch.optim.AdamW(
        [p for p in job.model.parameters() if p.requires_grad],
        lr=plan.schedule.peak,
        betas=_BETAS,
        weight_decay=plan.decay,
    )
    metrics, done = _begin(job, plan, optimizer, about)
    started, total = time.process_time(), 0.0
    for step in range(done, steps):
        total += _step(job, optimizer, plan.schedule.rate(step), step)
        if (step + 1) % plan.every == 0 or step + 1 == steps:
            count = plan.every if (step + 1) % plan.every == 0 else (step + 1) % plan.every
            spent = time.process_time() - started
            values = {"loss": total / count, **_measured(job)}
            metrics.add(step + 1, {**values, "cpu_seconds": spent})
            shown(step + 1, values)
            total = 0.0
        if plan.folder and ((step + 1) % plan.saves == 0 or step + 1 == steps):
            save(_checkpoint(plan.folder), job.model, optimizer, step + 1, about)
    return metrics


def _begin(
    job: Job, plan: Plan, optimizer: torch.optim.AdamW, about: Mapping[str, str]
) -> tuple[Metrics, int]:
    if plan.folder is None:
        return Metrics(), 0
    path = plan.folder / "metrics.csv"
    metrics, file = Metrics(path), _checkpoint(plan.folder)
    if plan.resume:
        done = load(file, job.model, about, optimizer)
        metrics.keep(read_metrics(path) if path.exists() else [], done)
        return metrics, done
    if file.exists():
        raise FileError(
            f"{plan.folder} has a checkpoint already", hint="--resume continues it; or name another"
        )
    plan.folder.mkdir(parents=True, exist_ok=True)
    return metrics, 0


def _checkpoint(folder: Path) -> Path:
    return folder / "checkpoint.safetensors"


def _step(job: Job, optimizer: torch.optim.AdamW, rate: float, step: int) -> float:
    for group in optimizer.param_groups:
        group["lr"] = rate
    job.model.train()
    loss = job.loss(step)
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(job.model.parameters(), _LARGEST_GRADIENT)
    optimizer.step()
    return float(loss.detach())


def _measured(job: Job) -> dict[str, float]:
    job.model.eval()
    with torch.no_grad():
        return job.measure()
