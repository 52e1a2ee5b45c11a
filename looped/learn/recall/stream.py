"""Streams of events: `write(variable, value)` and `read(variable)`, one token each.

Half of the events are reads, of variables that have a value. The answer to a read is the value that
was last written to its variable.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["EVENTS", "NO_ANSWER", "TOKENS", "VALUES", "VARIABLES", "WIDTH", "streams"]

EVENTS, VARIABLES, VALUES = 32, 8, 16

WIDTH = 64
"""The width of the residual stream."""

TOKENS = VARIABLES * VALUES + VARIABLES
"""`write(x, v)` is the token 16x + v; `read(x)` is 128 + x."""

NO_ANSWER = -100
"""The answer at a write; cross entropy ignores it."""


def streams(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Tokens and answers, (count, EVENTS) each."""
    tokens = torch.empty(count, EVENTS, dtype=torch.long)
    answers = torch.full((count, EVENTS), NO_ANSWER)
    held = torch.full((count, VARIABLES), -1)
    rows = torch.arange(count)
    for event in range(EVENTS):
        variable = torch.randint(VARIABLES, (count,), generator=generator)
        value = torch.randint(VALUES, (count,), generator=generator)
        known = held[rows, variable]
        reads = (torch.rand(count, generator=generator) < 0.5) & (known >= 0)
        tokens[:, event] = torch.where(reads, VARIABLES * VALUES + variable, 16 * variable + value)
        answers[reads, event] = known[reads]
        held[rows, variable] = torch.where(reads, known, value)
    return tokens, answers
