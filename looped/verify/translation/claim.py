"""The claim that the lifted code of a machine equals its weights, and its result."""

from __future__ import annotations

import time
from dataclasses import dataclass

from looped.analysis.model import Model
from looped.engines.lifted.lift import Lifted
from looped.verify.translation.validate import WrongLift, proof

__all__ = ["STATEMENT", "Translation", "translation"]

STATEMENT = "the lifted code equals the weights, lane by lane"


@dataclass(frozen=True, slots=True)
class Translation:
    """Whether the claim is proved; `fault` says where the proof fails, None if the claim holds.

    `instructions` is the length of the code, `claims` the number of proved claims about bits,
    `nodes` the size of the largest space of diagrams; both are 0 if the claim is not proved.
    """

    instructions: int
    claims: int
    nodes: int
    seconds: float
    fault: str | None = None

    @property
    def holds(self) -> bool:
        """Whether the claim is proved."""
        return self.fault is None


def translation(model: Model, lifted: Lifted) -> Translation:
    """Compare lifted code with the weights, for all states."""
    started = time.perf_counter()
    size = len(lifted.code.instructions)
    try:
        found = proof(model, lifted)
    except WrongLift as wrong:
        return Translation(size, 0, 0, time.perf_counter() - started, str(wrong))
    return Translation(size, found.claims, found.nodes, time.perf_counter() - started)
