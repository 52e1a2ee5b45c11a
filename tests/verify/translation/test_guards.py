"""A guard that reads more bits than a claim still excludes the states in which the claim fails."""

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
from looped.verify.translation.reachable import Reachable
from tests.verify.translation.mutants import places, replaced


@functools.cache
def engine() -> LiftedEngine:
    """`out` is the bit of a word that `pc` selects; for the last `pc`, x or y.

    Two flags in the word say which of both. If both are set, `out` may be 3: no program sets both,
    but a pass does not know it.
    """
    m = Circuit("chooser", 32, 5)
    pc, out = m.register("pc", 5), m.register("out", 1)
    word = m.read("word", pc)
    data, first, second, (x, y) = word[:28], word[28:29], word[29:30], word[30:]
    last = equal(pc, 31)
    terms = [Gated(equal(pc, n), bit(lane)) for n, lane in enumerate(data)]
    terms += [Gated(last & literal(first), bit(x)), Gated(last & literal(second), bit(y))]
    m.next(out, Value((Signal(constant(0), tuple(terms)),)))
    m.next(pc, m.add(pc, 1))
    m.write("written", pc, Word("bits", tuple(out[0] for _ in range(32))))
    machine = compile_circuit(m)
    found = LiftedEngine(machine)
    found.load(embed(np.arange(32).tolist(), machine.plan)[None])
    found.prepare()
    return found


def lifted() -> Lifted:
    return engine().programs.made[0].lifted


def test_the_lift_is_proved() -> None:
    validate(engine().programs.exact, lifted())


def test_it_needs_such_a_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reachable, "_some_guard_fails", lambda self: False)
    with pytest.raises(WrongLift, match="MLP: lane"):
        validate(engine().programs.exact, lifted())


def test_without_the_guard_it_is_refused() -> None:
    zero = next(n for n, i in enumerate(lifted().code.instructions) if i == Instruction("const"))
    guards = places(lifted(), "guard")
    assert guards
    wrong = lifted()
    for place in guards:
        wrong = replaced(wrong, place, operands=(zero,))
    with pytest.raises(WrongLift, match="MLP: lane"):
        validate(engine().programs.exact, wrong)
    assert dataclasses.replace(wrong, code=lifted().code) == lifted()
