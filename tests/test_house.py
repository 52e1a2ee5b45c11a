"""The rules of the house: imports run one way, files are small, every one says what it is."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "looped").rglob("*.py"))


def test_imports_run_one_way() -> None:
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_holds_one_concept_and_says_which(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= 400
    empty = path.name == "__init__.py" and not text
    assert empty or ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_pickle_and_no_eval(path: Path) -> None:
    tree = ast.parse(path.read_text())
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not {"pickle", "exec", "__import__"} & names
    assert "eval" not in names
    assert not {"pickle", "load_module"} & attributes


@pytest.mark.parametrize("word", ["derandomize", "max_examples", "random.Random(", "default_rng("])
def test_tests_take_examples_and_random_numbers_from_one_place(word: str) -> None:
    """A number of examples or a seed of a test's own would be the same in every run for good."""
    own = {"conftest.py", "seeds.py", "test_house.py", "test_seeds.py"}
    campaigns = {
        "fuzz/campaign.py",
        "random_circuits/campaign.py",
        "random_circuits/case.py",
        "random_circuits/trial.py",
    }
    others = {"engines/transformers.py", "programs/official/build.py"}
    apart = {ROOT / "tests" / name for name in campaigns | others}
    paths = {p for p in (ROOT / "tests").rglob("*.py") if p.name not in own} - apart
    assert [str(path) for path in paths if word in path.read_text()] == []


def test_no_room_without_a_name() -> None:
    assert not {"utils", "helpers", "common", "misc"} & {path.stem for path in FILES}


def test_no_hard_maximum_anywhere() -> None:
    """No argmax, no where, no Python branch on an activation: the core is a stock transformer."""
    for path in (ROOT / "looped" / "nn").glob("*.py"):
        text = path.read_text()
        assert "argmax" not in text and "torch.where" not in text and ".item()" not in text
