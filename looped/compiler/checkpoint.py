"""Weights, plan and program in one safetensors file; nothing in it is ever unpickled or evaluated.

The tensors are the weights by their names in `looped.nn.model`, and `program.words` (int64) if the
file has a program. The metadata is text: `format` is FORMAT, `plan` and `program` are JSON.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from looped.compiler.compiled import BlockPlan, CompiledMachine, GroupPlan, HeadPlan, Plan
from looped.errors import FileError, LoopedError
from looped.files import read_bytes, write_atomically
from looped.image import Image, Location

__all__ = ["FORMAT", "load_machine", "save_machine"]

FORMAT = "looped-machine-1"

_LIMIT = 4 << 30
_PROGRAM = "program.words"


def save_machine(path: Path, machine: CompiledMachine, image: Image | None = None) -> None:
    """Write a compiled machine, and a program for it if there is one. Raises FileError."""
    tensors = {name: tensor.contiguous() for name, tensor in machine.weights.items()}
    metadata = {"format": FORMAT, "plan": json.dumps(dataclasses.asdict(machine.plan))}
    if image is not None:
        tensors[_PROGRAM] = torch.tensor(image.words, dtype=torch.int64)
        metadata["program"] = json.dumps(_image_to_json(image))
    write_atomically(path, safetensors.torch.save(tensors, metadata))


def load_machine(path: Path) -> tuple[CompiledMachine, Image | None]:
    """Read a compiled machine and its program. Raises FileError for anything else."""
    content = read_bytes(path, _LIMIT)
    try:
        tensors = safetensors.torch.load(content)
        metadata = _metadata(content)
        if metadata.get("format") != FORMAT:
            found = metadata.get("format", "no machine of looped at all")
            raise FileError(f"{path}: expected {FORMAT}, found {found}")
        words = tensors.pop(_PROGRAM, None)
        plan = _plan_from_json(json.loads(metadata["plan"]))
        machine = CompiledMachine(plan, tensors)
        _check(path, machine)
        image = None
        if words is not None:
            image = _image_from_json(json.loads(metadata["program"]), tuple(words.tolist()))
    except FileError:
        raise
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError, LoopedError) as error:
        raise FileError(f"{path} is not a compiled machine, or is damaged: {error}") from None
    return machine, image


def _metadata(content: bytes) -> dict[str, str]:
    """The metadata of a safetensors file: part of the JSON header behind its length."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    metadata: dict[str, str] = header.get("__metadata__", {})
    return metadata


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
