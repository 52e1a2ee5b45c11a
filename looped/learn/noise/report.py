"""Tables: noise in the weights before and after training, and a machine in another basis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from looped.artefact.plan import CompiledMachine
from looped.learn.machine.report import looped
from looped.learn.machine.samples import Sampler
from looped.learn.markdown import table
from looped.learn.noise.basin import basin
from looped.learn.noise.rotated import rotated, rotation, stepped, write_blind

__all__ = ["SIGMAS", "report"]

SIGMAS = (0.0001, 0.0003, 0.001, 0.003, 0.01)
_RUNS, _MOST = 32, 50


def report(
    machine: CompiledMachine,
    steps: int,
    seed: int,
    out: Path | None = None,
    note: Callable[[str], None] = lambda text: None,
    sigmas: Sequence[float] = SIGMAS,
    states: int = 500,
) -> str:
    """Both tables; with a folder, the rotated machine and its key as files."""
    rows = []
    for sigma in sigmas:
        note(f"σ = {sigma:g}")
        found = basin(machine, sigma, steps, seed)
        rows.append([f"{sigma:g}", f"{found.before:.1%}", f"{found.after:.1%}"])
    noise = table(["σ", "exact loops", f"after {steps:,} steps of training"], rows)
    note("another basis")
    return f"{noise}\n\n{_basis(machine, seed, out, states)}"


def _basis(machine: CompiledMachine, seed: int, out: Path | None, states: int) -> str:
    basis = rotation(machine.plan.d_model, seed)
    turned = rotated(machine, basis)
    if out is not None:
        write_blind(out, turned, basis)
    sampler = Sampler(machine.plan, "test")
    x = torch.from_numpy(sampler.states.streams(sampler.take(states).before)).float()
    with torch.no_grad():
        exact = machine.model()(x)
    own = stepped(turned, basis, x)
    same = ((own > 0) == (exact > 0)).flatten(1).all(-1).float().mean().item()
    rows = [
        ["largest deviation of a lane after one loop", f"{(own - exact).abs().max().item():.2g}"],
        ["loops with every sign right", f"{same:.1%}"],
    ]
    for snap, name in ((False, "loops"), (True, "loops with a sign after each")):
        found = looped(machine, lambda y: stepped(turned, basis, y), x[:_RUNS], snap, _MOST)
        rows.append([f"{name} before a wrong bit, of {_MOST}", f"{found.mean:.1f}"])
    return table(["in another basis", "value"], rows)
