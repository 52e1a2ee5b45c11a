"""The steps of a quotient: lemmas decide them, and each of these slips is refuted."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import z3

from looped.circuit.circuit import Circuit
from looped.circuit.signals import Condition
from looped.circuit.words import Form, Word, constant
from looped.engines.event import EventEngine
from looped.isa.rv32im import INSTRUCTIONS
from looped.machines.rv32im import digits, machine, scratch, steps, total
from looped.passes.emit import compile_circuit
from looped.passes.fuse_reads import fuse_reads
from looped.symbolic.cases import Case
from looped.symbolic.loop import Loop
from looped.symbolic.rv32im import loops_of_extension
from looped.symbolic.schoolbook import Scratch, added, started, stepped
from looped.symbolic.unfinished import instruction, operands
from looped.verify.prove import prover
from tests.machines.test_rv32im import operations, wrong_results

Patch = pytest.MonkeyPatch
FIRST, STEP, LAST = "the first loop", "a step of a quotient", "the last loop"
END = "the end of a quotient"


def given_right(
    module: ModuleType, name: str, wrong: Callable[..., Any]
) -> Callable[[Patch], None]:
    """A part of the machine that is given the right one before its own arguments."""
    right = getattr(module, name)
    return lambda patch: patch.setattr(module, name, functools.partial(wrong, right))


def other_threshold(form: Form, threshold: int) -> Condition:
    return Condition(form, threshold or 1)


SLIPS: dict[str, tuple[str, Callable[[Patch], None]]] = {
    "an equal number of divisors does not fit": (
        STEP,
        lambda patch: patch.setattr(digits, "Condition", other_threshold),
    ),
    "four bits of the rows are not compared": (
        STEP,
        lambda patch: patch.setattr(digits, "_COMPARED", 30),
    ),
    "a complement is compared without its one": (
        STEP,
        given_right(
            digits,
            "_fits",
            lambda right, m, k, goes_on, s, done: right(
                m, k, goes_on, replace(s, complement=s.once_more), done
            ),
        ),
    ),
    "a complement is subtracted without its one": (
        STEP,
        given_right(
            total,
            "_row",
            lambda right, m, name, digit, s, also: right(
                m, name, digit, replace(s, complement=s.once_more), also
            ),
        ),
    ),
    "the next bits of the dividend are exchanged": (
        STEP,
        given_right(
            steps,
            "_partial",
            lambda right, s, state, magnitude, done: right(
                s,
                replace(state, low=Word("low", (*state.low[:-2], state.low[-1], state.low[-2]))),
                magnitude,
                done,
            ),
        ),
    ),
    "the digit three is noted as one": (
        STEP,
        given_right(
            steps,
            "_low",
            lambda right, s, state, path, magnitude, done: right(
                s,
                replace(state, digit=Word("digit", (*state.digit[:3], *[state.digit[5]] * 4))),
                path,
                magnitude,
                done,
            ),
        ),
    ),
    "the last step but one has no digit": (
        STEP,
        lambda patch: patch.setattr(
            scratch.Scratch, "at_last_step", property(lambda s: scratch.all_ones(s.count[1:-1]))
        ),
    ),
    "the first digit is that of a smaller divisor": (
        FIRST,
        given_right(
            digits,
            "first_of_quotient",
            lambda right, starts, fits, tops: right(starts, [*fits[1:], fits[0]], tops),
        ),
    ),
    "a quotient by zero is negated": (
        FIRST,
        lambda patch: patch.setattr(steps, "total", lambda word: constant(1)),
    ),
    "a quotient is not negated": (
        LAST,
        given_right(
            machine,
            "operands",
            lambda right, instruction, state: right(
                instruction, replace(state, negate=state.once_more)
            ),
        ),
    ),
}


def of_case(name: str, loop: Loop) -> Iterator[Case]:
    return (case for case in loops_of_extension(loop) if case.name == name)


def prove_case(name: str, circuit: Circuit, patch: Patch) -> prover.Proof:
    described = SimpleNamespace(prover_cases=functools.partial(of_case, name))
    patch.setattr(prover.registry, "machine", lambda name: described)
    return prover.prove(circuit)


def is_wrong(circuit: Circuit) -> bool:
    """Whether the weights of a circuit divide otherwise than the reference."""
    compiled = compile_circuit(circuit)
    try:
        return bool(wrong_results(compiled, EventEngine(compiled), operations("div", 120)))
    except AssertionError:  # an instruction does not end, or leaves its registers behind
        return True


@pytest.mark.slow
@pytest.mark.parametrize("name", [FIRST, STEP, LAST, END])
def test_the_right_circuit_is_shown(name: str, monkeypatch: Patch) -> None:
    assert prove_case(name, machine.describe(32, 5), monkeypatch).cases == 1


@pytest.fixture(scope="module")
def loop() -> Loop:
    return Loop(fuse_reads(machine.describe(32, 5)))


def after_steps(number: int, funct3: int, a: int, b: int) -> Scratch:
    """The working registers after some steps by the schoolbook."""
    kind, x, y = z3.BitVecVal(funct3, 3), z3.BitVecVal(a, 32), z3.BitVecVal(b, 32)
    s = started(kind, x, y)
    for _ in range(number):
        s = Scratch(*map(z3.simplify, stepped(kind, z3.BoolVal(False), s, y, added(s))))
    return s


@pytest.mark.parametrize("changed, found", [(0, z3.sat), (1, z3.unsat), (1 << 31, z3.unsat)])
def test_what_is_given_holds_in_a_division_and_not_beside_it(
    changed: int, found: object, loop: Loop
) -> None:
    """After some steps of 1,000,000,000 / 7; and with another bit of the quotient, or to come."""
    a, b, steps_made = 1_000_000_000, 7, 9
    (case,) = of_case(STEP, loop)
    now, s = loop.registers, after_steps(steps_made, 5, a, b)
    numbers = {"partial": s.partial, "low": s.low ^ changed, "second operand": s.second}
    rest = {"digit": s.digit, "count": steps_made, "busy": 1, "pc": 0, "trap": 0}
    solver = z3.SolverFor("QF_BV")
    solver.add(*loop.facts, *case.given, *case.aside, *(name.holds for name in case.names))
    solver.add(*(now[name] == number for name, number in (numbers | rest).items()))
    solver.add(*(one == other for one, other in zip(operands(loop)[1:], (a, b), strict=True)))
    solver.add(instruction(loop) == INSTRUCTIONS["divu"].match | 3 << 7 | 1 << 15 | 2 << 20)
    assert solver.check() == found


@pytest.mark.slow
@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_refuted(slip: str, monkeypatch: Patch) -> None:
    name, apply = SLIPS[slip]
    with pytest.MonkeyPatch.context() as patch:
        apply(patch)
        circuit = machine.describe(32, 5)
    with pytest.raises(prover.Refuted) as found:
        prove_case(name, circuit, monkeypatch)
    assert found.value.case == name
    assert is_wrong(circuit)
