"""A compiled machine as an attractor: what it does to noise in its state.

Each state of a machine is a vertex ±1 of a cube, a point of a sphere. Without a snap a loop
amplifies noise: thresholds of carries have steep units. A snap before each sub-layer moves every
lane towards its sign, so each vertex is a cluster of its own, with a basin.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from looped.artefact.plan import CompiledMachine
from looped.learn.machine.samples import Sampler
from looped.nn import Hook, LoopedTransformer, Site

__all__ = ["Amplification", "Survival", "amplification", "snap", "snaps", "survival"]


def snap(x: Tensor) -> Tensor:
    """`relu(2x + 1) - relu(2x - 1) - 1`, two ReLU units for each lane: clamp(2x, -1, 1)."""
    return (2 * x).clamp(-1, 1)


def snaps(model: LoopedTransformer) -> dict[str, Hook]:
    """Hooks that snap the residual stream before each sub-layer."""

    def hook(x: Tensor, site: Site) -> Tensor:
        return snap(x)

    ends = ("hook_resid_pre", "hook_resid_mid")
    return {f"blocks.{i}.{end}": hook for i in range(model.n_blocks) for end in ends}


@dataclass(frozen=True, slots=True)
class Amplification:
    """The largest error of a lane after one loop, for noise of a size on all lanes before it, and
    the Lyapunov factor: their ratio."""

    snapped: bool
    noise: float
    error: float

    @property
    def factor(self) -> float:
        return self.error / self.noise


@dataclass(frozen=True, slots=True)
class Survival:
    """Runs under fresh noise σ on all lanes before each loop: how many of `runs` are right after
    `steps` loops, and the mean number of loops before the first wrong sign."""

    snapped: bool
    sigma: float
    runs: int
    alive: int
    mean_steps: float


def amplification(
    machine: CompiledMachine, noise: float, snapped: bool, states: int = 64, seed: int = 0
) -> Amplification:
    """Measure one loop on states of random programs."""
    run = _runner(machine, snapped)
    before = _states(machine, states, seed)
    generator = torch.Generator().manual_seed(seed)
    moved = before + noise * torch.randn(before.shape, generator=generator)
    return Amplification(snapped, noise, (run(moved) - run(before)).abs().max().item())


def survival(
    machine: CompiledMachine,
    sigma: float,
    snapped: bool,
    runs: int = 32,
    steps: int = 60,
    seed: int = 0,
) -> Survival:
    """Run random programs under noise beside the machine without noise, sign for sign."""
    run, exact = _runner(machine, snapped), _runner(machine, False)
    x = clean = _states(machine, runs, seed)
    generator = torch.Generator().manual_seed(seed)
    lived = torch.zeros(runs)
    right = torch.ones(runs, dtype=torch.bool)
    for _ in range(steps):
        x = run(x + sigma * torch.randn(x.shape, generator=generator))
        clean = exact(clean)
        right &= (x * clean > 0).all(-1).all(-1)  # a NaN is wrong, too
        lived += right
        if not bool(right.any()):
            break
    return Survival(snapped, sigma, runs, int(right.sum()), lived.mean().item())


def _states(machine: CompiledMachine, count: int, seed: int) -> Tensor:
    sampler = Sampler(machine.plan, seed)
    return torch.from_numpy(sampler.states.streams(sampler.take(count).before)).float()


def _runner(machine: CompiledMachine, snapped: bool) -> Callable[[Tensor], Tensor]:
    model = machine.model()

    def run(x: Tensor) -> Tensor:
        with model.hooks(snaps(model) if snapped else {}), torch.no_grad():
            result: Tensor = model(x)
        return result

    return run
