"""The loops of instructions that take several, against the weights."""

from __future__ import annotations

import dataclasses
import functools
from itertools import pairwise

import numpy as np
import pytest

from looped import registry
from looped.engines.dense import DenseEngine
from looped.errors import CompileError, Source
from looped.study.ablation import knock_out_all
from looped.study.loops import LoopCase, program_loops
from looped.study.needs import CircuitLoop
from looped.study.unfinished import single_loops
from tests.conftest import compiled

PROGRAM = """
.machine rv32im
        li   a0, -7
        li   a1, 2
        mul  a2, a0, a1
        div  a3, a0, a1
        divu a4, a0, zero
        sh   a3, 120(zero)
        lb   a5, 121(zero)
        blt  a5, a1, more
        nop
more:   jal  ra, last
last:   ebreak
"""


@functools.cache
def instructions() -> list[LoopCase]:
    image = registry.assemble(Source("program.s", PROGRAM))
    return list(program_loops(compiled("rv32im", 32, 32).plan, image, b"", 12))


@pytest.mark.slow
def test_the_loops_of_an_instruction_are_those_of_the_dense_engine() -> None:
    machine = compiled("rv32im", 32, 32)
    circuit = CircuitLoop(machine.plan)
    every = single_loops(circuit, instructions(), sample=False)
    some = single_loops(circuit, instructions(), sample=True)
    for kind in ("mul", "div", "divu"):
        all_of, few = ([c for c in loops if c.kind == kind] for loops in (every, some))
        assert 3 <= len(few) <= 12 and np.array_equal(few[0].before, all_of[0].before)
        assert np.array_equal(few[-1].after, all_of[-1].after)
        follows = (np.array_equal(a.after, b.before) for a, b in pairwise(all_of))
        assert all(follows) and len(all_of) >= len(few)
    engine = DenseEngine(machine)
    engine.load(np.stack([case.before for case in some]))
    engine.step()
    assert np.array_equal(engine.state(), np.stack([case.after for case in some]))


@pytest.mark.slow
def test_a_state_that_the_circuit_does_not_reach_is_an_error() -> None:
    case = next(each for each in instructions() if each.kind == "mul")
    wrong = dataclasses.replace(case, after=case.before)
    with pytest.raises(CompileError, match="differ after `mul`"):
        single_loops(CircuitLoop(compiled("rv32im", 32, 32).plan), [wrong], sample=True)


@pytest.mark.slow
def test_on_rv32im_exactly_what_needs_a_part_breaks_without_it() -> None:
    machine = compiled("rv32im", 32, 32)
    some = single_loops(CircuitLoop(machine.plan), instructions(), sample=True)
    found = list(knock_out_all(machine, some))
    assert [str(outcome.part) for outcome in found if not outcome.agrees] == []
    assert len(found) > 90 and sum(outcome.breaks.any() for outcome in found) > 40


MATRICES = """
.machine fleq
.side 2
        mul  A, A -> C
        sqrt B -> B
        sub  s, 1 -> s if s <= 0 goto over
        halt
over:   print C
        halt
.matrix A 2x2
     1    2.5
     3   -4
.matrix B 2x2
     4    0.25
     2    9
.zeros C 2x2
.scalar s 0.25
"""


@pytest.mark.slow
def test_on_fleq_exactly_what_needs_a_part_breaks_without_it() -> None:
    """One worker computes all elements; with two the circuit is not evaluated."""
    machine = compiled("fleq", 32, 64, side=2)
    image = registry.assemble(Source("program.fleq", MATRICES))
    loops = list(program_loops(machine.plan, image, b"", 6))
    some = single_loops(CircuitLoop(machine.plan), loops, sample=True)
    found = list(knock_out_all(machine, some))
    assert [str(outcome.part) for outcome in found if not outcome.agrees] == []
    assert len(found) > 100 and sum(outcome.breaks.any() for outcome in found) > 50
    with pytest.raises(CompileError, match="one CPU"):
        CircuitLoop(machine.plan.with_workers(2))
