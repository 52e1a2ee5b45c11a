"""Instructions of several loops: that they end is shown from a register that counts them."""

from __future__ import annotations

import pytest

from looped import diagrams, registry
from looped.circuit.arithmetic import all_ones
from looped.circuit.circuit import Circuit
from looped.circuit.signals import Condition, Signal, Value, literal
from looped.circuit.words import Word, constant
from looped.passes.emit import compile_circuit
from looped.verify.certificate import instructions
from looped.verify.certificate.claims import Claim
from looped.verify.certificate.context import ProofContext
from looped.verify.certificate.instructions import instruction_claims
from looped.verify.certificate.invariants import broken
from tests.conftest import compiled

NO_COUNTER = "found no registers that rank its loops"


def claims(circuit: Circuit) -> list[Claim]:
    return list(instruction_claims(ProofContext.of(compile_circuit(circuit), circuit)))


def summing(width: int, ends: str = "counter", counts: str = "up", left: str = "") -> Circuit:
    """Words are added up in a working register, for as many loops as a counter says.

    `ends` is what ends an instruction, `counts` how the counter goes on, and `left` the register
    in which something is left.
    """
    m = Circuit("summing", width, 4)
    pc = m.register("pc", width)
    busy, count = m.register("busy", 1), m.register("count", 3)
    total = m.register("total", width)
    m.halts(pc.sign)
    m.multi_loop(busy, count, total)
    word = m.fetch("word", pc)
    goes_on = m.let("going", _going(ends, busy, count, total, word))
    going = literal(goes_on)
    m.next(busy, goes_on)
    moves = going & literal(word[:1]) if counts == "with an operand" else going
    step = m.select(literal(m.let("moves", moves)), m.let("step", m.add(count, 1)), count)
    m.next(count, m.select(going, m.let("counted", step), 1 if left == "count" else 0))
    more = m.let("more", m.add(total, word))
    m.next(total, more if left == "total" else m.select(going, more, 0))
    m.next(pc, m.select(going, pc, m.let("behind", m.add(pc, 1))))
    m.write("word", pc, word)
    return m


def _going(ends: str, busy: Word, count: Word, total: Word, word: Word) -> Condition | Value:
    if ends == "never":
        return Value((Signal(constant(1)),))
    last = {
        "counter": all_ones(count),
        "operand": literal(word[:1]),
        "sum": literal(total.sign),
        "counter and operand": all_ones(count) & literal(word[:1]),
    }
    return ~(literal(busy) & last[ends])


@pytest.mark.slow
def test_quotients_take_18_loops_and_leave_nothing() -> None:
    context = ProofContext.of(
        compiled("rv32im", 32, 32), registry.machine("rv32im").circuit(32, 32)
    )
    found = list(instruction_claims(context))
    assert [claim.fault for claim in found] == [None, None]
    assert found[0].statement == "are zero at the beginning, and after every instruction"
    assert found[1].statement == "an instruction takes 18 loops at most, for all operands"


def test_no_instruction_is_unfinished_in_a_trap_if_pc_is_in_memory() -> None:
    """It jumps to itself, which traps outside of memory alone."""
    circuit = registry.machine("rv32im").circuit(32, 32)
    context = ProofContext.of(compiled("rv32im", 32, 32), circuit)
    assert broken(context, circuit.invariants[-1]) is None


def test_what_a_trap_stops_and_leaves_is_refused() -> None:
    circuit = registry.machine("rv32im").circuit(32, 32)
    circuit.invariants = circuit.invariants[:1]
    context = ProofContext.of(compiled("rv32im", 32, 32), circuit)
    assert next(instruction_claims(context)).fault == "`count.0` may stay a one"


@pytest.mark.slow
def test_a_register_that_counts_need_not_be_declared() -> None:
    """The first loop sets it, whatever it holds; but what is left in it is no claim then, and what
    depends on it may stay."""
    circuit = registry.machine("rv32im").circuit(32, 32)
    circuit.scratch = tuple(word for word in circuit.scratch if len(word) == 1)
    context = ProofContext.of(compiled("rv32im", 32, 32), circuit)
    left, ends = instruction_claims(context)
    assert left.fault == "`negative.0` may stay a one"
    assert ends.holds and ends.statement.startswith("an instruction takes 18 loops at most")


@pytest.mark.parametrize("width", [4, 8, 16, 64])
def test_a_counter_is_found_beside_a_sum_of_any_width(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is added up is not looked at: few steps on diagrams suffice, whatever the width."""
    monkeypatch.setattr(instructions, "_STEPS", 100_000)
    found = claims(summing(width))
    assert [claim.fault for claim in found] == [None, None]
    assert found[1].statement == "an instruction takes 8 loops at most, for all operands"


@pytest.mark.parametrize("ends", ["never", "operand", "sum", "counter and operand"])
@pytest.mark.parametrize("width", [4, 8])
def test_an_instruction_that_may_not_end_is_refused(ends: str, width: int) -> None:
    """The counter wraps, and all other registers of up to eight bits are tried in vain."""
    assert [claim.fault for claim in claims(summing(width, ends))] == [None, NO_COUNTER]


def test_a_counter_that_stops_for_an_operand_is_refused() -> None:
    circuit = summing(8, counts="with an operand")
    assert [claim.fault for claim in claims(circuit)] == [None, NO_COUNTER]


def test_a_host_that_says_when_an_instruction_ends_may_never_say_so() -> None:
    m = Circuit("hosted", 4, 4)
    pc, busy, count = m.register("pc", 4), m.pin("busy"), m.register("count", 2)
    m.multi_loop(busy, count)
    m.next(count, m.select(literal(busy), m.let("step", m.add(count, 1)), 0))
    m.next(pc, m.select(literal(busy), pc, m.fetch("word", pc)))
    assert claims(m)[1].fault == NO_COUNTER


@pytest.mark.parametrize("left", ["count", "total"])
def test_what_is_left_in_a_working_register_is_refused(left: str) -> None:
    fault = claims(summing(8, left=left))[0].fault
    assert fault is not None
    assert fault.startswith(f"`{left}")
    assert fault.endswith("may stay a one")


def test_a_refusal_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """With few steps allowed, the same circuits are refused and nothing else happens."""
    monkeypatch.setattr(instructions, "_STEPS", 10)
    left, ends = (claim.fault for claim in claims(summing(8)))
    assert left == "a working register may stay: a proof takes too many steps on diagrams"
    assert ends == NO_COUNTER


def test_a_space_of_diagrams_is_bounded_in_steps() -> None:
    space = diagrams.Diagrams(diagrams.Work(100))
    lanes = [space.variable(i) for i in range(30)]
    with pytest.raises(diagrams.TooLarge, match="too many steps"):
        space.affine(((lane, 1 << i) for i, lane in enumerate(lanes)), 0)
