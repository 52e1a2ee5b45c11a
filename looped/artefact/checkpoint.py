"""Weights, plan and program in one safetensors file. Loading neither unpickles nor evaluates it.

The tensors are the weights by their names in `looped.nn.model`, and `program.words` (int64) if the
file has a program. In the metadata, `format` is FORMAT, and `plan` and `program` are JSON.
`looped.tensorfile` adds a checksum over the whole file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from looped.artefact.plan import CompiledMachine, Plan
from looped.artefact.program import check_program
from looped.artefact.stored_weights import Arrays, StoredWeights, facts_of
from looped.artefact.validity import check_plan
from looped.errors import FileError, LoopedError
from looped.image import Image, Location, Regions
from looped.tensorfile import read_tensors, write_tensors
from looped.untrusted import decode, encode

__all__ = ["FORMAT", "load_machine", "save_machine"]

FORMAT = "looped-machine-4"

T = TypeVar("T")

_WHAT = "compiled machine"
_PROGRAM = "program.words"


def save_machine(path: Path, machine: CompiledMachine, image: Image | None = None) -> None:
    """Write a compiled machine, and `image`, its program, unless that is None. Raises FileError."""
    tensors = dict(machine.arrays)
    metadata = {"format": FORMAT, "plan": encode(machine.plan)}
    if image is not None:
        tensors[_PROGRAM] = np.array(image.words, np.int64)
        metadata["program"] = encode(_program(image))
    write_tensors(path, tensors, metadata)


def load_machine(path: Path) -> tuple[CompiledMachine, Image | None]:
    """Read a compiled machine and its program, if any. Raises FileError for any other file."""
    tensors, metadata = read_tensors(path, FORMAT, _WHAT, "compile it again with `looped compile`")
    words = tensors.pop(_PROGRAM, None)
    image = None
    try:
        plan = _part(metadata, "plan", Plan)
        check_plan(plan)
        _check_mixer(path, plan)
        _check(path, plan, tensors)
        machine = CompiledMachine(plan, StoredWeights(facts_of(tensors), lambda: tensors))
        if words is not None:
            program = _part(metadata, "program", _Program)
            image = _image(program, words, plan)
    except FileError:
        raise
    except (ValueError, LoopedError) as error:
        raise FileError(f"{path} is not a {_WHAT}, or is damaged: {error}") from None
    return machine, image


def _part(metadata: Mapping[str, str], name: str, kind: type[T]) -> T:
    """The JSON metadata under a name as `kind`. Raises ValueError."""
    if name not in metadata:
        raise ValueError(f"it has no {name}")
    return decode(metadata[name], kind, name)


def _check_mixer(path: Path, plan: Plan) -> None:
    """Raise FileError for a mixer that this version of looped does not know."""
    try:
        plan.check_mixer()
    except LoopedError as error:
        (fault,) = error.diagnostics
        raise FileError(f"{path}: {fault.message}", hint=fault.hint) from None


def _check(path: Path, plan: Plan, weights: Arrays) -> None:
    """Raise FileError unless the weights have the planned names and shapes, and are finite."""
    expected = plan.shapes()
    found = {name: weight.shape for name, weight in weights.items()}
    if found != expected:
        wrong = sorted(set(found.items()) ^ set(expected.items()))[0][0]
        raise FileError(f"{path} is damaged: weight `{wrong}` does not fit the machine's plan")
    for name, weight in weights.items():
        if weight.dtype != np.float32 or not np.isfinite(weight).all():
            raise FileError(f"{path} is damaged: weight `{name}` is not finite float32")


@dataclass(frozen=True, slots=True)
class _Program:
    """An image without its words; `places` are indices of `files` and line numbers."""

    machine: str
    width: int
    symbols: Mapping[str, int]
    files: tuple[str, ...]
    places: tuple[tuple[int, int] | None, ...]
    entry: int = 0
    addresses_per_word: int = 1
    bases: tuple[int, ...] = (0,)
    linked: bool = False
    constants: tuple[str, ...] = ()


def _program(image: Image) -> _Program:
    files: dict[str, int] = {}
    places = tuple(
        None if at is None else (files.setdefault(at.file, len(files)), at.line)
        for at in image.source_map
    )
    return _Program(
        image.machine,
        image.width,
        dict(image.symbols),
        tuple(files),
        places,
        image.entry,
        image.addresses_per_word,
        image.regions.bases,
        image.linked,
        tuple(sorted(image.constants)),
    )


def _image(program: _Program, words: npt.NDArray[Any], plan: Plan) -> Image:
    """The image of a program for a machine. Raises ValueError and CompileError."""
    if words.dtype != np.int64 or words.ndim != 1:
        raise ValueError("the program is not a list of words")
    if (program.machine, program.width) != (plan.machine, plan.width):
        raise ValueError("the program is for another machine")
    if program.addresses_per_word < 1 or len(program.bases) not in (1, 2):
        raise ValueError("the program has no addresses")
    if not all(at is None or at[0] in range(len(program.files)) for at in program.places):
        raise ValueError("the program has lines of files without a name")
    places = tuple(at and Location(program.files[at[0]], at[1]) for at in program.places)
    image = Image(
        program.machine,
        program.width,
        tuple(words.tolist()),
        program.symbols,
        places,
        program.entry,
        program.addresses_per_word,
        Regions(program.bases),
        program.linked,
        frozenset(program.constants),
    )
    if not 0 <= image.index(program.entry) < plan.memory:
        raise ValueError("the program begins outside of the memory")
    image.padded(plan.memory)
    check_program(image, plan)
    return image
