"""What the code never does: unpickle, evaluate text, decide on an activation, hide in `utils`."""

from __future__ import annotations

import pytest

from tests.house.survey import ROOT, modules


def test_no_pickle_and_no_eval() -> None:
    found = {
        m.name: ({"pickle", "exec", "eval", "__import__"} & m.names)
        | ({"pickle", "load_module"} & m.attributes)
        for m in modules()
    }
    assert {name: words for name, words in found.items() if words} == {}


def test_no_room_without_a_name() -> None:
    assert not {"utils", "helpers", "common", "misc"} & {m.path.stem for m in modules()}


def test_no_hard_maximum_anywhere() -> None:
    """No argmax, no where, no Python branch on an activation: the core is a stock transformer."""
    core = [m for m in modules() if m.name.startswith("looped/nn/")]
    assert core
    assert [m.name for m in core if {"argmax", "where", "item"} & m.attributes] == []


@pytest.mark.parametrize("word", ["derandomize", "max_examples", "random.Random(", "default_rng("])
def test_tests_take_examples_and_random_numbers_from_one_place(word: str) -> None:
    """A number of examples or a seed of a test's own would be the same in every run."""
    own = {"conftest.py", "seeds.py", "house/test_code.py", "test_seeds.py"}
    campaigns = {
        "fuzz/campaign.py",
        "random_circuits/campaign.py",
        "random_circuits/case.py",
        "random_circuits/trial.py",
    }
    others = {"engines/transformers.py", "programs/official/build.py"}
    apart = {ROOT / "tests" / name for name in own | campaigns | others}
    paths = set((ROOT / "tests").rglob("*.py")) - apart
    assert sorted(str(path) for path in paths if word in path.read_text()) == []
