"""A run is determined by its seed, continues from a checkpoint, and refuses what does not fit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from looped.engines.torch_threads import on_threads
from looped.errors import CompileError, FileError
from looped.learn.harness import (
    Plan,
    Schedule,
    read_metrics,
    require_device,
    seeded,
    train,
)
from looped.tensorfile import read_tensors

STEPS = 12


class Line:
    """Fits a small network to sums, from batches by seed and step."""

    def __init__(self, seed: int, width: int = 8) -> None:
        torch.manual_seed(seed)
        self.seed = seed
        self.model: nn.Module = nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Linear(width, 1))

    def loss(self, step: int) -> Tensor:
        generator = torch.Generator().manual_seed(seeded(self.seed, step).getrandbits(60))
        x = torch.randn(16, 4, generator=generator)
        error: Tensor = self.model(x)[:, 0] - x.sum(-1)
        return error.square().mean()

    def measure(self) -> dict[str, float]:
        return {"own": self.loss(-1).item()}


def run(
    seed: int, folder: Path, steps: int = STEPS, resume: bool = False
) -> tuple[dict[str, bytes], dict[str, str]]:
    """The tensors and the metadata of the checkpoint of a run."""
    about = {"seed": str(seed)}
    schedule = Schedule(STEPS, 1e-2, warmup=3)
    job, plan = (
        Line(seed),
        Plan(schedule, every=4, saves=4, folder=folder, about=about, resume=resume),
    )
    with on_threads(1):
        if steps < STEPS:
            with pytest.raises(KeyboardInterrupt):
                train(Stopped(job, steps), plan)
        else:
            train(job, plan)
    path = folder / "checkpoint.safetensors"
    tensors, about = read_tensors(path, "looped-training-1", "checkpoint", "")
    del about["sha256"]  # safetensors orders metadata at random
    return {name: tensor.tobytes() for name, tensor in tensors.items()}, about


class Stopped(Line):
    """A run that somebody interrupts."""

    def __init__(self, job: Line, at: int) -> None:
        self.model, self.seed, self.at = job.model, job.seed, at

    def loss(self, step: int) -> Tensor:
        if step == self.at:
            raise KeyboardInterrupt
        return super().loss(step)


def test_a_seed_determines_every_bit_of_a_run(tmp_path: Path) -> None:
    first, again, other = (run(s, tmp_path / n) for s, n in ((0, "a"), (0, "b"), (1, "c")))
    assert first == again
    assert first != other


def test_a_run_that_continues_ends_as_one_without_a_break(tmp_path: Path) -> None:
    whole = run(0, tmp_path / "whole")
    assert run(0, tmp_path / "parts", steps=6) != whole  # its last checkpoint is of step 4
    assert run(0, tmp_path / "parts", resume=True) == whole
    rows = [read_metrics(tmp_path / name / "metrics.csv") for name in ("whole", "parts")]
    assert [row["step"] for row in rows[1]] == [4, 8, 12]
    assert [row["loss"] for row in rows[0]] == [row["loss"] for row in rows[1]]


def test_training_lowers_the_loss(tmp_path: Path) -> None:
    job = Line(0)
    before = job.measure()["own"]
    train(job, Plan(Schedule(200, 1e-2)))
    assert job.measure()["own"] < before / 4


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    run(0, tmp_path)
    with pytest.raises(FileError, match="has a checkpoint already"):
        run(0, tmp_path)
    plan = Plan(Schedule(STEPS, 1e-2), folder=tmp_path, about={"seed": "1"}, resume=True)
    with pytest.raises(FileError, match="is of a run with seed 0, not 1"):
        train(Line(1), plan)
    plan = Plan(Schedule(STEPS, 1e-2), folder=tmp_path, about={"seed": "0"}, resume=True)
    with pytest.raises(FileError, match="holds a model of another size"):
        train(Line(0, width=9), plan)


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    run(0, tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(FileError, match="its checksum does not match"):
        run(0, tmp_path, resume=True)


def test_the_rate_rises_and_falls() -> None:
    schedule = Schedule(100, 1.0, warmup=10, floor=0.1)
    rates = [schedule.rate(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1) and max(rates) == max(rates[9:12])
    assert rates[12:] == sorted(rates[12:], reverse=True) and rates[-1] == pytest.approx(0.1, 0.01)


def test_a_device_that_is_not_there_is_refused() -> None:
    require_device("cpu")
    for name in ("cuda:77", "gpu"):
        with pytest.raises(CompileError, match=f"PyTorch cannot use the device `{name}`"):
            require_device(name)
