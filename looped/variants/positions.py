"""Columns that find their own addresses, before the first loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from looped.artefact.plan import Plan
from looped.nn.position import CountedCode, LearnedSinusoid

__all__ = ["Addresses", "addresses"]

Addresses = Callable[[Tensor], Tensor]
"""A stream (batch, columns, width) with the lanes of positions that its columns have found."""


def addresses(plan: Plan) -> Addresses | None:
    """What finds the addresses of columns; None if the stream begins with them."""
    make = _FINDERS.get(plan.architecture.positions)
    return None if make is None else _Found(plan, make(plan))


class _Found:
    """Fills the words of positions of the memory columns with what a network finds."""

    def __init__(self, plan: Plan, find: Callable[[Tensor], Tensor]) -> None:
        self.plan = plan
        self.find = find

    def __call__(self, x: Tensor) -> Tensor:
        plan, result = self.plan, x.clone()
        found = self.find(torch.arange(plan.memory)).to(x)  # (memory, bits)
        for name, lanes in plan.words.items():
            if name.startswith("position"):
                offset = int(name.removeprefix("position") or 0)
                own = found.roll(-offset, 0)[:, : len(lanes)]
                result[:, : plan.memory, list(lanes)] = own
        return result


def _sinusoids(plan: Plan) -> Callable[[Tensor], Tensor]:
    """A sinusoid of the column through a feed-forward network, whose outputs are bits."""
    return LearnedSinusoid.counter(_bits(plan)).requires_grad_(False)


def _counted(plan: Plan) -> Callable[[Tensor], Tensor]:
    """No code at all: a causal head counts the columns before, and thresholds give the bits."""
    count, bits = CountedCode(plan.memory), _Bits(_bits(plan))

    def find(positions: Tensor) -> Tensor:
        flag = (positions == 0).float()[None, :, None]  # (1, memory, 1): the first column has it
        found: Tensor = bits(count(flag)[0])
        return found

    return find


_FINDERS: Mapping[str, Callable[[Plan], Callable[[Tensor], Tensor]]] = {
    "learned-sinusoidal": _sinusoids,
    "counted": _counted,
}


def _bits(plan: Plan) -> int:
    return len(plan.words["position"])


class _Bits(nn.Module):
    """The bits (…, bits) of numbers (…,) that are within ¼ of an integer, as exact signs.

    Bit j changes at each multiple of 2^j: a step, of two ReLU units, adds or subtracts 2 there.
    Then a snap takes the roundings away.
    """

    def __init__(self, bits: int) -> None:
        super().__init__()
        self.steps = torch.arange(1, 1 << bits)
        powers = 1 << torch.arange(bits)
        signs = torch.where(self.steps[:, None] // powers % 2 == 1, 2.0, -2.0)
        self.change = torch.where(self.steps[:, None] % powers == 0, signs, 0.0)

    def forward(self, x: Tensor) -> Tensor:
        """Map numbers (…,) to signs (…, bits)."""
        above = 2 * (x[..., None] - self.steps) + 1.5  # (…, steps)
        lane: Tensor = (above.relu() - (above - 1).relu()) @ self.change - 1  # (…, bits)
        return lane + lane - (2 * lane - 1).relu() + (-2 * lane - 1).relu()
