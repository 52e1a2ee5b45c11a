"""docs/paper.md: its tables are what is computed."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from looped.study.paper.cases import Case, cases
from looped.study.paper.layers import DTYPES
from looped.study.paper.product import rounding_unit
from looped.study.paper.table import (
    MACHINES,
    TEMPERATURES,
    adder_row,
    best_table,
    error_row,
    steps,
    temperature_table,
)

PAGE = (Path(__file__).parents[3] / "docs" / "paper.md").read_text()
LIMIT = 200
CASES = {case.name: case for case in cases()}


def _rows(first: str, text: str = PAGE) -> list[list[str]]:
    """The rows of the table whose first heading is `first`."""
    cells = [[c.strip() for c in line.split("|")[1:-1]] for line in text.splitlines()]
    start = next(k for k, row in enumerate(cells) if row[:1] == [first])
    end = next(k for k in range(start, len(cells) + 1) if k == len(cells) or not cells[k])
    return cells[start + 2 : end]


def _close(documented: str, computed: str, tiny: float) -> bool:
    """Equal up to a factor of two (sums may be ordered otherwise), or both are rounding."""
    old, new = float(documented), float(computed)
    return max(old, new) <= tiny or (min(old, new) > 0 and abs(math.log(old / new)) <= math.log(2))


def _check(documented: list[str], computed: list[str]) -> None:
    assert documented[:4] == computed[:4]
    for dtype, old, new in zip(DTYPES, documented[4:7], computed[4:7], strict=True):
        assert _close(old, new, 4 * rounding_unit(dtype)), (documented[0], dtype, old, new)
    assert documented[7:] == computed[7:]


def _takes_long(case: Case) -> bool:
    return case.machine.heads > 100


def test_every_construction_is_on_the_page() -> None:
    assert [row[0] for row in _rows("construction")] == list(CASES)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if _takes_long(case) else [])
        for name, case in CASES.items()
    ],
)
def test_errors_are_those_of_the_page_and_within_their_bounds(name: str) -> None:
    documented = {row[0]: row for row in _rows("construction")}
    row = error_row(CASES[name])
    _check(documented[name], row)
    bound = CASES[name].bound
    if bound is not None:
        for dtype, error in zip(DTYPES, row[4:7], strict=True):
            assert float(error) <= 1.05 * bound(dtype)  # two digits are printed


def test_adders_are_those_of_the_page() -> None:
    assert [adder_row(dtype)[:3] for dtype in DTYPES] == [row[:3] for row in _rows("dtype")]
    assert all(int(row[3]) > 0 for row in _rows("dtype"))


def test_temperatures_are_those_of_the_page() -> None:
    assert temperature_table() in PAGE


def test_best_cases_are_those_of_the_page() -> None:
    computed = best_table()
    for old, new in zip(_rows("d"), _rows("d", computed), strict=True):
        assert old[:2] == new[:2]
        assert all(_close(a, b, 0.0) for a, b in zip(old[2:], new[2:], strict=True))


STEPS = [
    (machine, dtype, temperature)
    for machine in MACHINES
    for dtype in DTYPES
    for temperature in TEMPERATURES
]


def _documented(machine: str, dtype: str, temperature: float) -> str:
    row = next(row for row in _rows("machine") if row[:2] == [machine, dtype])
    return row[2 + TEMPERATURES.index(temperature)]


def test_every_machine_is_on_the_page() -> None:
    pairs = [[machine.name, dtype] for machine in MACHINES for dtype in DTYPES]
    assert [row[:2] for row in _rows("machine")] == pairs


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_where_subleq_fails_it_fails_as_on_the_page(dtype: str) -> None:
    for machine in MACHINES:
        for temperature in TEMPERATURES:
            documented = _documented(machine.name, dtype, temperature)
            if not documented.endswith("+") and int(documented) < 30:
                assert steps(machine, temperature, dtype, LIMIT) == int(documented)


@pytest.mark.slow
def test_steps_are_those_of_the_page() -> None:
    for machine, dtype, temperature in STEPS:
        count = steps(machine, temperature, dtype, LIMIT)
        shown = f"{LIMIT}+" if count == LIMIT else str(count)
        assert shown == _documented(machine.name, dtype, temperature)
