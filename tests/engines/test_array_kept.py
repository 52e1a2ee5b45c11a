"""Tables from the cache are those that follow from the weights, or they are not used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from looped.artefact.embedding import embed
from looped.cache.store import Cache
from looped.engines.array import engine as module
from looped.engines.array.kept import KeptTables
from looped.engines.dense import DenseEngine
from looped.engines.start import Start
from tests.conftest import compiled
from tests.verify.random_programs import random_program

MACHINE = compiled("subleq", 8, 32)
X = np.stack([embed(random_program(s, 8, 32, 0.0).words, MACHINE.plan) for s in range(2)])


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cache:
    monkeypatch.setenv("LOOPED_CACHE", str(tmp_path))
    return Cache(tmp_path)


def check(x: np.ndarray = X, loops: int = 12) -> None:
    """A start is the dense engine."""
    first = Start(MACHINE, "float32", True, lambda: DenseEngine(MACHINE)).engine
    dense = DenseEngine(MACHINE)
    for each in (first, dense):
        each.load(x)
        each.step(loops)
    assert np.array_equal(first.state(), dense.state())


def entry(cache: Cache) -> str:
    (found,) = (e.name for e in cache.entries() if e.kind == "array")
    return found.partition("-")[2]


def test_they_are_made_once(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    check()
    monkeypatch.setattr(module, "tabulate", None)
    monkeypatch.setattr("looped.engines.start.analyse", None)
    check()


def test_other_static_lanes_need_other_tables(cache: Cache) -> None:
    """The input column becomes a second CPU: then its MLPs are those of a CPU."""
    check()
    other = X.copy()
    other[:, MACHINE.plan.input, MACHINE.plan.words["cpu"]] = 1
    check(other)
    check()


@pytest.mark.parametrize("damage", ["missing", "cut", "foreign", "empty"])
def test_a_damaged_entry_is_made_again(cache: Cache, damage: str) -> None:
    check()
    assert cache.path is not None
    file, whole = cache.path / f"array-{entry(cache)}", cache.get("array", entry(cache))
    if damage == "missing":
        file.unlink()
    elif damage == "cut":
        file.write_bytes(file.read_bytes()[:-1])
    else:
        cache.put("array", entry(cache), b"" if damage == "empty" else b"\x02" + bytes(7) + b"{}")
    assert not KeptTables(MACHINE, "float32").ready
    check()
    assert cache.get("array", entry(cache)) == whole


def test_another_dtype_is_another_entry(cache: Cache) -> None:
    check()
    assert KeptTables(MACHINE, "float32").ready
    assert not KeptTables(MACHINE, "bfloat16").ready
