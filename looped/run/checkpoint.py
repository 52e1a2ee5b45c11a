"""Checkpoints on disk: what a run needs to continue, and for which machine and program it does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from looped.artefact.plan import CompiledMachine
from looped.errors import FileError
from looped.files import Replacement
from looped.image import Image
from looped.run.computer import Snapshot
from looped.run.stored_state import Shape, shape_of, state_of, tensors_of
from looped.tensorfile import Tensors, read_tensors, with_checksum
from looped.untrusted import decode, encode

__all__ = ["FORMAT", "Checkpoint", "Identity", "identify", "load_checkpoint", "prepare_checkpoint"]

FORMAT = "looped-run-3"

_WHAT = "checkpoint of a run"
_PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Identity:
    """The SHA-256 of a machine (plan, weights) and of a program (words, entry, their format)."""

    machine: str
    program: str


@dataclass(frozen=True)
class Checkpoint:
    """A run between two loops.

    `steps` counts instructions, `consumed` the bytes of input that the program has read, and
    `input_sha256` is their checksum. `delivered` counts the bytes of output that the stream has;
    `pending` are those that it does not have yet. If the stream is a regular file, `place` is its
    device, its inode, and the position at which `pending` begins.
    """

    identity: Identity
    snapshot: Snapshot
    steps: int
    consumed: int
    input_sha256: str
    delivered: int
    pending: bytes
    place: tuple[int, int, int] | None


@dataclass(frozen=True, slots=True)
class _Between:
    """A snapshot in a file, without its state."""

    pending_loops: int
    loops: int
    halted: bool
    unfinished: bytes
    position: int
    input_word: int | None
    pc: int
    host: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class _Run:
    """A checkpoint in a file without its tensors, but with the shape of the state."""

    identity: Identity
    snapshot: _Between
    shape: Shape
    steps: int
    consumed: int
    input_sha256: str
    delivered: int
    place: tuple[int, int, int] | None


def identify(machine: CompiledMachine, image: Image) -> Identity:
    """The identity of a machine with a program."""
    weights = hashlib.sha256(json.dumps(msgspec.to_builtins(machine.plan), sort_keys=True).encode())
    for name, weight in sorted(machine.arrays.items()):
        weights.update(name.encode())
        weights.update(weight.tobytes())
    program = json.dumps(
        [image.machine, image.width, image.addresses_per_word, image.entry, image.words]
    )
    return Identity(weights.hexdigest(), hashlib.sha256(program.encode()).hexdigest())


def prepare_checkpoint(path: Path, checkpoint: Checkpoint) -> Replacement:
    """Write a checkpoint to disk; `commit` on the result replaces the old one. Raises FileError."""
    state, snapshot = checkpoint.snapshot.state, checkpoint.snapshot
    run = _Run(
        checkpoint.identity,
        _Between(
            snapshot.pending_loops,
            snapshot.loops,
            snapshot.halted,
            snapshot.unfinished,
            snapshot.position,
            snapshot.input_word,
            snapshot.pc,
            snapshot.host,
        ),
        shape_of(state),
        checkpoint.steps,
        checkpoint.consumed,
        checkpoint.input_sha256,
        checkpoint.delivered,
        checkpoint.place,
    )
    tensors = {
        **tensors_of(state),
        _PENDING: np.frombuffer(checkpoint.pending, np.uint8),
    }
    return Replacement(path, with_checksum(tensors, {"format": FORMAT, "run": encode(run)}))


def load_checkpoint(path: Path, identity: Identity) -> Checkpoint:
    """Read the checkpoint of a machine and its program. Raises FileError for any other file."""
    tensors, metadata = read_tensors(path, FORMAT, _WHAT, "start the program again")
    try:
        run = decode(metadata.get("run", ""), _Run, "run")
        for what, found, asked in (
            ("machine", run.identity.machine, identity.machine),
            ("program", run.identity.program, identity.program),
        ):
            if found != asked:
                raise FileError(
                    f"{path} is the checkpoint of another {what}",
                    hint="resume it with the same program and the same options",
                )
        return _checkpoint(run, tensors)
    except FileError:
        raise
    except ValueError as error:
        raise FileError(f"{path} is not a {_WHAT}, or is damaged: {error}") from None


def _checkpoint(run: _Run, tensors: Tensors) -> Checkpoint:
    """The checkpoint in a file. Raises ValueError for parts that do not belong together."""
    state = state_of(run.shape, tensors)
    if _PENDING not in tensors or tensors[_PENDING].dtype != np.uint8:
        raise ValueError("the output is missing or not made of bytes")
    between = run.snapshot
    counts = (run.steps, run.consumed, run.delivered, between.pending_loops, between.position)
    if min(counts) < 0:
        raise ValueError("a count is negative")
    snapshot = Snapshot(
        state=state,
        pending_loops=between.pending_loops,
        loops=between.loops,
        halted=between.halted,
        unfinished=between.unfinished,
        position=between.position,
        input_word=between.input_word,
        pc=between.pc,
        host=between.host,
    )
    return Checkpoint(
        identity=run.identity,
        snapshot=snapshot,
        steps=run.steps,
        consumed=run.consumed,
        input_sha256=run.input_sha256,
        delivered=run.delivered,
        pending=tensors[_PENDING].tobytes(),
        place=run.place,
    )
