"""What a circuit refuses, statement by statement and as a whole, in whole messages."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from looped.circuit.arithmetic import equal, matches, table
from looped.circuit.circuit import Circuit
from looped.circuit.names import RESERVED
from looped.circuit.signals import (
    Condition,
    Signal,
    Value,
    any_of_disjoint,
    disjoint_or,
    gated,
    literal,
)
from looped.circuit.words import Form, Word, bit, constant
from looped.errors import CompileError
from looped.passes.emit import compile_circuit

AT = "circuit/test_validity.py:N"


def message(act: Callable[[], object]) -> str:
    """The message that an act is refused with; line numbers are N."""
    with pytest.raises(CompileError) as caught:
        act()
    return re.sub(r"(\.py:)\d+", r"\1N", str(caught.value))


def small() -> tuple[Circuit, Word]:
    m = Circuit("small", 8, 5, 2)
    return m, m.register("pc", 8)


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        ((0, 5), "circuit `x` has 0-bit words: 1 to 64 bits"),
        ((65, 5), "circuit `x` has 65-bit words: 1 to 64 bits"),
        ((8, 0), "circuit `x` has 0-bit addresses: 1 to 24 bits"),
        ((8, 25), "circuit `x` has 25-bit addresses: 1 to 24 bits"),
        ((8, 3, 4), "circuit `x` has 4-bit register numbers: 0 to 3 bits, as in an address"),
        ((8, 3, 0, True), "circuit `x` has a zero register but no register file"),
    ],
)
def test_sizes_that_cannot_be(sizes: tuple[int, ...], told: str) -> None:
    assert message(lambda: Circuit("x", *sizes)) == told


@pytest.mark.parametrize(
    "name", [*sorted(RESERVED), "position", "position-1", "write x", "erase for x"]
)
def test_names_of_the_compiler_are_its_own(name: str) -> None:
    for make in (
        Circuit.register,
        Circuit.let,
        Circuit.output,
        Circuit.fetch,
        Circuit.read_register,
    ):
        m, pc = small()
        arguments = (1,) if make in (Circuit.register, Circuit.let) else (pc[:1],)
        told = message(lambda: make(m, name, *arguments))  # type: ignore[operator] # noqa: B023
        assert told == f"word `{name}` at {AT}: the compiler reserves that name"


@pytest.mark.parametrize(
    "name", ["", "pc.next", "x ", " x", "x  y", "1x", "x[0]", "é", "x+y", "x#2"]
)
def test_names_that_are_none(name: str) -> None:
    m, _ = small()
    assert message(lambda: m.pin(name)) == f"word `{name}` at {AT}: a word cannot have that name"


@pytest.mark.parametrize("name", ["next x", "carry 16", "cpu2", "values", "ONE", "in file"])
def test_names_that_only_look_like_the_compilers_are_free(name: str) -> None:
    m, pc = small()
    x = m.register(name, 8)
    m.next(pc, m.add(pc, x))
    m.next(x, m.fetch("word", x))
    words = compile_circuit(m).plan.words
    assert name in words and len(words) == 8


STATEMENTS: dict[str, tuple[Callable[[Circuit, Word], object], str]] = {
    "a register of no bits": (
        lambda m, pc: m.register("r", 0),
        f"word `r` at {AT} has 0 bits: 1 to 64",
    ),
    "a word of too many": (
        lambda m, pc: m.let("r", 0, 65),
        f"word `r` at {AT} has 65 bits: 1 to 64",
    ),
    "next of another width": (
        lambda m, pc: m.next(pc, pc[:4]),
        f"word `pc` at {AT}: a value of 4 bits stands where 8 are needed",
    ),
    "next of no register": (
        lambda m, pc: m.next(m.let("x", pc), pc),
        f"`x[0:8]` at {AT} is not a register of this circuit",
    ),
    "next of a part": (
        lambda m, pc: m.next(pc[:4], pc[:4]),
        f"`pc[0:4]` at {AT} is not a register of this circuit",
    ),
    "a constant too large": (
        lambda m, pc: m.let("x", 256, 8),
        f"word `x` at {AT}: the constant 256 stands where 8 bits are needed",
    ),
    "an offset below zero": (
        lambda m, pc: m.fetch("x", pc, -1),
        f"read `x` at {AT}: there is no offset -1 in a memory of 32 words",
    ),
    "an offset beyond memory": (
        lambda m, pc: m.fetch("x", pc, 32),
        f"read `x` at {AT}: there is no offset 32 in a memory of 32 words",
    ),
    "a port of two bits": (
        lambda m, pc: m.read("x", pc, port=pc[:2]),
        f"the port of read `x` at {AT} is a word of 2 bits: it must have one",
    ),
    "a short address to write to": (
        lambda m, pc: m.write("x", pc[:3], pc),
        f"write `x` at {AT}: an address of 3 bits, but memory needs 5",
    ),
    "a short word to write": (
        lambda m, pc: m.write("x", pc, pc[:3]),
        f"write `x` at {AT}: a word of 3 bits, but memory has 8",
    ),
    "a flag of two bits": (
        lambda m, pc: m.write("x", pc, pc, when=pc[:2]),
        f"`when` of write `x` at {AT} is a word of 2 bits: it must have one",
    ),
    "two writes of one name": (
        lambda m, pc: [m.write("x", pc, pc) for _ in range(2)],
        f"write `x` is made twice: at {AT} and {AT}",
    ),
    "halts by two bits": (
        lambda m, pc: m.halts(pc[:2]),
        f"the flag that halts at {AT} is a word of 2 bits: it must have one",
    ),
    "a literal of two bits": (
        lambda m, pc: literal(pc[:2]),
        "`pc` has 2 bits and cannot be a condition",
    ),
    "equal to too much": (lambda m, pc: equal(pc, 256), "`pc` has 8 bits and is compared with 256"),
    "a mask too wide": (
        lambda m, pc: matches(pc[:2], 4, 0),
        "`pc` has 2 bits and is compared with 4",
    ),
    "a row that no word has": (
        lambda m, pc: table(pc[:2], {4: 1}, 1),
        "`pc` has 2 bits and is compared with 4",
    ),
    "a number without room": (
        lambda m, pc: table(pc, {4: 2}, 1),
        "a table of 1 bits has no room for 2",
    ),
    "a disjoint_or of two widths": (
        lambda m, pc: disjoint_or(pc, pc[:2]),
        "disjoint_or takes words of one width, not of [2, 8] bits",
    ),
    "a sum of two widths": (
        lambda m, pc: m.sub(pc, pc[:2]),
        "a word of 2 bits is taken from one of 8",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", STATEMENTS)
def test_statements_that_cannot_be(what: str) -> None:
    act, told = STATEMENTS[what]
    m, pc = small()
    assert message(lambda: act(m, pc)) == told


def test_a_circuit_without_a_register_file_has_no_registers() -> None:
    m = Circuit("x", 8, 5)
    pc = m.register("pc", 8)
    told = message(lambda: m.read_register("x", pc))
    assert told == f"read `x` at {AT}: the circuit has no register file"
    told = message(lambda: m.write("x", pc, pc, in_registers=pc[:1]))
    assert told == f"write `x` at {AT}: the circuit has no register file"


WHOLE: dict[str, tuple[Callable[[Circuit, Word], object], str]] = {
    "a cycle": (
        lambda m, pc: [
            m.next(pc, m.let("a", Word.of("b", 8))),
            m.let("b", Word.of("a", 8)),
        ],
        "`a.0` depends on itself, or on a word that does",
    ),
    "a half": (
        lambda m, pc: m.output("x", Condition(Form({pc[0]: bit(pc[0]).constant}), 0)),
        f"word `x` at {AT}: a condition has a sum that is not always an integer",
    ),
    "a disjoint_or of ones": (
        lambda m, pc: [m.output("x", disjoint_or(f, f), 8) for f in [m.fetch("word", pc)]],
        f"lane `x.next.0` at {AT} is not a bit: it is 2 where word.0 is 1",
    ),
    "two of any_of_disjoint": (
        lambda m, pc: [
            m.output("x", any_of_disjoint([literal(a), literal(b)]))
            for a, b in [(m.pin("a"), m.pin("b"))]
        ],
        f"lane `x.next.0` at {AT} is not a bit: it is 2 where a.0 is 1, b.0 is 1",
    ),
    "through lanes": (
        lambda m, pc: [
            m.output("x", gated(literal(a), bit(a[0]) + bit(b[0])))
            for word in [m.fetch("word", pc)]
            for a, b in [(m.let("a", ~literal(word[:1])), m.let("b", equal(word[:2], 2)))]
        ],
        f"lane `x.next.0` at {AT} is not a bit: it is 2 where word.0 is 0, word.1 is 1",
    ),
    "less than nothing": (
        lambda m, pc: m.output("x", Value((Signal(constant(-1)),))),
        f"lane `x.next.0` at {AT} is not a bit: it is -1 where always",
    ),
    "halted by no register": (
        lambda m, pc: [(m.halts(x), m.next(pc, m.select(x, pc, 0))) for x in [m.let("x", 0, 1)]],
        "a host reads lane `x.0`, which belongs to no register",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WHOLE)
def test_circuits_that_are_not_valid_are_not_compiled(what: str) -> None:
    act, told = WHOLE[what]
    m, pc = small()
    act(m, pc)
    assert message(lambda: compile_circuit(m)) == told


def test_a_circuit_needs_a_program_counter() -> None:
    m = Circuit("x", 8, 5)
    m.pin("a")
    assert message(lambda: compile_circuit(m)) == "circuit `x` has no register `pc`"


def test_bits_that_only_a_register_could_spoil_are_left_to_the_certificate() -> None:
    m, pc = small()
    a, b = m.register("a", 1), m.register("b", 1)
    m.next(a, pc[:1])
    m.next(b, Value((Signal(constant(1) - bit(pc[0])),)))
    m.output("x", any_of_disjoint([literal(a), literal(b)]))
    m.check()


def test_words_of_one_address_and_two_offsets_are_tried_together() -> None:
    m, pc = small()
    x, y = m.fetch("f", pc), m.fetch("g", pc, 1)
    m.output("x", any_of_disjoint([literal(x[:1]), literal(y[:1])]))
    assert (
        message(m.check)
        == f"lane `x.next.0` at {AT} is not a bit: it is 2 where f.0 is 1, g.0 is 1"
    )


def test_words_of_two_addresses_may_be_one_word() -> None:
    m, pc = small()
    x, y = m.fetch("f", pc), m.fetch("g", m.fetch("h", pc))
    m.output("x", any_of_disjoint([literal(x[:1]), literal(y[:1])]))
    m.check()


def test_workers_need_two_registers_of_one_width() -> None:
    m, pc = small()
    number, mask = m.register("number", 2), m.register("mask", 3)
    for wrong in (mask, number):
        assert message(lambda: m.has_workers(number, wrong)) == (  # noqa: B023
            f"the number of a worker at {AT} has 2 bits, and the mask {len(wrong)}: "
            "two registers of one width are needed"
        )
    m.has_workers(number, m.register("own", 2))
    assert message(lambda: m.has_workers(number, pc[:2])) == (
        f"workers are declared twice: at {AT} and {AT}"
    )


def test_workers_have_registers_a_mask_that_stays_and_no_input() -> None:
    m, pc = small()
    m.has_workers(m.let("number", pc[:2]), m.register("mask", 2))
    m.output("out", Word.of("number", 2), 2)
    assert message(m.check) == f"the number of workers at {AT} is not a register"
    m, pc = small()
    number, mask = m.register("number", 2), m.register("mask", 2)
    m.has_workers(number, mask)
    m.check()
    m.next(mask, number)
    assert message(m.check) == f"the mask of workers gets a next value at {AT}: it never may"
    m, pc = small()
    number, mask = m.register("number", 2), m.register("mask", 2)
    m.has_workers(number, mask)
    m.output("out", m.read("in", pc, port=pc[:1]), 8)
    assert message(m.check) == (
        "circuit `small` has workers and an input column: it can only have one of them"
    )
