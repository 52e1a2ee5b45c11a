"""Constant expressions equal Python's, operator by operator."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from looped.errors import Source, SourceError
from looped.registry import assemble


def expressions() -> st.SearchStrategy[str]:
    atoms = st.integers(0, 300).map(lambda n: st.sampled_from([str(n), hex(n), bin(n)]))
    leaves = atoms.flatmap(lambda choice: choice)
    operators = st.sampled_from(["+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>"])

    def extend(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        binary = st.tuples(parts, operators, parts).map(" ".join)
        return st.one_of(
            binary,
            parts.map(lambda e: f"({e})"),
            parts.map(lambda e: f"-{e}"),
            parts.map(lambda e: f"~{e}"),
        )

    return st.recursive(leaves, extend, max_leaves=6)


@given(expressions())
def test_values_are_those_of_python(text: str) -> None:
    try:
        expected = eval(text.replace("/", "//"))  # the operators bind alike in both
    except (ZeroDivisionError, ValueError, OverflowError, MemoryError):
        expected = None
    in_range = expected is not None and -(1 << 31) <= expected < 1 << 32
    try:
        found = assemble(Source("t", f".word {text}"), width=32).words[0]
    except SourceError:
        found = None
    if found is None:
        # refused: out of range at the end, or an intermediate value or shift out of bounds
        assert not in_range or "<<" in text or ">>" in text
    else:
        assert expected is not None and found == expected % (1 << 32)


def test_operators_bind_as_in_c() -> None:
    text = ".word 1 + 2 * 3, 1 | 2 ^ 3 & 5, 1 << 2 + 1, -2 + 5, ~0 & 7, 7 - 2 - 1, (1 + 2) * 3"
    assert assemble(Source("t", text)).words == (7, 3, 8, 3, 7, 4, 9)


def test_parentheses_may_be_as_deep_as_they_like() -> None:
    text = ".word " + "(" * 50_000 + "1" + ")" * 50_000
    assert assemble(Source("t", text)).words == (1,)
