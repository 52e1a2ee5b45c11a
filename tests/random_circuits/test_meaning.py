"""The meaning of a circuit's text on plain integers, at a machine that is known by heart."""

from __future__ import annotations

import pytest

from tests.random_circuits.meaning import InvalidCircuitError, State, loop

SUBTRACT = compile(
    """
m = Circuit("subtract", 4, 2)
pc = m.register("pc", 4)
a, b = m.fetch("a", pc), m.fetch("b", pc, 1)
x, y = m.read("x", a), m.read("y", b)
d = m.let("d", m.sub(y, x))
m.write("d", b[:2], d)
m.next(pc, m.select(nonpositive(d), 0, m.add(pc, 2)))
""",
    "subtract",
    "exec",
)


def test_a_subtraction_and_a_branch() -> None:
    state = State([2, 3, 5, 9], [], [{"pc": (0, 4)}])
    after = loop(SUBTRACT, state, 2, 4)
    assert after.memory == [2, 3, 5, 4] and after.cpus[0]["pc"] == (2, 4)
    state = State([2, 3, 5, 5], [], [{"pc": (4, 4)}])
    after = loop(SUBTRACT, state, 2, 4)
    assert after.memory == [2, 3, 5, 0] and after.cpus[0]["pc"] == (0, 4)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("m.let('y', disjoint_or(pc, pc))", "a signal is no bit"),
        ("m.let('y', any_of_disjoint([literal(pc), literal(pc)]))", "a signal is no bit"),
        ("m.let('y', disjoint_or(pc, m.read_register('x', pc)))", "a signal is no bit"),
        ("m.let('y', without(Word('', (0,)), pc))", "a signal is no bit"),
        ("m.read('y', Word('', (*pc, 0)), port=pc)", "there is no device 1"),
        ("[m.write(n, pc, pc) for n in 'ab']", "two writes meet in one column"),
        ("m.invariant('never', ~literal(pc))", "invariant `never` does not hold"),
    ],
)
def test_what_no_circuit_may_do(line: str, fault: str) -> None:
    text = compile(f"m = Circuit()\npc = m.register('pc', 1)\n{line}", "wrong", "exec")
    with pytest.raises(InvalidCircuitError, match=fault):
        loop(text, State([1, 1, 1, 1], [0, 1], [{"pc": (1, 1)}]), 2, 1)


def test_workers_read_before_they_write() -> None:
    """Each moves a word to the next place, all at once; two that write to one place are refused."""
    text = """m = Circuit()
pc, n = m.register("pc", 1), m.register("n", 2)
x = m.read("x", n)
m.write("y", m.add(n, 1), x)
"""
    code = compile(text, "workers", "exec")
    cpus = [{"pc": (0, 1), "n": (number, 2)} for number in range(3)]
    assert loop(code, State([1, 0, 0, 1], [], cpus), 2, 1).memory == [1, 1, 0, 0]
    with pytest.raises(InvalidCircuitError, match="two writes meet in one column"):
        loop(code, State([1, 0, 0, 1], [], [cpus[0], cpus[0]]), 2, 1)
