"""Circuits as diagrams against the same circuits evaluated by definition, state by state."""

from __future__ import annotations

from looped import registry
from looped.circuit.signals import Condition
from looped.circuit.words import Lane, bit, constant
from looped.diagrams import Diagrams
from looped.verify.certificate.claims import ClaimFailed
from looped.verify.certificate.semantics import CircuitSemantics, definitions
from looped.verify.certificate.thresholds import Affine, Product, evaluated
from tests import seeds
from tests.circuit.evaluate import signal_bit


def test_every_signal_means_what_it_evaluates_to() -> None:
    """On any lanes. (Those of RV32I are bits only where its kinds exclude each other.)"""
    circuit = registry.machine("subleq").circuit(8, 32)
    rng = seeds.rng("subleq")
    for lane, signal in definitions(circuit).items():
        space = Diagrams()
        node = CircuitSemantics(space, {}).signal(signal)
        for _ in range(30):
            lanes = {source: rng.choice([-1, 1]) for source in signal.lanes()}
            held = {n: space.one if s > 0 else space.zero for n, s in lanes.items()}
            found = space.values(space.compose(node, dict(held)))
            assert found == {signal_bit(signal, lanes)}, str(lane)


def test_an_unfolded_lane_is_what_it_is_made_of() -> None:
    """`reading` implies that `a` is all ones: not seen until it is unfolded."""
    circuit = registry.machine("subleq").circuit(8, 32)
    reading = next(r for r in circuit.registers if r.name == "reading").following
    assert reading is not None
    made = {reading[0]: definitions(circuit)[reading[0]]}
    for seen_through, implied in (({}, False), (made, True)):
        space = Diagrams()
        semantics = CircuitSemantics(space, seen_through)
        ones = [semantics.lane(Lane("a", i)) for i in range(8)]
        for lane in ones:
            both = space.times(semantics.lane(reading[0]), space.negated(lane))
            assert (both == space.zero) is implied


def ramp(slope: int, offset: int, factor: int) -> Product:
    gate = Affine((("x", slope), ("y", 2 * slope)), offset)
    return Product(gate, Affine((), 1), factor)


def test_two_ramps_are_a_step_however_they_are_scaled() -> None:
    """relu(z - 1 + 1) - relu(z - 1) for z = x + 2y, whole, split, rescaled, mirrored."""
    space = Diagrams()
    step = space.threshold({"x": 1, "y": 2}, 1)
    whole = [ramp(1, 0, 1), ramp(1, -1, -1)]
    split = [ramp(2, 0, 1), ramp(1, -1, -1), ramp(2, 0, -1), ramp(1, 0, 1)]
    assert evaluated(space, whole) == evaluated(space, split) == step
    mirrored = [ramp(-1, 0, -1), ramp(-1, 1, 1)]  # [-z ≥ 0] = 1 - [z ≥ 1], and z is odd
    assert evaluated(space, mirrored) == space.negated(step)


def test_a_ramp_alone_is_evaluated_if_it_is_short_and_refused_if_it_is_long() -> None:
    space = Diagrams()
    short = evaluated(space, [ramp(1, 0, 1)])
    assert not isinstance(short, ClaimFailed)
    assert space.values(short) == {0, 1, 3}
    long = Affine(tuple((i, 1 << i) for i in range(10)), 0)
    refused = evaluated(space, [Product(long, Affine((), 1), 1)])
    assert refused == ClaimFailed("hidden units have a ramp that no other ramp ends")


def test_a_condition_that_never_holds_is_zero() -> None:
    space = Diagrams()
    never = Condition(bit(Lane("a", 0)) + constant(0), 2)
    assert CircuitSemantics(space, {}).condition(never) == space.zero
