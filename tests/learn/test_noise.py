"""Noise in compiled weights, and the same machine in another basis."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from looped.artefact.plan import CompiledMachine
from looped.learn.machine.samples import Sampler
from looped.learn.noise.basin import basin
from looped.learn.noise.report import report
from looped.learn.noise.rotated import rotated, rotation, stepped
from looped.tensorfile import read_tensors
from tests.conftest import compiled


def states(machine: CompiledMachine, count: int) -> torch.Tensor:
    sampler = Sampler(machine.plan, 0)
    return torch.from_numpy(sampler.states.streams(sampler.take(count).before)).float()


def test_without_noise_every_loop_is_exact_and_with_much_noise_none() -> None:
    machine = compiled("subleq", 8, 32)
    assert basin(machine, 0.0, 1, 0).before == 1
    assert basin(machine, 1.0, 1, 0).before < 0.1


def test_another_basis_has_the_same_function() -> None:
    machine = compiled("subleq", 8, 32)
    basis = rotation(machine.plan.d_model, 0)
    turned, x = rotated(machine, basis), states(machine, 30)
    assert torch.allclose(basis @ basis.T, torch.eye(len(basis), dtype=basis.dtype))
    with torch.no_grad():
        exact = machine.model()(x)
        assert torch.allclose(stepped(turned, basis, x), exact, atol=0.1)
        assert not torch.allclose(turned.model()(x), exact, atol=0.1)


def test_norms_with_different_gains_do_not_turn() -> None:
    machine = compiled("subleq", 8, 32)
    gains = torch.arange(1.0, machine.plan.d_model + 1)
    uneven = dataclasses.replace(machine, weights={**machine.weights, "norm.weight": gains})
    with pytest.raises(ValueError, match="gains of norm.weight differ"):
        rotated(uneven, rotation(machine.plan.d_model, 0))


def test_a_short_report_writes_the_blind_test_and_its_key(tmp_path: Path) -> None:
    machine = compiled("subleq", 8, 32)
    text = report(machine, 1, 0, tmp_path, sigmas=(0.001,), states=40)
    assert "| 0.001 |" in text and "largest deviation" in text
    files = ("rotated.safetensors", "key.safetensors")
    blind, key = (
        read_tensors(tmp_path / name, "looped-rotated-1", "rotated machine", "write it again")[0]
        for name in files
    )
    turned = rotated(machine, torch.from_numpy(key["rotation"]))
    assert all((blind[name] == w.numpy()).all() for name, w in turned.weights.items())
