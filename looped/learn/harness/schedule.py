"""The learning rate: linear warm-up, then half a cosine (Loshchilov and Hutter 2017, "SGDR")."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Schedule"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """The rate of each of `steps` steps: up to `peak` within `warmup` steps, then down to `floor`
    times the peak."""

    steps: int
    peak: float
    warmup: int = 100
    floor: float = 0.02

    def rate(self, step: int) -> float:
        """The rate of a step, counted from 0."""
        rising = min(1.0, (step + 1) / max(1, self.warmup))
        falling = (1 + math.cos(math.pi * min(1.0, step / max(1, self.steps)))) / 2
        return self.peak * rising * (self.floor + (1 - self.floor) * falling)
