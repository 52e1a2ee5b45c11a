"""Imports run one way: by the layers of pyproject.toml, and in no circle of modules."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import grimp

from tests.house.survey import ROOT


def test_imports_run_one_way() -> None:
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_no_module_imports_itself_by_way_of_others() -> None:
    """Imports for type checking count as well."""
    graph = grimp.build_graph("looped", cache_dir=None)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    assert circle(imports) == []


def test_a_circle_is_found() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def circle(imports: Mapping[str, set[str]]) -> list[str]:
    """The modules that are left when those without imports are taken away, again and again, and
    then those that nobody imports: all that lie on a circle or between two."""
    left = dict(imports)
    while ends := [name for name in left if not left[name] & left.keys()]:
        for name in ends:
            del left[name]
    while starts := left.keys() - set().union(*left.values()):
        for name in starts:
            del left[name]
    return sorted(left)
