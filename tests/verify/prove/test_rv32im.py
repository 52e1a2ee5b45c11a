"""RV32IM: loops of the proof make the reference's results, and the circuit makes these loops."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
import z3
from hypothesis import given
from hypothesis import strategies as st

from looped import registry
from looped.isa.rv32im import EXTENSION, INSTRUCTIONS
from looped.machines.rv32im import digits, machine, steps
from looped.reference import Rv32im
from looped.symbolic.schoolbook import Scratch, added, finished, started, stepped
from looped.verify.prove.prover import Refuted, prove
from tests.conftest import examples

MASK = (1 << 32) - 1
words = st.one_of(st.sampled_from([0, 1, 2, 1 << 31, MASK >> 1, MASK]), st.integers(0, MASK))


def simple(s: Scratch) -> Scratch:
    return Scratch(*map(z3.simplify, s))


def in_loops(funct3: int, a: int, b: int) -> int:
    """A product has eight steps, a quotient sixteen."""
    kind, x, y = z3.BitVecVal(funct3, 3), z3.BitVecVal(a, 32), z3.BitVecVal(b, 32)
    s = simple(started(kind, x, y))
    steps = 16 if funct3 & 4 else 8
    for number in range(1, steps + 1):
        s = simple(stepped(kind, z3.BoolVal(number == steps), s, y, added(s)))
    return int(z3.simplify(finished(kind, s, y)).as_long())


def on_the_reference(mnemonic: str, a: int, b: int) -> int:
    word = INSTRUCTIONS[mnemonic].match | 3 << 7 | 1 << 15 | 2 << 20
    hart = Rv32im([word], 32, 32)
    hart.x[1:3] = a, b
    hart.step()
    return hart.x[3]


@pytest.mark.parametrize("mnemonic", EXTENSION)
@examples(0.2)
@given(a=words, b=words)
def test_the_loops_make_the_result_of_the_reference(mnemonic: str, a: int, b: int) -> None:
    funct3 = INSTRUCTIONS[mnemonic].match >> 12 & 7
    assert in_loops(funct3, a, b) == on_the_reference(mnemonic, a, b)


@pytest.mark.slow
def test_every_loop_is_the_schoolbook_and_every_base_instruction_the_manual() -> None:
    assert prove(registry.machine("rv32im").circuit(32, 32)).cases > 400


def changed(
    module: ModuleType, name: str, wrong: Callable[..., Any]
) -> Callable[[pytest.MonkeyPatch], None]:
    """A part of the step that is given the right one before its own arguments."""
    right = getattr(module, name)
    return lambda patch: patch.setattr(module, name, functools.partial(wrong, right))


SLIPS = {
    "a signed multiplicand is taken for an unsigned one": changed(
        steps, "_second", lambda right, s, *rest: right(replace(s, starts_signed=s.steps), *rest)
    ),
    "the next bits of the dividend are not compared": changed(
        digits,
        "_fits",
        lambda right, m, k, goes_on, s, done: right(m, k, goes_on, replace(s, low=s.second), done),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_refuted(slip: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        SLIPS[slip](patch)
        circuit = machine.describe(32, 5)
    with pytest.raises(Refuted):
        prove(circuit)
