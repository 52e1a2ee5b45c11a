"""Hints: words that a loop reads, as further targets of a learned machine (Lee et al. 2015,
"Deeply-Supervised Nets").

After the first reading block, a linear map of the CPU column has to give the three words at the
program counter; after the second one, the words at the addresses in the first two of them. Nothing
else of the compiled machine is given away: neither heads nor what happens to the words.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from looped.artefact.embedding import embed_words
from looped.artefact.plan import Plan
from looped.learn.machine.states import Rows

__all__ = ["Hints", "words_read"]


class Hints(nn.Module):
    """One linear map for each of the first two reading blocks, and the loss of what they give."""

    def __init__(self, plan: Plan, width: int) -> None:
        super().__init__()
        self.plan = plan
        self.maps = nn.ModuleList(nn.Linear(width, n * plan.width) for n in (3, 2))

    def loss(self, between: list[Tensor], rows: Rows, slope: float) -> Tensor:
        """The logistic loss of all bits; `between` as `LearnedMachine.predict` returns it."""
        losses = []
        for read, stream, words in zip(
            self.maps, between, words_read(self.plan, rows), strict=False
        ):
            wanted = torch.from_numpy(embed_words(words, self.plan.width)).flatten(1)
            losses.append(softplus(-slope * read(stream) * wanted.float().to(stream.device)))
        return torch.cat(losses, 1).sum(-1).mean()


def words_read(plan: Plan, rows: Rows) -> tuple[Rows, Rows]:
    """The three words at the program counter (B, 3), and the words at the addresses in the first
    two of them (B, 2)."""
    size, each = plan.memory, np.arange(len(rows))[:, None]
    counter = rows[:, size + 1 + plan.registers.index("pc")]
    fetched = rows[each, (counter[:, None] + np.arange(3)) % size]
    return fetched, rows[each, fetched[:, :2] % size]
