"""Weights, plan and program in one safetensors file; nothing in it is ever unpickled or evaluated.

The tensors are the weights by their names in `looped.nn.model`, and `program.words` (int64) if the
file has a program. Of the metadata, `format` is FORMAT, and `plan` and `program` are JSON.
`looped.tensorfile` adds a checksum over all of it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from looped.compiler.compiled import BlockPlan, CompiledMachine, GroupPlan, HeadPlan, Plan
from looped.errors import FileError, LoopedError
from looped.image import Image, Location
from looped.tensorfile import read_tensors, write_tensors

__all__ = ["FORMAT", "load_machine", "save_machine"]

FORMAT = "looped-machine-2"

_WHAT = "compiled machine"
_PROGRAM = "program.words"
_MALFORMED = (
    ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError,
    RuntimeError, LoopedError,
)  # fmt: skip
"""What content of the wrong form leads to where it is taken apart."""


def save_machine(path: Path, machine: CompiledMachine, image: Image | None = None) -> None:
    """Write a compiled machine, and a program for it if there is one. Raises FileError."""
    tensors = dict(machine.weights)
    metadata = {"format": FORMAT, "plan": json.dumps(dataclasses.asdict(machine.plan))}
    if image is not None:
        tensors[_PROGRAM] = torch.tensor(image.words, dtype=torch.int64)
        metadata["program"] = json.dumps(_image_to_json(image))
    write_tensors(path, tensors, metadata)


def load_machine(path: Path) -> tuple[CompiledMachine, Image | None]:
    """Read a compiled machine and its program. Raises FileError for anything else."""
    tensors, metadata = read_tensors(path, FORMAT, _WHAT)
    words = tensors.pop(_PROGRAM, None)
    image = None
    try:
        machine = CompiledMachine(_plan_from_json(json.loads(metadata["plan"])), tensors)
        _check(path, machine)
        if words is not None:
            image = _image_from_json(json.loads(metadata["program"]), tuple(words.tolist()))
    except FileError:
        raise
    except _MALFORMED as error:
        raise FileError(f"{path} is not a {_WHAT}, or is damaged: {error}") from None
    return machine, image


def _check(path: Path, machine: CompiledMachine) -> None:
    """Raise FileError unless the weights are those that the plan asks for, and finite."""
    expected = machine.plan.shapes()
    found = {name: tuple(w.shape) for name, w in machine.weights.items()}
    if found != expected:
        wrong = sorted(set(found.items()) ^ set(expected.items()))[0][0]
        raise FileError(f"{path} is damaged: weight `{wrong}` does not fit the machine's plan")
    for name, weight in machine.weights.items():
        if weight.dtype != torch.float32 or not bool(weight.isfinite().all()):
            raise FileError(f"{path} is damaged: weight `{name}` is not finite float32")


def _plan_from_json(data: Mapping[str, Any]) -> Plan:
    def text(item: Mapping[str, Any]) -> dict[str, Any]:
        return {k: tuple(v) if isinstance(v, list) else v for k, v in item.items()}

    blocks = tuple(
        BlockPlan(
            tuple(HeadPlan(**text(head)) for head in block["heads"]),
            tuple(GroupPlan(**text(group)) for group in block["groups"]),
        )
        for block in data["blocks"]
    )
    words = {name: tuple(lanes) for name, lanes in data["words"].items()}
    tenants = tuple(tuple(names) for names in data["tenants"])
    rest = {k: v for k, v in text(data).items() if k not in ("blocks", "words", "tenants")}
    return Plan(blocks=blocks, words=words, tenants=tenants, **rest)


def _image_to_json(image: Image) -> dict[str, Any]:
    files: dict[str, int] = {}
    places = [
        None if at is None else (files.setdefault(at.file, len(files)), at.line)
        for at in image.source_map
    ]
    return {
        "machine": image.machine,
        "width": image.width,
        "symbols": dict(image.symbols),
        "files": list(files),
        "places": places,
        "entry": image.entry,
        "unit": image.unit,
    }


def _image_from_json(data: Mapping[str, Any], words: tuple[int, ...]) -> Image:
    files = data["files"]
    places = tuple(at and Location(files[at[0]], at[1]) for at in data["places"])
    return Image(
        data["machine"],
        data["width"],
        words,
        data["symbols"],
        places,
        data.get("entry", 0),
        data.get("unit", 1),
    )
