"""ablate, patch, noise: a machine without a head or a group, or with another one in its place.

`ablate` changes weights, so that every engine and `lockstep` run the result. `patch` and `noise`
are hooks, for `with engine.model.hooks(…)` on the dense engine.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from looped.analysis.weights import block_weights, with_units
from looped.artefact.plan import CompiledMachine, Plan
from looped.nn import Hook, Site
from looped.study.cache import PlanCache
from looped.study.parts import CLEAR, Group, Head, Part, find

__all__ = ["ablate", "noise", "patch", "without"]

Change = Callable[[Tensor, Site], Tensor]


def ablate(
    machine: CompiledMachine,
    *,
    head: str | None = None,
    group: str | None = None,
    block: int | None = None,
) -> CompiledMachine:
    """The machine without a head or a group.

    A name that several blocks have means all of them, unless `block` says which, counted from 0. A
    head adds nothing: its part of W_O is zero. Without a group its word is zero: the rows of W_down
    for its lanes are zero, and new units clear what the lanes held before. Without the group
    `clear` its lanes keep what they hold. Raises ValueError for an unknown name.
    """
    for part in find(machine.plan, head=head, group=group, block=block):
        machine = _without_head(machine, part) if isinstance(part, Head) else _zeroed(machine, part)
    return machine


def _without_head(machine: CompiledMachine, head: Head) -> CompiledMachine:
    weights = with_units(machine.weights, 0)
    block_weights(weights, head.block, machine.plan.d_head).heads[head.index].w_o[:] = 0
    return dataclasses.replace(machine, weights=weights)


def _zeroed(machine: CompiledMachine, group: Group) -> CompiledMachine:
    """A unit for each lane that is to be cleared: relu(1) · (lane + 1), subtracted."""
    plan, lanes = machine.plan, list(group.lanes)
    new = 0 if group.name == CLEAR else len(lanes)
    weights = with_units(machine.weights, new)
    mlp, one = block_weights(weights, group.block, plan.d_head), plan.words["one"][0]
    mlp.w_down[lanes] = 0
    for unit, lane in enumerate(lanes[:new], start=plan.d_ff):
        mlp.w_gate[unit, one] = 1
        mlp.w_up[unit, [lane, one]] = 1
        mlp.w_down[lane, unit] = -1
    return CompiledMachine(dataclasses.replace(plan, d_ff=plan.d_ff + new), weights)


def patch(
    cache: PlanCache,
    *,
    head: str | None = None,
    group: str | None = None,
    block: int | None = None,
    loop: int = -1,
) -> dict[str, Hook]:
    """Hooks that give a head the output, or a group the word, that it has in a loop of another run.

    The other run must have as many columns. Raises ValueError for an unknown name.
    """
    hooks: dict[str, Hook] = {}
    for part in find(cache.plan, head=head, group=group, block=block):
        value = _of(part, cache.activations.loops[loop][_site(part)])
        hooks[_site(part)] = _changed(part, partial(_replaced, value))
    return hooks


def noise(
    plan: Plan,
    *,
    head: str | None = None,
    group: str | None = None,
    block: int | None = None,
    scale: float,
    seed: int = 0,
) -> dict[str, Hook]:
    """Hooks that add Gaussian noise of this standard deviation to a head or a group.

    Each loop draws its own; the same seed gives the same noise. Raises ValueError for an unknown
    name.
    """
    generator = torch.Generator().manual_seed(seed)

    def add(own: Tensor, site: Site) -> Tensor:
        drawn = torch.randn(own.shape, generator=generator, dtype=torch.float64)
        return own + scale * drawn.to(own.device, own.dtype)

    found = find(plan, head=head, group=group, block=block)
    return {_site(part): _changed(part, add) for part in found}


def without(part: Part) -> dict[str, Hook]:
    """Hooks that do to a part what `ablate` does to its weights."""
    if isinstance(part, Group) and part.name == CLEAR:
        return {f"blocks.{part.block}.hook_mlp_out": _changed(part, _fill(0))}
    return {_site(part): _changed(part, _fill(0 if isinstance(part, Head) else -1))}


def _replaced(value: Tensor, own: Tensor, site: Site) -> Tensor:
    return value.to(own.device, own.dtype).expand_as(own)


def _fill(content: float) -> Change:
    return lambda own, site: torch.full_like(own, content)


def _site(part: Part) -> str:
    """The activation that a part makes: z of a head, the lanes of a group after the MLP."""
    site = "attn.hook_z" if isinstance(part, Head) else "hook_resid_post"
    return f"blocks.{part.block}.{site}"


def _of(part: Part, value: Tensor) -> Tensor:
    """The part's own share: (B, N, d_head) of z, (B, N, lanes) of a residual stream."""
    return value[:, :, part.index] if isinstance(part, Head) else value[..., list(part.lanes)]


def _changed(part: Part, change: Change) -> Hook:
    def hook(value: Tensor, site: Site) -> Tensor:
        value = value.clone()
        new = change(_of(part, value), site)
        if isinstance(part, Group):
            value[..., list(part.lanes)] = new
        else:
            value[:, :, part.index] = new
        return value

    return hook
