"""Parity and addition, one place per token, the lowest place first.

- parity: the token is a bit; the answer at place i is the parity of the bits up to i.
- addition: the token is a + 2b for one place of two numbers; the answer is that place of the sum.

A carry, or a parity, may depend on all places before it, so no fixed depth is enough for all
lengths. Half of the additions have a carry that runs through most places.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from looped.learn.harness import seeded

__all__ = ["ADDITION", "PARITY", "PROBLEMS", "Problem"]

_CHAIN = 0.8
"""The share of places that pass a carry to the next place in the additions with a long carry."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem by its name, and the number of its tokens."""

    name: str
    tokens: int

    def draw(self, count: int, places: int, *seed: object) -> tuple[Tensor, Tensor]:
        """Tokens and answers, (count, places) each; the same seed gives the same ones."""
        number = seeded(self.name, places, *seed).getrandbits(63)
        generator = torch.Generator().manual_seed(number)
        bits = torch.randint(2, (count, places, 2), generator=generator)
        if self is PARITY:
            return bits[..., 0], bits[..., 0].cumsum(1) % 2
        chained = torch.rand(count, places, generator=generator) < _CHAIN
        chained[count // 2 :] = False
        bits[..., 1] = torch.where(chained, 1 - bits[..., 0], bits[..., 1])  # passes a carry
        return bits[..., 0] + 2 * bits[..., 1], _sums(bits)


def _sums(bits: Tensor) -> Tensor:
    """Each place of the sums of pairs of numbers, bits (count, places, 2)."""
    carry = torch.zeros(len(bits), dtype=torch.long)
    sums = []
    for place in range(bits.shape[1]):
        total = bits[:, place].sum(-1) + carry
        sums.append(total % 2)
        carry = total // 2
    return torch.stack(sums, 1)


PARITY, ADDITION = Problem("parity", 2), Problem("addition", 4)

PROBLEMS = {problem.name: problem for problem in (PARITY, ADDITION)}
