"""Looks and answers as bytes, for a pipe: eight bytes of length, and arrays in safetensors."""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import safetensors.numpy

from looped.engines.lifted.specialised.builder import Answer, Look
from looped.engines.lifted.specialised.machine_code import Unit
from looped.engines.lifted.specialised.observe import Passes

__all__ = ["read_answer", "read_look", "write_answer", "write_look"]

_LENGTH = 8

_Arrays = dict[str, npt.NDArray[Any]]


def write_look(pipe: BinaryIO, look: Look) -> None:
    """Send a look."""
    passes = look.passes
    arrays = {name: getattr(passes, name) for name in Passes.__dataclass_fields__}
    _write(pipe, {**arrays, "seconds": np.array([look.seconds])})


def read_look(pipe: BinaryIO) -> Look:
    """Receive a look. Raises EOFError."""
    arrays = _read(pipe)
    seconds = float(arrays.pop("seconds")[0])
    return Look(Passes(**arrays), seconds)


def write_answer(pipe: BinaryIO, answer: Answer) -> None:
    """Send an answer."""
    arrays: _Arrays = {
        "short": np.array([answer.short]),
        "needless": np.array(answer.needless, np.int64),
    }
    if answer.unit is not None:
        unit = answer.unit
        arrays["number"] = np.array([unit.number], np.int64)
        arrays["object_code"] = np.frombuffer(unit.object_code, np.uint8)
        arrays["key"] = np.array(unit.key, np.int64)
        arrays["heads"] = np.array(unit.heads, np.uint64).reshape(len(unit.heads), len(unit.key))
    _write(pipe, arrays)


def read_answer(pipe: BinaryIO) -> Answer:
    """Receive an answer. Raises EOFError."""
    arrays = _read(pipe)
    unit = None
    if "object_code" in arrays:
        unit = Unit(
            int(arrays["number"][0]),
            arrays["object_code"].tobytes(),
            tuple(arrays["key"].tolist()),
            tuple(map(tuple, arrays["heads"].tolist())),
        )
    return Answer(unit, tuple(arrays["needless"].tolist()), float(arrays["short"][0]))


def _write(pipe: BinaryIO, arrays: _Arrays) -> None:
    content = safetensors.numpy.save({n: np.ascontiguousarray(a) for n, a in arrays.items()})
    pipe.write(len(content).to_bytes(_LENGTH, "little") + content)
    pipe.flush()


def _read(pipe: BinaryIO) -> _Arrays:
    """The next message. Raises EOFError if there is none, or only a part."""
    length = pipe.read(_LENGTH)
    content = pipe.read(int.from_bytes(length, "little"))
    if len(length) < _LENGTH or len(content) < int.from_bytes(length, "little"):
        raise EOFError
    found: _Arrays = safetensors.numpy.load(content)
    return found
