"""Tensor files: safetensors with a format and a checksum in the metadata.

The metadata is text. `format` names the kind of content and its version. `sha256` is the SHA-256 of
the whole file, in which zeros replace the 64 digits of the checksum itself. So reading detects
every changed bit. Other software, which ignores unknown metadata, can read the file too. Nothing is
unpickled or evaluated.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.numpy

from looped.errors import FileError
from looped.files import open_regular, write_atomically

__all__ = ["Tensors", "read_tensors", "with_checksum", "write_tensors"]

Tensors = Mapping[str, npt.NDArray[Any]]

_LARGEST_FILE = 4 << 30
"""Bytes: a hundred times the weights of RV32IM."""

_LONGEST_HEADER = 100_000_000
"""Bytes: the limit of safetensors itself."""

_BLANK = "0" * 64
_CHECKSUM = re.compile(rb'"sha256":"([0-9a-f]{64})"')


def with_checksum(tensors: Tensors, metadata: Mapping[str, str]) -> bytes:
    """The content of a tensor file, with the metadata and the checksum in its header."""
    plain = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    content = safetensors.numpy.save(plain, {**metadata, "sha256": _BLANK})
    found = _CHECKSUM.search(content)
    assert found is not None
    digest = hashlib.sha256(content).hexdigest().encode()
    return content[: found.start(1)] + digest + content[found.end(1) :]


def write_tensors(path: Path, tensors: Tensors, metadata: Mapping[str, str]) -> None:
    """Write a tensor file, whole or not at all. Raises FileError."""
    write_atomically(path, with_checksum(tensors, metadata))


class _Header(msgspec.Struct):
    """The metadata in the header of a safetensors file; safetensors reads the rest."""

    metadata: dict[str, str] = msgspec.field(name="__metadata__", default_factory=dict)


def read_tensors(
    path: Path, format_name: str, what: str, hint: str
) -> tuple[dict[str, npt.NDArray[Any]], dict[str, str]]:
    """The tensors and the metadata of a file whose format is `format_name`.

    Messages call such a file `what`; `hint` says how to replace a file of another version. Raises
    FileError for a missing file, a file of another format, and a file that has changed since it was
    written. The header is checked before the rest is read.
    """
    try:
        with open_regular(path, _LARGEST_FILE) as file:
            header = _read_header(path, file, os.fstat(file.fileno()).st_size, what)
            metadata = msgspec.json.decode(header[8:], type=_Header).metadata
            _check_format(path, metadata.get("format", ""), format_name, hint)
            content = header + file.read()
    except (ValueError, RecursionError):
        raise FileError(
            f"{path} is not a {what}, or is damaged: its header is unreadable"
        ) from None
    _check_checksum(path, content, what)
    try:
        found = safetensors.numpy.load(content)
        return {name: np.array(tensor) for name, tensor in found.items()}, metadata
    except KeyError as error:  # a dtype that NumPy does not have
        raise FileError(
            f"{path} is not a {what}, or is damaged: it has numbers of the dtype {error.args[0]}"
        ) from None
    except (safetensors.SafetensorError, ValueError, TypeError) as error:
        raise FileError(f"{path} is not a {what}, or is damaged: {error}") from None


def _read_header(path: Path, file: BinaryIO, file_size: int, what: str) -> bytes:
    """The first bytes of a file: 8 bytes with the length of the header, and the header, JSON."""
    length = file.read(8)
    size = int.from_bytes(length, "little")
    if len(length) < 8 or size > min(_LONGEST_HEADER, file_size - 8):
        raise FileError(f"{path} is not a {what}, or is damaged: it is truncated")
    return length + file.read(size)


def _check_format(path: Path, found: str, expected: str, hint: str) -> None:
    if found == expected:
        return
    if not found.startswith("looped-"):
        raise FileError(f"{path} is not a looped file")
    same_kind = found.rpartition("-")[0] == expected.rpartition("-")[0]
    raise FileError(
        f"{path}: expected {expected}, found {found[:40]}", hint=hint if same_kind else None
    )


def _check_checksum(path: Path, content: bytes, what: str) -> None:
    found = _CHECKSUM.search(content, 0, 8 + int.from_bytes(content[:8], "little"))
    if found is None:
        raise FileError(f"{path} is not a {what}, or is damaged: it has no checksum")
    digest = hashlib.sha256(memoryview(content)[: found.start(1)])
    digest.update(_BLANK.encode())
    digest.update(memoryview(content)[found.end(1) :])
    if digest.hexdigest().encode() != found[1]:
        raise FileError(f"{path} is damaged: its checksum does not match its content")
