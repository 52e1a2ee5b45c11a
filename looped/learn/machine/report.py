"""A learned machine beside the compiled one: exact loops by kind, and loops before an error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from looped.artefact.plan import CompiledMachine
from looped.learn.harness import Metrics
from looped.learn.machine.job import MachineJob
from looped.learn.machine.samples import KINDS
from looped.learn.markdown import table

__all__ = ["Loops", "looped", "report"]


@dataclass(frozen=True, slots=True)
class Loops:
    """Runs of a model on its own output: the mean number of loops before the first wrong bit, and
    how many of `runs` have none after `most` loops."""

    mean: float
    right: int
    runs: int
    most: int


def looped(
    machine: CompiledMachine, step: Callable[[Tensor], Tensor], x: Tensor, snap: bool, most: int
) -> Loops:
    """Apply `step` again and again to states x (B, columns, d_model), beside the machine.

    A snap is the sign of each lane. The host gives no further input.
    """
    exact, clean = machine.model().to(x.device), x
    right = torch.ones(len(x), dtype=torch.bool, device=x.device)
    lived = torch.zeros(len(x), device=x.device)
    with torch.no_grad():
        for _ in range(most):
            x, clean = step(x), exact(clean)
            if snap:
                x = torch.where(x > 0, 1.0, -1.0)
            right &= ((x > 0) == (clean > 0)).all(-1).all(-1)
            lived += right
            if not bool(right.any()):
                break
    return Loops(lived.mean().item(), int(right.sum()), len(x), most)


def report(
    machine: CompiledMachine, job: MachineJob, metrics: Metrics, runs: int = 64, most: int = 50
) -> str:
    """Three tables: the curve, exact loops by kind, loops before the first wrong bit."""
    rows = metrics.rows[:: max(1, len(metrics.rows) // 8)]
    rows = rows if rows[-1] is metrics.rows[-1] else [*rows, metrics.rows[-1]]
    curve = table(
        ["step", "CPU seconds", "loss", "exact loops", "bits of pc", "bits of the written word"],
        [
            [f"{row['step']:,.0f}", f"{row['cpu_seconds']:.0f}", f"{row['loss']:.2f}"]
            + [f"{row[name]:.1%}" for name in ("exact", "pc bits", "written bits")]
            for row in rows
        ],
    )
    before, after = job.streams(job.test)
    compiled = ((machine.model()(before.cpu()) == after.cpu()).all(-1).all(-1)).numpy()
    own = [f"{metrics.rows[-1][kind]:.1%}" for kind in KINDS]
    sure = [f"{compiled[job.test.kinds == i].mean():.0%}" for i in range(len(KINDS))]
    count = [int((job.test.kinds == i).sum()) for i in range(len(KINDS))]
    parameters = sum(p.numel() for p in job.machine.parameters())
    kinds = table(
        ["machine", "parameters", *(f"{k} ({n})" for k, n in zip(KINDS, count, strict=True))],
        [
            ["learned", f"{parameters:,}", *own],
            ["compiled", f"{machine.parameters:,}", *sure],
        ],
    )
    return "\n\n".join([curve, kinds, _loops(machine, job, before[:runs], most)])


def _loops(machine: CompiledMachine, job: MachineJob, x: Tensor, most: int) -> str:
    steps = (("learned", job.machine), ("compiled", machine.model().to(x.device)))
    rows = []
    for name, step in steps:
        row: list[object] = [name]
        for snap in (False, True):
            found = looped(machine, step, x, snap, most)
            row += [f"{found.mean:.1f}", f"{found.right} of {found.runs}"]
        rows.append(row)
    head = ["machine", "loops before a wrong bit", f"right after {most}"]
    return table([*head, "with snap: loops", f"right after {most} with snap"], rows)
