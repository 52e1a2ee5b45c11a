"""What a part of a compiled machine reads and adds, in loops of random programs."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from looped.analysis.weights import BlockWeights, HeadWeights, block_weights
from looped.artefact.plan import CompiledMachine
from looped.learn.harness import seeded
from looped.learn.machine.samples import Sampler

__all__ = ["Part", "Recorded", "head_output", "parts", "recorded", "weights_of"]


@dataclass(frozen=True, slots=True)
class Part:
    """A head, a group of hidden units, or a whole block (counted from 0).

    `heads` are the indices of heads, `units` those of hidden units.
    """

    kind: str
    name: str
    block: int
    heads: tuple[int, ...]
    units: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def parts(machine: CompiledMachine) -> list[Part]:
    """Every head, every group and then the whole block, block by block."""
    found = []
    for number, block in enumerate(machine.plan.blocks):
        for index, head in enumerate(block.heads):
            found.append(Part("head", head.name, number, (index,), ()))
        for group in block.groups:
            found.append(Part("group", group.name, number, (), group.units))
        heads = tuple(range(len(block.heads)))
        units = tuple(sorted({u for group in block.groups for u in group.units}))
        found.append(Part("block", f"{number + 1}", number, heads, units))
    return found


@dataclass(frozen=True, eq=False, slots=True)
class Recorded:
    """Streams (loops, columns, d_model) around one block: before it, between its sub-layers, after
    it."""

    before: Tensor
    middle: Tensor
    after: Tensor

    def __len__(self) -> int:
        return len(self.before)

    def first(self, count: int) -> Recorded:
        """The first loops."""
        return Recorded(self.before[:count], self.middle[:count], self.after[:count])

    def rows(self, count: int, *seed: object) -> Recorded:
        """Some of the loops, at random."""
        rng = seeded(*seed)
        chosen = torch.tensor([rng.randrange(len(self)) for _ in range(count)])
        return Recorded(self.before[chosen], self.middle[chosen], self.after[chosen])


def recorded(machine: CompiledMachine, block: int, loops: int, seed: int) -> Recorded:
    """Run loops of random programs through the machine and keep the streams around a block.

    In half of the loops, the host has no input ready.
    """
    plan = machine.plan
    sampler = Sampler(plan, seed)
    taken = sampler.take(loops)
    begin = torch.from_numpy(sampler.states.streams(taken.before)).float()
    assert plan.ports.input is not None
    (ready,) = plan.words[plan.ports.input.ready]
    rng = seeded(seed, "ready")
    begin[:, plan.cpu, ready] = torch.tensor([rng.choice((-1.0, 1.0)) for _ in range(loops)])
    with torch.no_grad():
        _, cache = machine.model().run_with_cache(begin)
    names = ("hook_resid_pre", "hook_resid_mid", "hook_resid_post")
    return Recorded(*(cache[f"blocks.{block}.{name}"] for name in names))


def head_output(head: HeadWeights[Tensor], queries: Tensor, context: Tensor) -> Tensor:
    """What a head adds to columns (B, Q, d_model) that attend to a context (B, M, d_model)."""
    q, k, v = queries @ head.w_q.T, context @ head.w_k.T, context @ head.w_v.T
    pattern = (q @ k.mT / len(head.w_q) ** 0.5).softmax(-1)  # (B, Q, M)
    added: Tensor = pattern @ v @ head.w_o.T
    return added


def weights_of(machine: CompiledMachine, block: int, copy: bool = True) -> BlockWeights[Tensor]:
    """The matrices of a block, for changes: of a copy, or of the machine itself."""
    weights = machine.weights
    if copy:
        weights = {name: weight.clone() for name, weight in weights.items()}
    return block_weights(weights, block, machine.plan.d_head)
