"""SUBLEQ in weights: its size, its datasheet, what it refuses."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

from looped import registry
from looped.errors import CompileError
from looped.machines import subleq


@pytest.mark.parametrize(("width", "blocks"), [(8, 3), (16, 3), (32, 4)])
@pytest.mark.parametrize("memory", [32, 256])
def test_blocks(width: int, blocks: int, memory: int, machine) -> None:
    assert len(machine("subleq", width, memory).plan.blocks) == blocks


@pytest.mark.parametrize("memory", [1 << n for n in range(5, 16)])
def test_every_memory_compiles(memory: int, machine) -> None:
    plan = machine("subleq", 16, memory).plan
    assert (plan.memory, len(plan.blocks)) == (memory, 3)


@pytest.mark.parametrize(
    ("width", "memory"), [(8, 32), (16, 64), (16, 1024), (16, 32768), (32, 1024)]
)
def test_the_sizes_told_are_true(width: int, memory: int, machine) -> None:
    compiled = machine("subleq", width, memory)
    plan = compiled.plan
    assert plan.columns == memory + 2
    sizes = (len(plan.blocks), plan.d_model, plan.n_heads, plan.d_head, plan.d_ff)
    numbers = f"{' | '.join(map(str, sizes))} | {compiled.nonzero_weights:,}"
    row = f"| {width} bits | {memory:,} words | {numbers} |"
    assert row in (Path(__file__).parents[2] / "docs" / "subleq.md").read_text()


def test_sixteen_bits_and_a_thousand_words_are_small(machine) -> None:
    compiled = machine("subleq", 16, 1024)
    assert compiled.plan.d_model <= 192
    assert compiled.nonzero_weights <= 6000


def test_the_description_contains_no_index_and_no_tensor() -> None:
    tree = ast.parse(inspect.getsource(subleq))
    imports = [n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    assert not [m for m in imports if "numpy" in m or "torch" in m]
    subscripts = [n for n in ast.walk(tree) if isinstance(n, ast.Subscript)]
    assert not [n for n in subscripts if isinstance(n.slice, ast.Constant)]


@pytest.mark.parametrize(
    ("width", "memory", "message", "hint"),
    [
        (7, 64, "subleq has no 7-bit words", "widths: 8, 16, 32"),
        (
            8,
            512,
            "a memory of 512 words is impossible with 8-bit words",
            "memory must be a power of two from 32 to 256",
        ),
        (
            16,
            100,
            "a memory of 100 words is impossible with 16-bit words",
            "memory must be a power of two from 32 to 32768",
        ),
        (
            16,
            0,
            "a memory of 0 words is impossible with 16-bit words",
            "memory must be a power of two from 32 to 32768",
        ),
    ],
)
def test_impossible_machines(width: int, memory: int, message: str, hint: str) -> None:
    with pytest.raises(CompileError) as caught:
        registry.machine("subleq").circuit(width, memory)
    assert caught.value.render() == f"error: {message}\nhint: {hint}"
