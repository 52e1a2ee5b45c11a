"""A machine from the cache is the machine that the compiler makes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from looped import registry
from looped.cache.store import Cache
from looped.precision import FLOAT32
from looped.registry import compiled as module
from looped.registry.compiled import compiled
from tests.conftest import compiled as compile_now


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cache:
    monkeypatch.setenv("LOOPED_CACHE", str(tmp_path))
    return Cache(tmp_path)


def machine():
    return compiled(registry.machine("subleq"), 8, 32, FLOAT32, {})


def same(found) -> bool:
    made = compile_now("subleq", 8, 32)
    sizes = (made.parameters, made.nonzero_weights)
    return (
        found.plan == made.plan
        and (found.parameters, found.nonzero_weights) == sizes
        and dict(found.weights).keys() == made.weights.keys()
        and all(torch.equal(w, made.weights[name]) for name, w in found.weights.items())
        and (found.parameters, found.nonzero_weights) == sizes
    )


def test_the_second_call_compiles_nothing(monkeypatch: pytest.MonkeyPatch, cache: Cache) -> None:
    first = machine()
    assert same(first) and [e.kind for e in cache.entries()] == ["machine", "weights"]
    monkeypatch.setattr(module, "_compile", None)
    assert same(machine())
    assert machine().model() is not None


@pytest.mark.parametrize("kind", ["machine", "weights"])
@pytest.mark.parametrize("damage", ["missing", "cut", "foreign"])
def test_a_damaged_part_is_made_again(cache: Cache, kind: str, damage: str) -> None:
    machine()
    (entry,) = (entry for entry in cache.entries() if entry.kind == kind)
    file = cache.path / entry.name
    if damage == "foreign":  # intact for the cache, but not what it should be
        cache.put(kind, entry.name.partition("-")[2], b"{}")
    elif damage == "cut":
        file.write_bytes(file.read_bytes()[:-1])
    else:
        file.unlink()
    assert same(machine())


def test_weights_that_are_in_memory_have_no_facts() -> None:
    """The caller may change a tensor, or take other weights."""
    machine()
    found = machine()
    assert found.stored is not None
    assert dataclasses.replace(found, weights=dict(found.weights)).stored is None
    assert found.stored is None


def test_a_machine_of_others_is_compiled(cache: Cache) -> None:
    ours = registry.machine("subleq")
    other = dataclasses.replace(ours, describe=lambda *given, **named: ours.describe(*given))
    found = compiled(other, 8, 32, FLOAT32, {})
    assert found.stored is None and same(found) and cache.entries() == []


def test_other_sizes_are_other_machines() -> None:
    subleq = registry.machine("subleq")
    sizes = [(8, 32), (8, 64), (16, 32)]
    found = [compiled(subleq, *size, FLOAT32, {}).plan for size in [*sizes, *sizes]]
    assert [(p.width, p.memory) for p in found] == [*sizes, *sizes]
