"""`looped info`: every head, every group, sizes that are those of the tensors."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from looped.errors import FileError
from looped.inspect.listing import describe, listing
from looped.inspect.picture import draw


def test_sizes_are_those_of_the_tensors(machine) -> None:
    compiled = machine("subleq", 16, 64)
    told = json.loads(json.dumps(describe(compiled)))
    weights = compiled.weights
    assert tuple(weights["layers.0.mlp.gate_proj.weight"].shape) == (told["d_ff"], told["d_model"])
    inner = told["n_heads"] * told["d_head"]
    assert weights["layers.0.self_attn.q_proj.weight"].shape[0] == inner
    assert told["parameters"] == sum(w.numel() for w in weights.values())
    nonzero = sum(int((w != 0).sum()) for w in weights.values() if w.dim() == 2)
    assert told["nonzero_weights"] == nonzero
    assert len(told["blocks"]) == 3


def test_groups_account_for_every_hidden_unit(machine) -> None:
    compiled = machine("subleq", 16, 64)
    for number, block in enumerate(compiled.plan.blocks):
        down = compiled.weights[f"layers.{number}.mlp.down_proj.weight"]
        used = down.abs().sum(0).nonzero().flatten().tolist()
        assert sorted(j for group in block.groups for j in group.units) == used


def test_the_page_names_heads_and_groups(machine) -> None:
    text = io.StringIO()
    Console(file=text, width=200).print(listing(machine("subleq", 16, 64)))
    page = text.getvalue()
    for name in (
        "a := mem[pc[0:6]]",
        "b := mem[pc[0:6] + 1]",
        "mem_b",
        "write result",
        "following",
    ):
        assert name in page
    assert all(name in page for name in ("query", "key", "value", "output"))
    assert page.startswith("subleq, 16-bit words, 64 words of memory, universal\n3 blocks, ")


@pytest.mark.parametrize(
    ("suffix", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")]
)
def test_pictures(suffix: str, magic: bytes, machine, tmp_path) -> None:
    path = tmp_path / f"machine.{suffix}"
    draw(machine("subleq", 8, 32), path)
    assert path.read_bytes().startswith(magic)


def test_an_unknown_kind_of_picture_is_refused(machine, tmp_path) -> None:
    with pytest.raises(FileError, match="cannot draw a `.txt` file"):
        draw(machine("subleq", 8, 32), tmp_path / "machine.txt")
