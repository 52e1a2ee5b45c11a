"""SUBLEQ's circuit is its manual; circuits with a slip are refuted by states that show it."""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest

from looped import registry
from looped.circuit.arithmetic import all_ones
from looped.circuit.circuit import Circuit
from looped.circuit.signals import Condition, Signal, Value, literal
from looped.circuit.words import Word, constant, total
from looped.machines import subleq
from looped.precision import PRECISIONS
from looped.verify.prove.counterexample import differences
from looped.verify.prove.prover import Refuted, prove

Slip = Callable[[pytest.MonkeyPatch], None]
NOTHING = Signal(constant(0))


def replaced(name: str, wrong: object) -> Slip:
    return lambda patch: patch.setattr(subleq, name, wrong)


def method(name: str, change: Callable[..., object]) -> Slip:
    """A method of the circuit language that is given the right one before its own arguments."""
    right = getattr(Circuit, name)
    return lambda patch: patch.setattr(Circuit, name, functools.partialmethod(_call, change, right))


def _call(
    self: Circuit,
    change: Callable[..., object],
    right: Callable[..., object],
    *a: object,
    **n: object,
) -> object:
    return change(functools.partial(right, self), *a, **n)


def negative(word: Word) -> Condition:
    return literal(word.sign)


SLIPS: dict[str, Slip] = {
    "a branch at zero is not taken": replaced("nonpositive", negative),
    "a branch asks for all ones": replaced("nonpositive", all_ones),
    "a branch looks at no sign": replaced("nonpositive", lambda w: ~Condition(total(w), 1)),
    "operands are exchanged": method("sub", lambda right, x, y: right(y, x)),
    "the lowest bit is not subtracted": method(
        "sub", lambda right, x, y: right(x, Word("y", (y[1], *y[1:])))
    ),
    "four words an instruction": method("add", lambda right, x, n: right(x, n + 1)),
    "the third operand is the second": method(
        "fetch", lambda right, name, at, offset=0: right(name, at, min(offset, 1))
    ),
    "only the low bits of -1 count for input": replaced(
        "all_ones", lambda word: all_ones(word[:-1])
    ),
    "written to a instead of b": method(
        "write", lambda right, name, b, result: right(name, Word.of("a", len(b)), result)
    ),
    "seven bits of output": method(
        "output",
        lambda right, name, content, width=1: right(
            name, content if width == 1 else Value((*content.signals[:-1], NOTHING)), width
        ),
    ),
}


@pytest.mark.parametrize("width, memory", [(8, 32), (8, 256), (16, 1024), (32, 32)])
def test_the_circuit_is_the_manual(width: int, memory: int) -> None:
    proof = prove(registry.machine("subleq").circuit(width, memory))
    assert proof.cases == 17
    assert proof.claims > 100


@pytest.mark.parametrize("name", PRECISIONS)
def test_so_it_is_with_adders_in_slices(name: str) -> None:
    assert prove(registry.machine("subleq").circuit(16, 64, None, PRECISIONS[name])).cases == 17


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_refuted_by_a_state_that_shows_it_on_the_weights(slip: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        SLIPS[slip](patch)
        circuit = subleq.describe(8, 5)
    with pytest.raises(Refuted) as caught:
        prove(circuit)
    assert differences(circuit, caught.value.state)
