"""What every test shares: no deadlines (machines differ), and machines compiled once."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable

import pytest
from hypothesis import settings

from looped.compiler.compiled import CompiledMachine
from looped.compiler.emit import compile_circuit
from looped.machines import MACHINES

os.environ["LOOPED_CHECK"] = "1"  # each pass of the compiler checks what it leaves

settings.register_profile("looped", deadline=None, derandomize=True)
settings.load_profile("looped")


@functools.cache
def compiled(name: str, width: int, memory: int) -> CompiledMachine:
    """A universal machine, compiled at most once a session."""
    return compile_circuit(MACHINES[name].circuit(width, memory))


@pytest.fixture(scope="session")
def machine() -> Callable[[str, int, int], CompiledMachine]:
    """`machine(name, width, memory)`: a universal machine, at hand."""
    return compiled


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update-golden` writes rendered texts anew instead of comparing them."""
    parser.addoption("--update-golden", action="store_true", help="write golden texts anew")
