"""A guard that reads more bits than a claim still excludes the states in which the claim fails.

So does a guard together with what bits are made from, where neither is enough."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest

from looped.artefact.embedding import embed
from looped.circuit.arithmetic import equal
from looped.circuit.circuit import Circuit
from looped.circuit.signals import Gated, Signal, Value, literal
from looped.circuit.words import Word, bit, constant
from looped.engines.lifted import LiftedEngine
from looped.engines.lifted.code import Instruction
from looped.engines.lifted.lift import Lifted
from looped.passes.emit import compile_circuit
from looped.verify.translation import WrongLift, validate
from looped.verify.translation.definitions import Definitions
from looped.verify.translation.reachable import Reachable
from tests.verify.translation.mutants import inserted, places, replaced

EITHER = pytest.mark.parametrize("decoded", [False, True])


@functools.cache
def engine(decoded: bool) -> LiftedEngine:
    """`out` is the bit of a word that `pc` selects; for the last `pc`, x or y.

    Two flags in the word say which of both. If both are set, `out` may be 3: no program sets both,
    but a pass does not know it. For two values of `pc` that are `decoded` in an earlier block,
    `out` is x or y, too: if both could be set, `out` might be 3 once more.
    """
    m = Circuit("chooser", 32, 5)
    pc, out = m.register("pc", 5), m.register("out", 1)
    word = m.read("word", pc)
    data, first, second, (x, y) = word[:28], word[28:29], word[29:30], word[30:]
    last = equal(pc, 31)
    terms = [Gated(equal(pc, n), bit(lane)) for n, lane in enumerate(data)]
    if decoded:
        is_x, is_y = (m.let(f"is {n}", equal(pc, n)) for n in (28, 29))
        other = ~literal(is_x) & ~literal(is_y)
        terms = [Gated(term.condition & other, term.form) for term in terms]
        terms += [Gated(literal(is_x), bit(x)), Gated(literal(is_y), bit(y))]
    terms += [Gated(last & literal(first), bit(x)), Gated(last & literal(second), bit(y))]
    m.next(out, Value((Signal(constant(0), tuple(terms)),)))
    m.next(pc, m.add(pc, 1))
    m.write("written", pc, Word("bits", tuple(out[0] for _ in range(32))))
    machine = compile_circuit(m)
    found = LiftedEngine(machine)
    found.load(embed(np.arange(32).tolist(), machine.plan)[None])
    found.prepare()
    return found


def lifted(decoded: bool) -> Lifted:
    return engine(decoded).programs.made[0].lifted


@EITHER
def test_the_lift_is_proved(decoded: bool) -> None:
    validate(engine(decoded).programs.exact, lifted(decoded))


@EITHER
def test_it_needs_such_a_guard(decoded: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reachable, "_excludes", lambda self, guard: False)
    with pytest.raises(WrongLift, match="MLP: lane"):
        validate(engine(decoded).programs.exact, lifted(decoded))


@EITHER
def test_without_the_guard_it_is_refused(decoded: bool) -> None:
    right = lifted(decoded)
    zero = next(n for n, i in enumerate(right.code.instructions) if i == Instruction("const"))
    guards = places(right, "guard")
    assert guards
    wrong = right
    for place in guards:
        wrong = replaced(wrong, place, operands=(zero,))
    with pytest.raises(WrongLift, match="MLP: lane"):
        validate(engine(decoded).programs.exact, wrong)
    assert dataclasses.replace(wrong, code=right.code) == right


def spared(first: int, second: int) -> Lifted:
    """A lift whose guard does not fail where both of two conditions hold."""
    found = lifted(True)
    (guard,) = places(found, "guard")
    (wrong,) = found.code.instructions[guard].operands
    both, one, unless, rest = range(guard, guard + 4)
    new = [
        Instruction("and", (first, second)),
        Instruction("const", (), 1),
        Instruction("xor", (both, one)),
        Instruction("and", (wrong, unless)),
    ]
    return replaced(inserted(found, guard, new), guard + 4, operands=(rest,))


def kinds() -> list[int]:
    """The decoded values of `pc`, as values of the code."""
    found = lifted(True)
    return [n for n in places(found, "equal") if n < found.cuts[1].end]


def test_a_guard_need_not_fail_where_definitions_exclude_the_state() -> None:
    validate(engine(True).programs.exact, spared(*kinds()))


@pytest.mark.parametrize(("room", "name"), [(Reachable, "_excludes"), (Definitions, "is_made")])
def test_that_takes_the_guard_and_the_definitions(
    room: type, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, name, lambda self, given: False)
    with pytest.raises(WrongLift, match="MLP: lane"):
        validate(engine(True).programs.exact, spared(*kinds()))


def test_a_guard_must_fail_where_they_do_not() -> None:
    """The last `pc` needs the guard."""
    code = lifted(True).code
    (last,) = (
        n
        for n in places(lifted(True), "equal")
        if code.number(code.instructions[n].operands[1]) == 31
    )
    with pytest.raises(WrongLift, match="MLP: lane"):
        validate(engine(True).programs.exact, spared(last, last))
