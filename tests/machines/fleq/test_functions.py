"""Each function of FLEQ in weights equals the reference: corners, tables, formats, loops."""

from __future__ import annotations

import functools
from itertools import product
from pathlib import Path

import pytest

from looped.engines.event import EventEngine
from looped.isa.fleq import FUNCTIONS, Operation, Selector, encode
from looped.machines.fleq.tables import EXTRA, coefficients
from looped.reference.fleq_tables import exp_table, sigmoid_table, sin_table
from tests import seeds
from tests.machines.fleq.stepping import CORNERS, Setting, fleq, reference, together

ROOT = Path(__file__).parents[3]
SMALL = Setting(2)
_I, _J = Selector.I, Selector.J

_FEW = (0, 0x8000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_TABLES = ("sigmoid", "sin", "exp")


@functools.cache
def event(setting: Setting) -> EventEngine:
    """The engine, made at most once a session: its tables take a second."""
    return EventEngine(fleq(setting))


def corners(function: str, setting: Setting, numbers: tuple[int, ...]) -> None:
    """A function of all pairs of numbers, each of as many bits as a word, in one program."""
    data, result = 6 * len(numbers) ** 2, setting.memory - 1
    words = list[int]()
    for a, b in product(range(len(numbers)), repeat=2):
        words += [encode(Operation(function)), data + a, data + b, result, 0, 0]
    words += numbers
    engine, count = event(setting), len(numbers) ** 2
    loops = together(engine, reference(words, setting), fleq(setting).plan, count)
    assert (len(loops), engine.fallbacks) == (count, 0)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("numbers", [_FEW, pytest.param(CORNERS, marks=pytest.mark.slow)], ids=len)
def test_corners_of_every_function(function: str, numbers: tuple[int, ...]) -> None:
    """Saturation on both sides, rounding, division by zero, and the lowest word."""
    corners(function, SMALL, numbers)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("width", "fraction"), [(26, 4), (28, 23), (32, 8), (32, 15), (32, 27), (33, 20)]
)
def test_corners_in_other_formats(width: int, fraction: int) -> None:
    """Among them odd numbers of bits in a root, and words that reach no further than a table."""
    setting = Setting(2, width=width, fraction=fraction)
    top, one = 1 << width - 1, 1 << fraction
    for function in FUNCTIONS:
        corners(function, setting, (0, 1, one + 1, top - 1, top, top + one, 2 * top - 1))


def elementwise(function: str, setting: Setting, words: list[int], programs: int) -> None:
    """A function of all elements of two matrices of these words."""
    side, area = setting.side, setting.side**2
    engine, plan = event(setting), fleq(setting).plan
    operation = Operation(function, (_I, _J), (_I, _J), side, side)
    for number in range(programs):
        taken = words[2 * area * number : 2 * area * (number + 1)]
        head = [encode(operation), 8, 8 + area, setting.memory - area, 0, 0, 0, 0]
        together(engine, reference([*head, *taken], setting), plan, 1)
    assert engine.fallbacks == 0


@pytest.mark.slow
@pytest.mark.parametrize("function", _TABLES)
def test_every_segment_of_a_table(function: str) -> None:
    """Both ends of each segment and a word between them, and words beyond all segments."""
    rng = seeds.rng(f"segments {function}")
    bounds = range(-(17 << 16), 17 << 16, 1 << 14)
    words = [n % (1 << 32) for s in bounds for n in (s, s + rng.getrandbits(14), s + (1 << 14) - 1)]
    words += [rng.getrandbits(32) for _ in range(1024 - len(words))]
    rng.shuffle(words)
    elementwise(function, Setting(8, workers=64), [*words, *words], 16)


@pytest.mark.slow
@pytest.mark.parametrize("function", ["div", "rem", "sqrt"])
def test_many_quotients_and_roots(function: str) -> None:
    """Words of all magnitudes."""
    rng = seeds.rng(f"quotients {function}")
    words = [
        (rng.getrandbits(rng.randint(1, 32)) * rng.choice([1, -1])) % (1 << 32) for _ in range(2048)
    ]
    elementwise(function, Setting(8, workers=64), words, 16)


@pytest.mark.parametrize(("width", "fraction"), [(32, 16), (32, 12), (32, 27), (26, 4), (64, 40)])
def test_coefficients_are_those_of_the_reference(width: int, fraction: int) -> None:
    """Computed in another way, they round to the same integers."""
    found = coefficients(width, fraction)
    wanted = {"sigmoid": sigmoid_table, "sin": sin_table, "exp": exp_table}
    for name, table in wanted.items():
        half = 0 if name == "exp" else 1 << EXTRA >> 1
        rows = [(c0 + half, c1, c2) for c0, c1, c2 in table(width, fraction).coefficients]
        assert list(zip(*(column.numbers for column in found[name]), strict=True)) == rows


def test_the_loops_of_the_page_are_true() -> None:
    page = (ROOT / "docs" / "fleq.md").read_text().splitlines()
    plan = fleq(SMALL).plan
    for function in FUNCTIONS:
        words = [encode(Operation(function)), 8, 9, 10, 0, 0, 0, 0, 5, 3, 0]
        loops = together(event(SMALL), reference(words, SMALL), plan, 1)
        cells = [row.split(" | ") for row in page if f"`{function}`" in row.split(" | ")[0]]
        assert any(row[2:3] == [str(loops[0])] for row in cells), (function, loops)
