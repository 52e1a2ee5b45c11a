"""What is said to be impossible never is: held against states that are."""

from __future__ import annotations

import random

import pytest

from looped.circuit.circuit import Circuit
from looped.circuit.words import ONE, Lane
from looped.diagrams import Diagrams
from looped.passes.emit import compile_circuit
from looped.verify.certificate.context import ProofContext
from looped.verify.certificate.reachable import possible
from looped.verify.certificate.semantics import CircuitSemantics
from tests import seeds
from tests.circuit.evaluate import evaluate
from tests.verify.certificate.registers import small_machine, states


def context(circuit: Circuit) -> ProofContext:
    return ProofContext.of(compile_circuit(circuit), circuit)


def may_be(of: ProofContext, lanes: dict[Lane, int]) -> bool:
    """Whether some lanes may hold these signs at once."""
    semantics = CircuitSemantics(Diagrams(), {})
    space = semantics.space
    condition = space.one
    for lane, sign in lanes.items():
        held = semantics.lane(lane)
        condition = space.times(condition, held if sign > 0 else space.negated(held))
    return possible(of, semantics, condition)


def some(lanes: dict[Lane, int], rng: random.Random) -> dict[Lane, int]:
    names = sorted(lanes.keys() - {ONE, Lane("cpu", 0)}, key=str)
    return {name: lanes[name] for name in rng.sample(names, 8)}


def test_what_is_seen_in_the_small_machine_is_possible() -> None:
    rng = seeds.rng(0)
    of = context(small_machine())
    for state in states(40, seed=0):
        lanes = evaluate(of.circuit, *state)
        assert may_be(of, some(lanes, rng))


@pytest.mark.parametrize(
    "lanes",
    [
        {"why.0": 1, "stop.0": -1},
        {"named.0": 1, "stop.0": 1},
        {"stores.0": 1, "ones.3": -1},
        {"writes.0": 1, "stop.0": 1},
        {"writes.0": 1, "in file.0": 1, **{f"where.{i}": -1 for i in range(5)}},
        {"result.0": -1, "x.0": 1, "y.0": -1},
        {"x.1": 1, "source.0": -1, "source.1": -1, "start.1": -1},
        {"y.1": -1, "taken.0": -1, "taken.1": -1, "ones.1": 1},
    ],
    ids=" ".join,
)
def test_what_cannot_be_is_seen_through(lanes: dict[str, int]) -> None:
    """And without the first of the signs it can be."""
    of = context(small_machine())
    held = {Lane(name.split(".")[0], int(name.split(".")[1])): s for name, s in lanes.items()}
    assert not may_be(of, held)
    first, *_ = held
    assert may_be(of, {lane: sign for lane, sign in held.items() if lane != first})
