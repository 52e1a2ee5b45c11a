"""Folded code computes what the code computes, wherever its constants are right."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from looped.engines.lifted.code import MASK, Code, Instruction
from looped.engines.lifted.specialised.fold import EXPECT, Impossible, folded
from tests.conftest import examples
from tests.engines.lifted.evaluate import evaluate

WIDTHS = (40, 1, 64)

_numbers = st.integers(0, MASK) | st.integers(0, 40) | st.sampled_from([MASK, 1 << 63, MASK - 1])


@st.composite
def codes(draw: st.DrawFn, widths: tuple[int, ...], fetch: bool = False) -> Code:
    """Code for words of state and cells of 16 bits; it may `fetch` a cell by the first word."""
    code = Code(tables=[np.array([3, 1, 6, 2])])
    values = [code.emit("state", number=n) for n in range(len(widths))]
    if fetch:
        values.append(code.emit("load", values[0]))
    values += [code.const(draw(_numbers)) for _ in range(3)]
    for _ in range(draw(st.integers(5, 40))):
        if draw(st.integers(0, 3)) == 0:
            kind = draw(st.sampled_from(["and", "or", "xor"]))
            mask = code.const(draw(_numbers))
            values.append(code.emit(kind, draw(st.sampled_from(values[:8])), mask))
            continue
        some = st.sampled_from(values) | st.sampled_from(values[-4:])
        a, b, c = draw(some), draw(some), draw(some)
        kinds = ["add", "sub", "mul", "and", "or", "xor", "equal", "less", "negative", "ones"]
        kind = draw(st.sampled_from([*kinds, "select", "shift", "load", "table", "store", "guard"]))
        match kind:
            case "negative" | "ones":
                values.append(code.emit(kind, a))
            case "select":
                values.append(code.emit(kind, a, b, c))
            case "shift":
                by = draw(st.integers(-63, 63).filter(bool))
                operation = "shl" if by > 0 else "shr"
                values.append(code.emit(operation, a, code.const(abs(by))))
            case "load" | "table":
                values.append(code.emit(kind, code.emit("and", a, code.const(3))))
            case "store":
                code.emit(kind, code.emit("and", a, code.const(3)), code.mask(b, 0xFFFF))
            case "guard":
                code.emit(kind, code.emit("equal", a, code.const(draw(_numbers))))
            case _:
                values.append(code.emit(kind, a, b))
    masks = [code.const((1 << width) - 1) for width in widths]
    code.following = [code.emit("and", draw(st.sampled_from(values)), mask) for mask in masks]
    return code


def outcome(code: Code, state: list[int], cells: list[int]) -> tuple[list[int], list[int]] | None:
    """The following words and the cells after a pass; None if it is abandoned."""
    held = list(cells)
    values = evaluate(code, state, held)
    if values is None:
        return None
    return [values[value] for value in code.following], held


def without_expectations(code: Code) -> Code:
    """The same code; what is expected of loads becomes a constant that nobody reads."""
    plain = [Instruction("const") if i.operation == EXPECT else i for i in code.instructions]
    return Code(plain, code.tables, code.following)


@examples(0.5)
@given(code=codes(WIDTHS), data=st.data())
def test_folding_changes_no_outcome(code: Code, data: st.DataObject) -> None:
    state = [data.draw(_numbers) & (1 << width) - 1 for width in WIDTHS]
    cells = [data.draw(st.integers(0, 0xFFFF)) for _ in range(4)]
    held = list(cells)
    values = evaluate(code, state, held)
    words = {n: state[n] for n in range(3) if data.draw(st.booleans())}
    loads = {}
    stored = [p for p, i in enumerate(code.instructions) if i.operation == "store"]
    for place, instruction in enumerate(code.instructions[: min(stored, default=None)]):
        if values and instruction.operation == "load" and data.draw(st.booleans()):
            loads[place] = values[place]
    try:
        found = folded(code, WIDTHS, 16, words, loads)
    except Impossible:
        assert values is None
        return
    assert outcome(without_expectations(found), state, cells) == outcome(code, state, cells)


def test_a_disjunction_keeps_its_constant() -> None:
    code = Code()
    word = code.emit("state")
    code.following = [code.emit("or", code.const(0xF00), code.emit("and", word, code.const(0xFF)))]
    found = folded(code, (40,), 16, {}, {})
    assert outcome(found, [0xABC], []) == outcome(code, [0xABC], [])
