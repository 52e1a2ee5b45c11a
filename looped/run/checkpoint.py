"""A run on disk: what a program needs to continue, and the machine and program it belongs to."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from looped.artefact.plan import CompiledMachine
from looped.errors import FileError
from looped.files import Replacement
from looped.image import Image
from looped.records import record_from_json
from looped.run.computer import Snapshot
from looped.tensorfile import read_tensors, with_checksum

__all__ = ["FORMAT", "Checkpoint", "Identity", "identify", "load_checkpoint", "prepare_checkpoint"]

FORMAT = "looped-run-1"

_WHAT = "checkpoint of a run"
_STATE, _PENDING = "state", "pending"


@dataclass(frozen=True, slots=True)
class Identity:
    """The SHA-256 of a machine, its plan and weights, and of a program, its words and entry."""

    machine: str
    program: str


@dataclass(frozen=True)
class Checkpoint:
    """A run between two loops.

    `steps` counts instructions, `consumed` the bytes of input that were read, and `input_sha256` is
    their checksum. Of all the program's output, `pending` is what has not been delivered. `place`
    is where it is delivered to, if that is a regular file: its device, its inode, and its size
    without `pending`.
    """

    identity: Identity
    snapshot: Snapshot
    steps: int
    consumed: int
    input_sha256: str
    delivered: int
    pending: bytes
    place: tuple[int, int, int] | None


def identify(machine: CompiledMachine, image: Image) -> Identity:
    """The identity of a machine with a program."""
    weights = hashlib.sha256(json.dumps(dataclasses.asdict(machine.plan), sort_keys=True).encode())
    for name, weight in sorted(machine.weights.items()):
        weights.update(name.encode())
        weights.update(weight.contiguous().numpy().tobytes())
    program = json.dumps(
        [image.machine, image.width, image.addresses_per_word, image.entry, image.words]
    )
    return Identity(weights.hexdigest(), hashlib.sha256(program.encode()).hexdigest())


def prepare_checkpoint(path: Path, checkpoint: Checkpoint) -> Replacement:
    """Write a checkpoint, up to the moment in which it takes the old one's place.

    Raises FileError.
    """
    fields = {
        field.name: getattr(checkpoint, field.name)
        for field in dataclasses.fields(checkpoint)
        if field.name not in ("identity", "snapshot", _PENDING)
    }
    snapshot = {
        field.name: getattr(checkpoint.snapshot, field.name)
        for field in dataclasses.fields(Snapshot)
        if field.name != _STATE
    }
    state = checkpoint.snapshot.state
    run = {
        **fields,
        "identity": dataclasses.asdict(checkpoint.identity),
        "snapshot": snapshot,
        "shape": state.shape,
    }
    tensors = {
        _STATE: torch.from_numpy(np.packbits(state.reshape(-1))),
        _PENDING: torch.frombuffer(bytearray(checkpoint.pending), dtype=torch.uint8)
        if checkpoint.pending
        else torch.zeros(0, dtype=torch.uint8),
    }
    return Replacement(path, with_checksum(tensors, {"format": FORMAT, "run": json.dumps(run)}))


def load_checkpoint(path: Path, identity: Identity) -> Checkpoint:
    """Read the checkpoint of a machine and its program. Raises FileError for anything else."""
    tensors, metadata = read_tensors(path, FORMAT, _WHAT)
    try:
        run = json.loads(metadata["run"])
        owner = record_from_json(Identity, run.pop("identity"))
        for what, found, asked in (
            ("machine", owner.machine, identity.machine),
            ("program", owner.program, identity.program),
        ):
            if found != asked:
                raise FileError(
                    f"{path} is the checkpoint of another {what}",
                    hint="resume it with the program, and the options, that it was made with",
                )
        return _checkpoint(owner, run, tensors)
    except FileError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FileError(f"{path} is not a {_WHAT}, or is damaged: {error}") from None


def _checkpoint(owner: Identity, run: dict[str, Any], tensors: dict[str, Any]) -> Checkpoint:
    """Put together what was read. Raises ValueError and others for what does not fit."""
    match run.pop("shape", None):
        case [int(columns), int(lanes)] if min(columns, lanes) > 0:
            pass
        case _:
            raise ValueError("its state has no shape")
    if not {_STATE, _PENDING} <= tensors.keys():
        raise ValueError("it has no state, or no output")
    packed = tensors[_STATE].numpy()
    if packed.dtype != np.uint8 or packed.shape != (-(-columns * lanes // 8),):
        raise ValueError("the state has another shape")
    state = np.unpackbits(packed, count=columns * lanes).reshape(columns, lanes).astype(np.bool_)
    snapshot = record_from_json(Snapshot, run.pop("snapshot"), "snapshot", {"state": state})
    pending = tensors[_PENDING].numpy().tobytes()
    given = {"identity": owner, "snapshot": snapshot, "pending": pending}
    checkpoint = record_from_json(Checkpoint, run, "run", given)
    counts = (checkpoint.steps, checkpoint.consumed, checkpoint.delivered)
    if min(*counts, snapshot.pending_loops, snapshot.position) < 0:
        raise ValueError("a number of it is negative")
    return checkpoint
