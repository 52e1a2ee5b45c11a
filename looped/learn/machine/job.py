"""Train a learned machine on single loops, from state to state."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from looped.artefact.plan import CompiledMachine
from looped.learn.harness import seeded
from looped.learn.machine.hints import Hints
from looped.learn.machine.model import LearnedMachine
from looped.learn.machine.samples import KINDS, Loops, Sampler

__all__ = ["MachineJob"]

_BATCH, _TEST = 192, 2000

_SLOPE = 3.0
"""The logit of a lane is 3x: ±1 is sure to 95 %, and a wrong lane of the old state costs 3."""

_SAMPLED = 4
"""Columns beside the changed one whose loss a step computes; it counts them for all others."""

_PORTS = 0.4
"""The share of programs that begin with input or output. Without them, input is 4 % of the loops,
and the last kind to be learned."""


class MachineJob:
    """The logistic loss of all lanes of the CPU column, of the values of the column that changes,
    of a sample of those that do not, and of the hints if there are any.

    The parameters of `model` are those of `machine` and of the linear maps of the hints.
    """

    def __init__(
        self,
        machine: CompiledMachine,
        seed: int,
        device: str = "cpu",
        hints: bool = True,
        **size: int,
    ) -> None:
        torch.manual_seed(seed)
        self.plan, self.seed, self.device = machine.plan, seed, device
        self.machine = LearnedMachine(machine.plan, **size)
        self.hints = Hints(machine.plan, self.machine.width) if hints else None
        parts = [self.machine] if self.hints is None else [self.machine, self.hints]
        self.model = nn.ModuleList(parts).to(device)
        self.test = Sampler(machine.plan, "test").take(_TEST)
        self.states = Sampler(machine.plan, "test").states

    def loss(self, step: int) -> Tensor:
        """The loss of a batch."""
        loops = Sampler(self.plan, f"{self.seed} {step}", _PORTS).take(_BATCH)
        before, after = self.streams(loops)
        others, value, cpu = self.machine.others, self.machine.value, self.plan.cpu
        old, new = before[:, others][..., value], after[:, others][..., value]
        changed = (old != new).any(-1)  # (B, columns)
        columns = self._columns(changed, step)
        found, own, between = self.machine.predict(old, before[:, cpu], columns)
        wanted = new.gather(1, columns[..., None].expand(-1, -1, len(value)))
        memory = softplus(-_SLOPE * found * wanted).sum(-1)  # (B, Q)
        weight = torch.full_like(memory, (len(others) - 1) / _SAMPLED)
        weight[:, 0] = 1
        state = softplus(-_SLOPE * own * after[:, cpu]).sum(-1)
        loss = (state + (weight * memory).sum(-1)).mean()
        if self.hints is None:
            return loss
        return loss + self.hints.loss(between, loops.before, _SLOPE)

    def measure(self) -> dict[str, float]:
        """The share of loops after which every lane is right, of all and of each kind; and the
        share of right bits of the program counter and of the word that changes."""
        before, after = self.streams(self.test)
        right = (self.machine(before) > 0) == (after > 0)
        exact = right.all(-1).all(-1)
        kinds = torch.from_numpy(self.test.kinds).to(self.device)
        changed = (before != after).any(-1)
        changed[:, self.plan.cpu] = False
        counter = right[:, self.plan.cpu][:, list(self.plan.words["pc"])]
        found = {
            "exact": _share(exact),
            "pc bits": _share(counter),
            "written bits": _share(right[changed][:, self.machine.value]),
        }
        return found | {kind: _share(exact[kinds == i]) for i, kind in enumerate(KINDS)}

    def streams(self, loops: Loops) -> tuple[Tensor, Tensor]:
        """The states (B, columns, d_model) before and after loops."""
        pair = (self.states.streams(rows) for rows in (loops.before, loops.after))
        before, after = (torch.from_numpy(x).float().to(self.device) for x in pair)
        return before, after

    def _columns(self, changed: Tensor, step: int) -> Tensor:
        """The column that changes (or the first one), and some others."""
        number = seeded(self.seed, "columns", step).getrandbits(62)
        generator = torch.Generator().manual_seed(number)
        batch, count = changed.shape
        first = changed.float().argmax(1, keepdim=True)
        apart = torch.randint(1, count, (batch, _SAMPLED), generator=generator)
        return torch.cat([first, (first + apart.to(self.device)) % count], 1)


def _share(right: Tensor) -> float:
    return right.float().mean().item() if right.numel() else 1.0
