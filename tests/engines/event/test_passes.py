"""numba's cache of the passes is asked for the text that they are compiled from."""

from __future__ import annotations

import ast
from pathlib import Path

from looped.engines.event import passes

FOLDER = Path(passes.__file__).parent
COMPILED = ("kernels", "attention", "passes")


def imported(name: str) -> set[str]:
    tree = ast.parse((FOLDER / f"{name}.py").read_text())
    modules = [n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    return {m for m in modules if m.startswith("looped.")}


def test_every_file_that_is_compiled_counts() -> None:
    """A function or constant from a file that does not count would stay as it was cached."""
    names = set().union(*map(imported, COMPILED)) - {"looped.analysis", "looped.analysis.keys"}
    assert names <= {f"looped.engines.event.{name}" for name in passes.SOURCES}
    assert set(COMPILED) <= set(passes.SOURCES)


def test_another_text_is_another_entry(monkeypatch, tmp_path) -> None:
    for name in passes.SOURCES:
        (tmp_path / f"{name}.py").write_bytes((FOLDER / f"{name}.py").read_bytes())
    monkeypatch.setattr(passes, "__file__", str(tmp_path / "passes.py"))
    before = passes._digest()
    (tmp_path / "kernels.py").write_text("")
    assert passes._digest() != before
    assert passes.advance.py_func.__code__.co_freevars == ("digest",)
