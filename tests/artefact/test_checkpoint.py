"""One file holds weights, plan and program; a damaged one is refused and a good one kept."""

from __future__ import annotations

import json

import pytest
import safetensors.torch
import torch

from looped.artefact.checkpoint import FORMAT, load_machine, save_machine
from looped.artefact.plan import CompiledMachine
from looped.errors import FileError
from looped.image import Image, Location
from looped.tensorfile import write_tensors

IMAGE = Image("subleq", 8, (3, 3, 255), {"start": 0}, (Location("a.sasm", 1), None, None))


@pytest.fixture
def small(machine) -> CompiledMachine:
    return machine("subleq", 8, 32)


def test_what_is_saved_is_what_is_loaded(small: CompiledMachine, tmp_path) -> None:
    path = tmp_path / "m.safetensors"
    save_machine(path, small, IMAGE)
    loaded, image = load_machine(path)
    assert loaded.plan == small.plan
    assert image == IMAGE
    assert loaded.weights.keys() == small.weights.keys()
    assert all(torch.equal(w, small.weights[n]) for n, w in loaded.weights.items())
    save_machine(path, small)
    assert load_machine(path)[1] is None


@pytest.mark.parametrize("size", [0, 7, 100, 5000, -1])
def test_a_truncated_file_is_refused(size: int, small: CompiledMachine, tmp_path) -> None:
    path = tmp_path / "m.safetensors"
    save_machine(path, small)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(FileError, match="is damaged"):
        load_machine(path)


def test_other_safetensors_are_refused(tmp_path) -> None:
    path = tmp_path / "other.safetensors"
    path.write_bytes(safetensors.torch.save({"x": torch.zeros(3)}))
    with pytest.raises(FileError, match="other.safetensors is not a looped file"):
        load_machine(path)


@pytest.mark.parametrize("older", ["looped-machine-1", "looped-machine-2", "looped-machine-3"])
def test_who_has_an_older_file_learns_what_to_do(older: str, tmp_path) -> None:
    path = tmp_path / "m.safetensors"
    write_tensors(path, {}, {"format": older})
    with pytest.raises(FileError) as caught:
        load_machine(path)
    assert caught.value.render() == (
        f"error: {path}: expected {FORMAT}, found {older}\n"
        "hint: compile it again with `looped compile`"
    )


@pytest.mark.parametrize("damage", [torch.nan, torch.inf])
def test_weights_that_are_no_numbers_are_refused(
    damage: float, small: CompiledMachine, tmp_path
) -> None:
    path = tmp_path / "m.safetensors"
    weights = {name: w.clone() for name, w in small.weights.items()}
    weights["norm.weight"][0] = damage
    save_machine(path, CompiledMachine(small.plan, weights))
    with pytest.raises(FileError, match="weight `norm.weight` is not finite float32"):
        load_machine(path)


def test_a_wrong_shape_is_refused(small: CompiledMachine, tmp_path) -> None:
    path = tmp_path / "m.safetensors"
    weights = {**small.weights, "norm.weight": torch.ones(3)}
    save_machine(path, CompiledMachine(small.plan, weights))
    with pytest.raises(FileError, match="weight `norm.weight` does not fit the machine's plan"):
        load_machine(path)


def test_metadata_is_plain_text(small: CompiledMachine, tmp_path) -> None:
    path = tmp_path / "m.safetensors"
    save_machine(path, small, IMAGE)
    with safetensors.safe_open(path, "pt") as file:
        plan = json.loads(file.metadata()["plan"])
    assert plan["width"] == 8 and plan["words"]["pc"] == list(small.plan.words["pc"])


def test_a_failed_write_leaves_the_good_file(small: CompiledMachine, tmp_path, monkeypatch) -> None:
    path = tmp_path / "m.safetensors"
    save_machine(path, small)
    good = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(FileError, match="No space left on device"):
        save_machine(path, small, IMAGE)
    assert path.read_bytes() == good
    assert [p.name for p in tmp_path.iterdir()] == ["m.safetensors"]
