"""Checkpoints of a run: weights, the two moments of AdamW, and the number of steps done."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from looped.errors import FileError
from looped.tensorfile import read_tensors, write_tensors

__all__ = ["load", "save"]

_FORMAT = "looped-training-1"
_HINT = "train again, without --resume"
_MOMENTS = ("exp_avg", "exp_avg_sq")


def save(
    path: Path, model: nn.Module, optimizer: torch.optim.AdamW, done: int, about: Mapping[str, str]
) -> None:
    """Write a checkpoint, whole or not at all. `about` describes the run. Raises FileError."""
    tensors: dict[str, Tensor] = {f"model.{k}": v for k, v in model.state_dict().items()}
    for name, parameter in model.named_parameters():
        state = optimizer.state.get(parameter, {})
        tensors |= {f"{kind}.{name}": state[kind] for kind in _MOMENTS if kind in state}
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
    write_tensors(path, arrays, {"format": _FORMAT, "done": str(done), **about})


def load(
    path: Path,
    model: nn.Module,
    about: Mapping[str, str],
    optimizer: torch.optim.AdamW | None = None,
) -> int:
    """Load a checkpoint into a model, and into its optimizer if there is one: the steps done.

    Raises FileError for a file that is damaged, or of a run with another description.
    """
    tensors, found = read_tensors(path, _FORMAT, "checkpoint of a training run", _HINT)
    for name, value in about.items():
        if found.get(name) != value:
            raise FileError(
                f"{path} is of a run with {name} {found.get(name, 'unknown')}, not {value}",
                hint="give the same options, or another folder",
            )
    own = {k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")}
    try:
        model.load_state_dict({k: torch.from_numpy(v) for k, v in own.items()})
    except RuntimeError:
        raise FileError(f"{path} holds a model of another size", hint=_HINT) from None
    done = int(found["done"])
    if optimizer is not None:
        for name, parameter in model.named_parameters():
            if f"exp_avg.{name}" in tensors:
                moments = {kind: torch.from_numpy(tensors[f"{kind}.{name}"]) for kind in _MOMENTS}
                on_device = {kind: m.to(parameter.device) for kind, m in moments.items()}
                optimizer.state[parameter] = {"step": torch.tensor(float(done)), **on_device}
    return done
