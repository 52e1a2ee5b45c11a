"""Instructions whose loops several registers count together, and attacks on the proof of their end.

Each attack is an instruction that may never end, or that leaves something in a register.
"""

from __future__ import annotations

import pytest

from looped.circuit.arithmetic import all_ones, equal
from looped.circuit.circuit import Circuit
from looped.circuit.signals import any_of_disjoint, literal, value
from looped.circuit.words import Word
from looped.passes.emit import compile_circuit
from looped.verify.certificate.context import ProofContext
from looped.verify.certificate.instructions import instruction_claims
from looped.verify.certificate.ranking import connected

ENDLESS = "found no registers that rank its loops"


def faults(circuit: Circuit) -> list[str | None]:
    context = ProofContext.of(compile_circuit(circuit), circuit)
    return [claim.fault for claim in instruction_claims(context)]


def statement(circuit: Circuit) -> str:
    context = ProofContext.of(compile_circuit(circuit), circuit)
    return list(instruction_claims(context))[1].statement


def machine(*names: str, bits: int = 2) -> tuple[Circuit, Word, dict[str, Word], Word]:
    """A machine with some working registers, its flag, and a word that it fetches."""
    m = Circuit("ranked", 4, 3)
    pc, busy = m.register("pc", 4), m.register("busy", 1)
    words = {name: m.register(name, bits) for name in names}
    m.multi_loop(busy, *words.values())
    word = m.fetch("word", pc)
    m.next(pc, m.select(literal(word[3:]), pc, word))
    return m, busy, words, word


def one_more(m: Circuit, word: Word) -> Word:
    return m.let(f"after {word.name}", m.add(word, 1))


def one_less(m: Circuit, word: Word) -> Word:
    return m.let(f"before {word.name}", m.add(word, (1 << len(word)) - 1))


def nested(inner_restarts: str) -> Circuit:
    """`outer` goes up whenever `inner` has come down to zero."""
    m, busy, words, word = machine("outer", "inner")
    outer, inner = words["outer"], words["inner"]
    zero = m.let("zero", equal(inner, 0))
    ends = all_ones(outer) & literal(zero)
    going = m.let("going", ~(literal(busy) & ends))
    m.next(busy, going)
    again = {"at zero": literal(zero), "at any time": literal(word[:1])}[inner_restarts]
    restarted = m.let("restarted", m.select(again, word[1:3], one_less(m, inner)))
    m.next(inner, m.select(literal(going), restarted, 0))
    stepped = m.let("stepped", m.select(literal(zero), one_more(m, outer), outer))
    m.next(outer, m.select(literal(going), stepped, 0))
    return m


def test_two_registers_count_together() -> None:
    """The inner one begins again at any number, each time the outer one goes up."""
    assert faults(nested("at zero")) == [None, None]
    assert "ranked by" in statement(nested("at zero"))


def test_a_register_that_starts_again_at_any_time_is_refused() -> None:
    assert faults(nested("at any time")) == [None, ENDLESS]


def test_two_registers_that_reset_each_other_are_refused() -> None:
    """Each goes up while a bit of memory says so, and sets the other to zero."""
    m, busy, words, word = machine("first", "second")
    both = all_ones(words["first"]) & all_ones(words["second"])
    going = m.let("going", ~(literal(busy) & both))
    m.next(busy, going)
    for (name, register), turn in zip(
        words.items(), (literal(word[:1]), ~literal(word[:1])), strict=True
    ):
        stepped = m.let(f"{name} steps", m.select(turn, one_more(m, register), 0))
        m.next(register, m.select(literal(going), stepped, 0))
    assert faults(m) == [None, ENDLESS]


@pytest.mark.parametrize("ends", ["at the last", "never"])
def test_a_counter_that_wraps_is_refused(ends: str) -> None:
    m, busy, words, word = machine("count")
    count = words["count"]
    last = all_ones(count) if ends == "at the last" else all_ones(count) & literal(word[:1])
    going = m.let("going", ~(literal(busy) & last))
    m.next(busy, going)
    m.next(count, m.select(literal(going), one_more(m, count), 0))
    assert faults(m) == [None, None if ends == "at the last" else ENDLESS]


@pytest.mark.parametrize("back", ["never", "if memory says so"])
def test_a_cycle_of_stages_is_refused(back: str) -> None:
    """Fetch, compute, and fetch again: no register goes one way along the cycle."""
    m, busy, words, word = machine("computing", "writing", bits=1)
    computing, writing = words["computing"], words["writing"]
    fetches = ~literal(computing) & ~literal(writing)
    m.next(computing, value([fetches], 1))
    on = literal(computing) & literal(word[:1])
    m.next(writing, value([literal(computing) if back == "never" else on], 1))
    m.next(busy, any_of_disjoint([fetches, literal(computing)]))
    assert faults(m) == [None, None if back == "never" else ENDLESS]


@pytest.mark.parametrize("gate", ["busy", "a bit of memory"])
def test_a_sum_under_a_gate_is_zero_only_where_the_gate_is_off(gate: str) -> None:
    """The sum of what is read is left, unless the last loop reads nothing."""
    m, busy, words, word = machine("total", bits=4)
    total = words["total"]
    m.next(busy, value(~literal(busy), 1))
    when = m.let("when", ~literal(busy) if gate == "busy" else literal(word[:1]))
    read = m.read("term", word[:3], when=when)
    kept = m.let("kept", m.select(busy, 0, total))
    m.next(total, m.let("sum", m.add(kept, read)))
    left = None if gate == "busy" else "`total.0` may stay a one"
    assert faults(m) == [left, None]


def test_parts_of_a_graph_come_after_those_that_they_lead_to() -> None:
    a, b, c, d = ((bool(i & 1), bool(i & 2)) for i in range(4))
    edges = [(a, b), (b, c), (c, b), (c, d)]
    assert list(connected([a, b, c, d], edges)) == [{d}, {b, c}, {a}]
