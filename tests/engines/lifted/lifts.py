"""Lifts of machines, made once a session."""

from __future__ import annotations

import functools

import numpy as np

from looped.analysis import analyse
from looped.artefact.embedding import embed
from looped.engines.lifted.columns import behaviour
from looped.engines.lifted.lift import Lifted, lift
from looped.engines.lifted.model import sparse
from looped.precision import precision
from tests import seeds
from tests.conftest import compiled

__all__ = ["MEMORY", "lifted"]

MEMORY = 256


@functools.cache
def lifted(name: str, width: int = 32) -> Lifted:
    """A machine with `MEMORY` words, lifted for a memory of random words."""
    machine = compiled(name, width, MEMORY)
    plan = machine.plan
    model = analyse(machine.weights, len(plan.blocks), plan.d_head, precision("float32"))
    rng = seeds.rng(1)
    x = embed([rng.getrandbits(width) for _ in range(MEMORY)], plan).astype(np.int8)
    return lift(behaviour(sparse(model), x))
