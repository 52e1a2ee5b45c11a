"""Decision diagrams compute what they say, and equal functions are the same object."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from looped.engines.lifted.diagram import Branch, Diagram, Diagrams, variables

NAMES = [(0, 1), (0, 2), (1, 0), (1, 7)]

Assignment = dict[tuple[int, ...], int]


def value(diagram: Diagram, bits: Assignment) -> float:
    while isinstance(diagram, Branch):
        diagram = diagram.high if bits[diagram.variable] else diagram.low
    return diagram


def assignments() -> list[Assignment]:
    return [dict(zip(NAMES, bits, strict=True)) for bits in itertools.product((0, 1), repeat=4)]


tables = st.lists(st.integers(-2, 2), min_size=16, max_size=16)


def from_table(diagrams: Diagrams, table: list[int], order: list[int]) -> Diagram:
    """A sum of products, its terms added in some order."""
    rows = list(zip(assignments(), table, strict=True))
    result: Diagram = 0.0
    for index in order:
        bits, number = rows[index]
        term: Diagram = float(number)
        for name, bit in bits.items():
            variable = diagrams.variable(name)
            term = diagrams.multiply(term, variable if bit else diagrams.invert(variable))
        result = diagrams.add(result, term)
    return result


@given(tables, st.permutations(range(16)))
def test_equal_functions_are_one_object_however_they_were_made(
    table: list[int], order: list[int]
) -> None:
    diagrams = Diagrams()
    first = from_table(diagrams, table, list(range(16)))
    second = from_table(diagrams, table, order)
    assert first is second or (not isinstance(first, Branch) and first == second)
    for bits, number in zip(assignments(), table, strict=True):
        assert value(first, bits) == number


@given(tables)
def test_variables_are_those_that_matter(table: list[int]) -> None:
    diagram = from_table(Diagrams(), table, list(range(16)))
    rows = {tuple(bits.items()): number for bits, number in zip(assignments(), table, strict=True)}
    matter = set()
    for bits, number in zip(assignments(), table, strict=True):
        for name in NAMES:
            if rows[tuple({**bits, name: 1 - bits[name]}.items())] != number:
                matter.add(name)
    assert sorted(variables(diagram)) == sorted(matter)


def test_inner_variables_come_after_outer_ones() -> None:
    diagrams = Diagrams()
    both = diagrams.multiply(diagrams.variable((1, 7)), diagrams.variable((0, 2)))
    assert isinstance(both, Branch) and both.variable == (0, 2)
    assert isinstance(both.high, Branch) and both.high.variable == (1, 7)


@given(tables)
def test_map_changes_every_number(table: list[int]) -> None:
    diagrams = Diagrams()
    mapped = diagrams.map(from_table(diagrams, table, list(range(16))), "square", lambda x: x * x)
    for bits, number in zip(assignments(), table, strict=True):
        assert value(mapped, bits) == number**2
