"""docs/variants.md: its examples run, and it names every module."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from types import ModuleType

import pytest

from looped.nn import embedding, mixers, norms, patches, position, stacks

PAGE = (Path(__file__).parents[2] / "docs" / "variants.md").read_text()


EXAMPLES = re.findall(r"^```python\n(.*?)^```\n\n^```text\n(.*?)^```", PAGE, re.M | re.S)


@pytest.mark.parametrize(("program", "shown"), EXAMPLES, ids=["the core", "graphs"])
def test_an_example_prints_what_the_page_shows(program: str, shown: str) -> None:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(program, {})
    assert printed.getvalue() == shown


@pytest.mark.parametrize("room", [mixers, stacks, position, norms, embedding, patches])
def test_every_class_is_on_the_page(room: ModuleType) -> None:
    quoted = set(re.findall(r"`([^`\n]+)`", PAGE))
    classes = {name for name in room.__all__ if isinstance(getattr(room, name), type)}
    assert classes - quoted - {"Variant"} == set()


def test_every_file_of_mixers_and_stacks_is_on_the_page() -> None:
    for room in (mixers, stacks):
        assert room.__file__ is not None
        files = {path.name for path in Path(room.__file__).parent.glob("*.py")}
        without = {name for name in files if f"`{name}`" not in PAGE}
        assert without <= {"__init__.py", "variant.py", "comparison.py"}


def test_every_module_has_at_most_120_lines() -> None:
    """One concept a file."""
    for room in (mixers, stacks, position, norms):
        assert room.__file__ is not None
        for path in Path(room.__file__).parent.glob("*.py"):
            assert len(path.read_text().splitlines()) <= 120, path
