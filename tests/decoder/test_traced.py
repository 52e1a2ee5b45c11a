"""The circuit of a looped machine as a trace: what it becomes, and what no text can hold."""

from __future__ import annotations

import functools

import hypothesis.strategies as st
import pytest
from hypothesis import given

from looped import registry
from looped.circuit.arithmetic import add, select
from looped.circuit.circuit import Circuit, Define
from looped.circuit.signals import Condition, literal
from looped.circuit.words import Form, Lane, Word, bit
from looped.decoder import Spec, Vocabulary
from looped.decoder.folding import copied, folded, propagated, renamed
from looped.decoder.machine import machine
from looped.decoder.pruned import Pruned
from looped.decoder.traced import missing, traced
from looped.decoder.weights import weights
from looped.errors import CompileError
from looped.machines.subleq import describe
from tests.conftest import examples
from tests.decoder.histories import run

X, Y, FLAG = Word.of("x", 4), Word.of("y", 4), Word.of("flag", 1)


def names(spec: Spec, phase: int) -> list[str]:
    """What a phase reads, or makes."""
    found = machine(spec).schedule
    reads = [read.name for read in found.reads.get(phase, [])]
    return reads + list({bit.define.name: None for bit in found.bits.get(phase, [])})


def test_the_phases_of_subleq() -> None:
    spec = Spec(width=16, memory=64)
    assert [names(spec, phase) for phase in (0, 2, 4)] == [
        ["address", "value", "pc"],
        ["a", "b", "c"],
        ["mem_a", "mem_b"],
    ]
    assert machine(spec).layers == 3
    assert names(spec, 5) == ["result", "due_ask", "due_out", "pc"]


def test_words_of_32_bits_take_a_layer_more() -> None:
    spec = Spec(width=32, memory=64)
    assert machine(spec).layers == 4
    assert "mem_b-mem_a.borrow.16" in names(spec, 5)
    assert (names(spec, 6), names(spec, 7)) == ([], ["result"])


def test_the_byte_of_output_is_a_copy_and_waiting_never_happens() -> None:
    made = machine(Spec(width=8, memory=64))
    assert [lane.word for lane in made.output] == ["mem_a"] * 8
    defined = {bit.define.name for bits in made.schedule.bits.values() for bit in bits}
    assert "waiting" not in defined and "out" not in defined


@pytest.mark.parametrize(
    ("name", "width", "lacks"),
    [
        ("rv32i", 32, ["a register file", "traps", "writes under a condition"]),
        pytest.param(
            "rv32im",
            32,
            ["a register file", "instructions of several loops"],
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "fleq",
            32,
            ["registers beside the program counter", "output as numbers"],
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_machine_that_no_text_holds_is_refused(name: str, width: int, lacks: list[str]) -> None:
    found = registry.machine(name)
    asked = {"side": 2} if name == "fleq" else {}
    memory = max(1 << 10, found.least_memory(**found.settled(width, asked)))
    circuit = found.circuit(width, memory, **asked)
    for lack in lacks:
        assert any(lack in what for what in missing(circuit)), missing(circuit)
    with pytest.raises(CompileError, match=f"{name} cannot be a trace: it has "):
        traced(circuit, Spec(width=width, memory=1024))


def test_an_address_that_depends_on_the_written_word_is_refused() -> None:
    circuit = describe(8, 6)
    (write,) = circuit.writes
    flag = Word.of("late", 1)
    circuit.defines.append(Define("late", flag, select(literal(write.value.sign), 1, 0, 1), "t"))
    port = circuit.ports.output
    assert port is not None
    for index, define in enumerate(circuit.defines):
        if define.name == port.when:
            circuit.defines[index] = Define(
                define.name, define.target, select(literal(flag), 1, 0, 1), "t"
            )
    with pytest.raises(CompileError, match="`late` at t depends on the word that is written"):
        traced(circuit, Spec(width=8, memory=64))


@functools.cache
def pruned(spec: Spec) -> Pruned:
    return Pruned(weights(spec))


@examples(0.1)
@given(
    st.lists(st.integers(0, 255), min_size=32, max_size=32),
    st.integers(0, 28),
    st.sampled_from([8, 16, 32]),
    st.integers(0, 1),
)
def test_every_width_and_both_orders_run_random_programs(
    words: list[int], entry: int, width: int, order: int
) -> None:
    bits = min(width - 1, 15)
    spec = Spec(width=width, memory=32, context=4096, counter_bits=bits, order=order)
    words = [word if word < 128 else (1 << width) - 256 + word for word in words]
    prompt = Vocabulary(spec).prompt(words, entry)
    wanted = run(spec, words, b"ab", 150, entry).tokens[len(prompt) :]
    source = iter(b"ab")
    answer = lambda: next(source, (1 << width) - 1)  # noqa: E731
    assert pruned(spec).generate(prompt, answer, len(wanted)) == wanted


def sums(circuit: Circuit) -> Define:
    return Define("sum", Word.of("sum", 4), add(X, Y, circuit._keep, 16), "t")


def at(define: Define, known: dict[Lane, int]) -> list[int]:
    """The bits of a definition where its lanes are known."""
    found = []
    for signal in define.value.signals:
        held = [t.form.at(known) for t in signal.gated
                if t.condition.form.at(known) >= t.condition.threshold]  # fmt: skip
        found.append(int(signal.linear.at(known) + sum(held)))
    return found


@examples(0.3)
@given(st.lists(st.sampled_from([-1, 1]), min_size=8, max_size=8), st.sets(st.integers(0, 7)))
def test_what_is_known_changes_no_result(signs: list[int], known: set[int]) -> None:
    lanes = [*X, *Y]
    state = dict(zip(lanes, signs, strict=True))
    define = sums(Circuit("t", 8, 5))
    facts = {lanes[i]: signs[i] for i in known}
    shorter = folded(define, facts)
    assert at(shorter, state) == at(define, state)
    used = {lane for signal in shorter.value.signals for lane in signal.lanes()}
    assert used.isdisjoint(facts)


def test_what_a_definition_decides_is_known_to_others() -> None:
    never = Define("never", FLAG, select(Condition(bit(X[0]), 1), 0, 0, 1), "t")
    chosen = Define("chosen", Word.of("chosen", 4), select(literal(FLAG), X, Y, 4), "t")
    (_, left), facts = propagated([never, chosen], {})
    assert facts == {FLAG[0]: -1}
    found = copied(left)
    assert found is not None and found.lanes == Y.lanes
    assert copied(chosen) is None


def test_lanes_with_other_names_add_up() -> None:
    define = Define("x", Word.of("z", 1), select(literal(X[:1]), 1, bitwise(X[1]), 1), "t")
    both = renamed(define, {X[1]: X[0]})
    lanes = {lane for signal in both.value.signals for lane in signal.lanes()}
    assert lanes == {X[0]}
    for sign in (-1, 1):
        assert at(both, {X[0]: sign}) == at(define, {X[0]: sign, X[1]: sign})


def bitwise(lane: Lane) -> Word:
    return Word(lane.word, (lane,))


def test_a_form_with_two_lanes_of_one_name_has_their_sum() -> None:
    form = Form(bit(X[0]).terms | bit(X[1]).terms)
    signal = Define("s", Word.of("s", 1), select(Condition(form, 1), 1, 0, 1), "t")
    (found,) = renamed(signal, {X[1]: X[0]}).value.signals
    (term,) = found.gated
    assert term.condition.form.terms == {X[0]: 1}
