"""Train one part alone: from random weights to what the compiled part adds to the residual stream.

The rest of the machine does not change, and the part sees what the rest gives it. So every step has
a gradient: through the frozen rest there is none, because its softmax is one-hot and its thresholds
are flat where they are right.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from looped.analysis.weights import HeadWeights
from looped.artefact.plan import CompiledMachine
from looped.learn.circuits.recorded import Part, Recorded, head_output, weights_of
from looped.learn.harness import Plan, Schedule, seeded, train

__all__ = ["Found", "descend", "ends", "fresh"]

_BATCH, _RATE, _DECAY = 192, 6e-3, 0.03

_OTHERS = 3
"""Columns of a batch beside the CPU column and the one that changes most."""

_SHARP = 2.0
"""Initial W_Q and W_K are so many times the usual size: with the usual one a head stays at even
weights, from which no column stands out."""


class Found(nn.Module):
    """A part with weights of its own: `heads`, and units (gate, up, down)."""

    def __init__(
        self, heads: Sequence[HeadWeights[Tensor]], gate: Tensor, up: Tensor, down: Tensor
    ) -> None:
        super().__init__()
        self.w_q = _parameters(head.w_q for head in heads)
        self.w_k = _parameters(head.w_k for head in heads)
        self.w_v = _parameters(head.w_v for head in heads)
        self.w_o = _parameters(head.w_o for head in heads)
        self.gate = nn.Parameter(gate.clone())
        self.up = nn.Parameter(up.clone())
        self.down = nn.Parameter(down.clone())

    @staticmethod
    def of(machine: CompiledMachine, part: Part) -> Found:
        """The compiled part, with weights that do not change."""
        weights, units = weights_of(machine, part.block), list(part.units)
        heads = [weights.heads[i] for i in part.heads]
        own = Found(heads, weights.w_gate[units], weights.w_up[units], weights.w_down[:, units])
        return own.requires_grad_(False)

    @property
    def heads(self) -> list[HeadWeights[Tensor]]:
        """The heads."""
        return [
            HeadWeights(*each) for each in zip(self.w_q, self.w_k, self.w_v, self.w_o, strict=True)
        ]

    def mixed(self, queries: Tensor, context: Tensor) -> Tensor:
        """What the heads add to columns (B, Q, d_model)."""
        added = [head_output(head, queries, context) for head in self.heads]
        return torch.stack(added).sum(0) if added else torch.zeros_like(queries)

    def made(self, x: Tensor) -> Tensor:
        """What the units add to columns (B, Q, d_model)."""
        hidden = torch.relu(x @ self.gate.T) * (x @ self.up.T)  # (B, Q, units)
        return hidden @ self.down.T

    def forward(self, part: Part, loops: Recorded, columns: Tensor) -> Tensor:
        """What the part adds to these columns (B, Q) of recorded loops."""
        queries = _columns(loops.before, columns)
        if part.kind == "head":
            return self.mixed(queries, loops.before)
        if part.kind == "group":
            return self.made(_columns(loops.middle, columns))
        mixed = self.mixed(queries, loops.before)
        return mixed + self.made(queries + mixed)


def fresh(machine: CompiledMachine, part: Part, seed: int) -> Found:
    """A part with random weights of the usual size, uniform within 1/√inputs.

    W_O and W_down are zero: at first the part adds nothing. With random ones descent makes them
    zero, because most lanes must not change, and W_Q and W_K lose their gradient.
    """
    found = Found.of(machine, part)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in found.parameters():
            bound = 1 / math.sqrt(max(1, parameter.shape[-1]))
            parameter.uniform_(-bound, bound, generator=generator)
        for parameter in (*found.w_q, *found.w_k):
            parameter.mul_(_SHARP)
        for parameter in (*found.w_o, found.down):
            parameter.zero_()
    return found.requires_grad_()


def descend(machine: CompiledMachine, part: Part, loops: Recorded, steps: int, seed: int) -> Found:
    """Re-initialise a part and train it alone on recorded loops of its block."""
    job = _Job(machine, part, loops, seed)
    train(job, Plan(Schedule(steps, _RATE, warmup=50), decay=_DECAY, every=steps))
    return job.model.requires_grad_(False)


class _Job:
    """The squared error of all lanes of some columns."""

    def __init__(self, machine: CompiledMachine, part: Part, loops: Recorded, seed: int) -> None:
        self.part, self.loops, self.seed, self.cpu = part, loops, seed, machine.plan.cpu
        self.compiled = Found.of(machine, part)
        self.model = fresh(machine, part, seed)

    def loss(self, step: int) -> Tensor:
        """The loss of a batch."""
        loops = self.loops.rows(_BATCH, self.seed, "rows", step)
        columns = self._columns(loops, step)
        found, wanted = ends(self.part, self.model, self.compiled, loops, columns)
        return (found - wanted).square().sum(-1).mean()

    def _columns(self, loops: Recorded, step: int) -> Tensor:
        """The CPU column, the column that changes most, and some others (B, Q)."""
        end = loops.middle if self.part.kind == "head" else loops.after
        moved = (end - loops.before).abs().sum(-1)  # (B, columns)
        moved[:, self.cpu] = 0
        number = seeded(self.seed, "columns", step).getrandbits(62)
        generator = torch.Generator().manual_seed(number)
        others = torch.randint(moved.shape[1], (len(moved), _OTHERS), generator=generator)
        cpu = torch.full((len(moved), 1), self.cpu)
        return torch.cat([cpu, moved.argmax(1, keepdim=True), others], 1)

    def measure(self) -> dict[str, float]:
        """Nothing: the table measures the part on fresh loops."""
        return {}


def ends(
    part: Part, found: Found, compiled: Found, loops: Recorded, columns: Tensor
) -> tuple[Tensor, Tensor]:
    """The residual stream after the part's sub-layer with the found part in place of the compiled
    one, and as it is: (B, Q, d_model) each."""
    after = _columns(loops.middle if part.kind == "head" else loops.after, columns)
    kept = after - compiled(part, loops, columns)
    return kept + found(part, loops, columns), after


def _parameters(matrices: Iterable[Tensor]) -> nn.ParameterList:
    return nn.ParameterList(nn.Parameter(matrix.clone()) for matrix in matrices)


def _columns(x: Tensor, columns: Tensor) -> Tensor:
    """Some columns (B, Q) of streams (B, N, d_model): (B, Q, d_model)."""
    return x.gather(1, columns[..., None].expand(-1, -1, x.shape[-1]))
