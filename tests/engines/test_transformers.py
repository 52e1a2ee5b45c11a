"""Transformers that nobody compiled: the fast engines follow the dense one, or they refuse."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from looped.compiler.compiled import CompiledMachine
from looped.compiler.embedding import embed
from looped.engines.dense import DenseEngine
from looped.engines.event import EventEngine
from looped.engines.lifted import LiftedEngine
from looped.errors import CompileError
from looped.compiler.emit import compile_circuit
from tests.conftest import compiled
from tests.engines.transformers import Edit, edited, edits
from tests.verify.certificate.registers import small_machine
from tests.verify.random_programs import random_program

LOOPS = 5


@functools.cache
def bases() -> tuple[tuple[CompiledMachine, np.ndarray], ...]:
    """Small machines with a first state."""
    subleq = compiled("subleq", 8, 32)
    words = random_program(3, 8, 32, 0.0).words
    registers = compile_circuit(small_machine())
    memory = [int(word) for word in np.random.default_rng(0).integers(0, 256, 32)]
    return (subleq, embed(words, subleq.plan)), (registers, embed(memory, registers.plan))


def differences(changes: Sequence[Edit], base: int = 0) -> dict[str, str]:
    """What each engine does with a changed machine; a difference from the dense one fails."""
    machine, x = edited(*bases()[base % len(bases())], changes)
    dense = DenseEngine(machine)
    dense.load(x[None])
    states = []
    for _ in range(LOOPS):
        dense.step()
        states.append(dense.state())
    outcome = {}
    for kind in (EventEngine, LiftedEngine):
        try:
            engine = kind(machine)
            engine.load(x[None])
            engine.prepare()
        except CompileError:
            outcome[kind.__name__] = "refused"
            continue
        for state in states:
            engine.step()
            np.testing.assert_array_equal(engine.state(), state, err_msg=kind.__name__)
        outcome[kind.__name__] = "fallbacks" if engine.fallbacks else "followed"
    return outcome
