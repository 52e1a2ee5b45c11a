"""Random numbers: the same in a fixed run, new in a fresh one, which tells how to repeat it."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import seeds
from tests.conftest import examples

ROOT = Path(__file__).parents[1]

SUITE = """
from hypothesis import given, strategies as st
from tests import seeds

def test_numbers():
    assert (seeds.rng(1).random(), seeds.generator(2).random(), seeds.number(3)) == 0

@given(st.integers(0, 10**9))
def test_a_property(n):
    assert n % 7
"""


def numbers(folder: Path, *options: str) -> tuple[str, list[str]]:
    """What a run of the suite above tells, and the random numbers in it."""
    path = folder / "test_it.py"
    path.write_text(SUITE)
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", *options, str(path)]
    run = subprocess.run(
        [*command, "-p", "no:cacheprovider", f"--rootdir={folder}", f"--confcutdir={folder}"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 1, run.stdout + run.stderr
    return run.stdout, re.findall(r"^E +assert \((.*)\) == 0", run.stdout, re.MULTILINE)


def test_a_fresh_run_tells_by_which_command_it_fails_again(tmp_path: Path) -> None:
    told, first = numbers(tmp_path, "--hypothesis-profile=fresh")
    options = set(re.findall(r"^pytest '\S+' (\S+ \S+)$", told, re.MULTILINE))
    assert len(options) == 1, told
    assert told.count("Again by") == 2
    _, again = numbers(tmp_path, *options.pop().split())
    assert first == again
    assert f"{random.Random(1).random()}" not in first[0]


def test_a_fixed_run_takes_the_key_as_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeds, "_session", None)
    assert seeds.number(5) == 5
    assert seeds.rng("key").random() == seeds.rng("key").random() != seeds.rng("other").random()
    fixed = seeds.rng(5).random()
    monkeypatch.setattr(seeds, "_session", "1")
    assert seeds.rng(5).random() == seeds.rng(5).random() != fixed
    assert seeds.number(5) != 5
    monkeypatch.setattr(seeds, "_session", "2")
    assert seeds.generator(5).random() == seeds.generator(5).random()


def test_a_property_has_one_example_at_least() -> None:
    assert examples(0).max_examples == 1
    assert examples(0.5).max_examples * 2 == examples(1).max_examples
