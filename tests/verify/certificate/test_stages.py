"""The graph of stages has every loop that can be, also where questions are left open."""

from __future__ import annotations

import itertools

import pytest

from looped.circuit.circuit import Circuit
from looped.circuit.signals import any_of_disjoint, gated, literal
from looped.circuit.words import Lane, Word, bit
from looped.diagrams import Work
from looped.passes.emit import compile_circuit
from looped.verify.certificate import instructions, stages
from looped.verify.certificate.context import ProofContext
from looped.verify.certificate.instructions import instruction_claims
from looped.verify.certificate.stages import Stage, Stages
from tests.circuit.evaluate import evaluate, number_in
from tests.verify.certificate.test_instructions import NO_COUNTER, summing

FLAGS = ("second", "third", "last")
WORDS = ("busy", *FLAGS, "kept")

FEW = [1, 40, 20_000]
"""Steps for a question: too few for any, for most, and for none."""


def sequence(left: bool = False) -> Circuit:
    """An instruction of one loop, of three or of four: a word that it keeps decides."""
    m = Circuit("sequence", 2, 2)
    pc, busy = m.register("pc", 2), m.register("busy", 1)
    second, third, last = (m.register(name, 1) for name in FLAGS)
    kept = m.register("kept", 2)
    m.multi_loop(busy, second, third, last, kept)
    word = m.fetch("word", pc)
    starts = m.let("starts", ~literal(busy) & literal(word[:1]))
    goes_on = m.let("goes on", literal(third) & literal(kept.sign))
    m.next(second, starts)
    m.next(third, second)
    m.next(last, goes_on)
    going = any_of_disjoint([literal(starts), literal(second), literal(goes_on)])
    m.next(busy, going)
    holds = [literal(starts), literal(second) if not left else literal(busy)]
    taken, held = ([*map(bit, own)] for own in (word, kept))
    signals = gated(holds[0], *taken), gated(holds[1], *held)
    m.next(kept, m.select(literal(busy), signals[1], signals[0]))
    m.next(pc, word)
    return m


def loops(circuit: Circuit) -> set[tuple[tuple[int, ...], tuple[int, ...]]]:
    """What the registers hold before and after every loop that leaves an instruction unfinished,
    for all that memory may hold."""
    found, pending, seen = set(), [(0,) * len(WORDS)], set()
    following = {r.name: r.following or r.word for r in circuit.registers}
    while pending:
        held = pending.pop()
        if held in seen:
            continue
        seen.add(held)
        for word, pc in itertools.product(range(4), range(4)):
            cpu = {**dict(zip(WORDS, held, strict=True)), "pc": pc}
            lanes = evaluate(circuit, [word] * 4, [], cpu)
            after = tuple(number_in(Word(name, following[name].lanes), lanes) for name in WORDS)
            if after[0]:
                found.add((held, after))
            pending.append(after)
    return found


def explored(circuit: Circuit) -> Stages:
    context = ProofContext.of(compile_circuit(circuit), circuit)
    found = Stages(context, Lane("busy", 0), [Lane(name, 0) for name in FLAGS], (), Work())
    found.explore()
    return found


def stage(held: tuple[int, ...]) -> Stage:
    return tuple(bool(one) for one in held[1 : 1 + len(FLAGS)])


@pytest.mark.parametrize("steps", FEW)
def test_every_loop_is_an_edge(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "_QUESTION", steps)
    circuit = sequence()
    graph, real = explored(circuit), loops(circuit)
    for held, after in real:
        assert stage(after) in graph.edges
        assert not held[0] or stage(after) in graph.edges[stage(held)]
    if steps == FEW[-1]:
        assert sum(map(len, graph.edges.values())) == len(
            {(stage(a), stage(b)) for a, b in real if a[0]}
        )


@pytest.mark.parametrize("steps", FEW)
def test_a_word_that_stays_is_refused_whatever_is_left_open(
    steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (stages, instructions):
        monkeypatch.setattr(module, "_QUESTION", steps)
    context = ProofContext.of(compile_circuit(sequence(left=True)), sequence(left=True))
    fault = next(instruction_claims(context)).fault
    assert fault is not None and fault.endswith("may stay a one")


@pytest.mark.parametrize("steps", FEW[:2])
@pytest.mark.parametrize("ends", ["never", "operand"])
def test_what_may_not_end_is_refused_whatever_is_left_open(
    ends: str, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "_QUESTION", steps)
    circuit = summing(4, ends)
    context = ProofContext.of(compile_circuit(circuit), circuit)
    assert [*instruction_claims(context)][1].fault == NO_COUNTER
