"""A compiled machine in another basis of its residual stream: the same function, not exact.

With a rotation R, the stream x becomes R x. Matrices that read get Rᵀ on their right, matrices that
write R on their left. The norms commute with R, because their gains are all equal.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from looped.artefact.plan import CompiledMachine
from looped.artefact.stored_weights import arrays_of
from looped.tensorfile import write_tensors

__all__ = ["rotated", "rotation", "stepped", "write_blind"]

_READS = ("q_proj", "k_proj", "v_proj", "gate_proj", "up_proj")
_WRITES = ("o_proj", "down_proj")


def rotation(size: int, seed: int) -> Tensor:
    """A random rotation (size, size): the Q of the QR decomposition of a normal matrix."""
    generator = torch.Generator().manual_seed(seed)
    normal = torch.randn(size, size, generator=generator, dtype=torch.float64)
    q: Tensor = torch.linalg.qr(normal).Q
    return q


def rotated(machine: CompiledMachine, basis: Tensor) -> CompiledMachine:
    """The machine in the basis R (d_model, d_model), float32.

    Its streams are x Rᵀ for the streams x (..., d_model) of the machine. The plan no longer says
    what its lanes hold. Raises ValueError for norms whose gains differ from lane to lane.
    """
    weights = {}
    for name, weight in machine.weights.items():
        part = name.split(".")[-2]
        if part in _READS:
            weights[name] = (weight.double() @ basis.T).float()
        elif part in _WRITES:
            weights[name] = (basis @ weight.double()).float()
        elif bool((weight == weight[0]).all()):
            weights[name] = weight
        else:
            raise ValueError(f"the gains of {name} differ, so it does not commute with a rotation")
    return CompiledMachine(machine.plan, weights)


def stepped(machine: CompiledMachine, basis: Tensor, x: Tensor) -> Tensor:
    """One loop of a rotated machine on streams x (B, columns, d_model) of the plain one."""
    turn = basis.float()
    with torch.no_grad():
        result: Tensor = machine.model()(x @ turn.T) @ turn
    return result


def write_blind(folder: Path, machine: CompiledMachine, basis: Tensor) -> None:
    """Write `rotated.safetensors`, the weights without a plan, and `key.safetensors`, the rotation.

    A tool for interpretability gets the first file. Raises FileError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    about = {"format": "looped-rotated-1"}
    write_tensors(folder / "rotated.safetensors", arrays_of(machine.weights), about)
    write_tensors(folder / "key.safetensors", {"rotation": basis.numpy()}, about)
