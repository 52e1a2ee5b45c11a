"""Each macro of the library against Python's arithmetic, on the reference."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.errors import Source
from looped.reference.subleq import Subleq
from looped.registry import assemble
from tests.conftest import examples

MEMORY = 1024


def run(body: str, width: int, names: str, data: bytes = b"") -> dict[str, int]:
    """Assemble, run until it halts, and look at words by name."""
    image = assemble(Source("test", body), width=width)
    machine = Subleq(image.words, width, min(MEMORY, 1 << width), data)
    for _ in range(20_000):
        if machine.halted:
            return {name: machine.memory[image.symbols[name]] for name in names.split()}
        machine.step()
    raise AssertionError("the program does not halt")


def words(width: int) -> st.SearchStrategy[int]:
    full = 1 << width
    edges = st.sampled_from([0, 1, full // 2 - 1, full // 2, full // 2 + 1, full - 1])
    return st.one_of(edges, st.integers(0, full - 1))


def signed(word: int, width: int) -> int:
    return word - (1 << width) if word >> (width - 1) else word


CONDITIONS = {
    "jz": lambda x: x == 0,
    "jnz": lambda x: x != 0,
    "jle": lambda x: x <= 0,
    "jgt": lambda x: x > 0,
    "jlt": lambda x: x < 0,
    "jge": lambda x: x >= 0,
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_conditional_jumps_at_every_eight_bit_word(name: str) -> None:
    for x in range(256):
        body = f"{name} x, yes\nhalt\nyes: inc flag\nhalt\nx: .word {x}\nflag: .word 0"
        found = run(body, 8, "x flag")
        assert found == {"x": x, "flag": int(CONDITIONS[name](signed(x, 8)))}


UPDATES = {
    "clr y": lambda x, y: 0,
    "mov x, y": lambda x, y: x,
    "add x, y": lambda x, y: x + y,
    "sub x, y": lambda x, y: y - x,
    "neg y": lambda x, y: -y,
    "inc y": lambda x, y: y + 1,
    "dec y": lambda x, y: y - 1,
    "mov y, y": lambda x, y: y,
    "add y, y": lambda x, y: 2 * y,
    "sub y, y": lambda x, y: 0,
}


@pytest.mark.parametrize("statement", UPDATES)
@pytest.mark.parametrize("width", [8, 16, 32])
@examples(0.25)
@given(data=st.data())
def test_updates_wrap_and_leave_the_rest_alone(
    statement: str, width: int, data: st.DataObject
) -> None:
    x, y = data.draw(words(width)), data.draw(words(width))
    body = f"{statement}\n{statement}\nhalt\nx: .word {x}\ny: .word {y}"
    once = UPDATES[statement](x, y)
    twice = UPDATES[statement](x, once) % (1 << width)
    assert run(body, width, "x y") == {"x": x, "y": twice}


@pytest.mark.parametrize("width", [16, 32])
@examples(0.25)
@given(data=st.data())
def test_mul_wraps(width: int, data: st.DataObject) -> None:
    x, y = data.draw(words(width)), data.draw(words(width))
    body = f"mul x, y, z\nmul z, x, w\nhalt\nx: .word {x}\ny: .word {y}\nz: .word 1\nw: .word 1"
    product = x * y % (1 << width)
    found = run(body, width, "x y z w")
    assert found == {"x": x, "y": y, "z": product, "w": product * x % (1 << width)}


@pytest.mark.parametrize("width", [16, 32])
@examples(0.25)
@given(data=st.data())
def test_divmod_of_what_is_not_negative(width: int, data: st.DataObject) -> None:
    half = (1 << (width - 1)) - 1
    n, d = data.draw(st.integers(0, half)), data.draw(st.integers(0, half))
    body = f"divmod n, d, q, r\nhalt\nn: .word {n}\nd: .word {d}\nq: .word 0\nr: .word 0"
    q, r = divmod(n, d) if d else ((1 << width) - 1, n)
    assert run(body, width, "n d q r") == {"n": n, "d": d, "q": q, "r": r}


@given(words(16), words(16))
def test_load_and_store_through_a_pointer(x: int, y: int) -> None:
    body = f"""
        load p, got
        store y, p
        load p, again
        halt
p:      .word there
y:      .word {y}
got:    .word 1
again:  .word 1
there:  .word {x}
        """
    expected = {"got": x, "again": y, "there": y, "y": y}
    assert run(body, 16, "got again there y") == expected


@given(st.lists(words(16), min_size=1, max_size=20))
def test_the_stack_gives_back_in_reverse(numbers: list[int]) -> None:
    pushes = "\n".join(f"push n{i}" for i in range(len(numbers)))
    pops = "\n".join(f"pop m{i}" for i in reversed(range(len(numbers))))
    names = [(f"n{i}: .word {n}", f"m{i}: .word 0") for i, n in enumerate(numbers)]
    body = "\n".join([pushes, pops, "halt", *(line for pair in names for line in pair)])
    image = assemble(Source("test", body), width=16)
    machine = Subleq(image.words, 16, 4096)
    while not machine.halted:
        machine.step()
    found = [machine.memory[image.symbols[f"m{i}"]] for i in range(len(numbers))]
    assert found == numbers


def test_calls_nest() -> None:
    body = "call f\ncall f\nhalt\nf: call g\ncall g\nret\ng: inc n\nret\nn: .word 0"
    assert run(body, 16, "n") == {"n": 4}


def test_in_out_and_putc() -> None:
    image = assemble(Source("test", "in x\nout x\nputc '!'\nin x\nhalt\nx: .word 0"))
    machine = Subleq(image.words, 16, 64, b"k")
    while not machine.halted:
        machine.step()
    assert bytes(machine.output) == b"k!"
    assert machine.memory[image.symbols["x"]] == 0xFFFF
