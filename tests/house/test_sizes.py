"""Small files, short functions, typed parameters, documented names: counted over the package."""

from __future__ import annotations

import ast

from tests.house.survey import modules

MOST_LINES = 350
MOST_LINES_OF_A_FUNCTION = 50
LEAST_SHARE = 0.95


def test_a_file_has_at_most_350_lines() -> None:
    assert {m.name: m.lines for m in modules() if m.lines > MOST_LINES} == {}


def test_a_function_has_at_most_50_lines() -> None:
    functions = [f for m in modules() for f in m.functions()]
    assert {f.where: f.lines for f in functions if f.lines > MOST_LINES_OF_A_FUNCTION} == {}


def test_parameters_are_typed() -> None:
    """Numba types the parameters of the event engine's compiled passes by itself."""
    parameters = [(f.where, p) for m in modules() for f in m.functions() for p in f.parameters]
    untyped = [f"{where}: {p.arg}" for where, p in parameters if p.annotation is None]
    assert len(untyped) <= (1 - LEAST_SHARE) * len(parameters), untyped


def test_public_names_are_documented() -> None:
    names = [entry for m in modules() for entry in m.undocumented()]
    without = [name for name, lacking in names if lacking]
    assert len(without) <= (1 - LEAST_SHARE) * len(names), without


def test_a_module_says_what_it_is() -> None:
    silent = [m.name for m in modules() if m.text and ast.get_docstring(m.tree) is None]
    assert silent == []
