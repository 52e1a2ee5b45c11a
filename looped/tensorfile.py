"""Tensor files: safetensors with a format and a checksum in the metadata.

The metadata is text: `format` names what the file holds and in which version, `sha256` is the
SHA-256 of the whole file with the 64 digits of the checksum themselves taken as zeros. So no bit of
a file can change unseen, and stock software, which skips what it does not know, reads it as ever.
Nothing is unpickled or evaluated.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import safetensors
import safetensors.torch
from torch import Tensor

from looped.errors import FileError
from looped.files import open_regular, write_atomically

__all__ = ["read_tensors", "with_checksum", "write_tensors"]

_LIMIT = 4 << 30
_LONGEST_HEADER = 100_000_000
"""Bytes: what safetensors itself allows."""

_BLANK = "0" * 64
_SEAL = re.compile(rb'"sha256":"([0-9a-f]{64})"')


def with_checksum(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """The content of a tensor file: the metadata and the checksum go into its header."""
    plain = {name: tensor.contiguous() for name, tensor in tensors.items()}
    content = safetensors.torch.save(plain, {**metadata, "sha256": _BLANK})
    found = _SEAL.search(content)
    assert found is not None
    digest = hashlib.sha256(content).hexdigest().encode()
    return content[: found.start(1)] + digest + content[found.end(1) :]


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write a tensor file, whole or not at all. Raises FileError."""
    write_atomically(path, with_checksum(tensors, metadata))


def read_tensors(path: Path, form: str, what: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the metadata of a file of a format; `what` says in words what that is.

    Raises FileError for a file that is not there, is another one, or has changed since it was
    written. Its header is looked at before the rest is read.
    """
    try:
        with open_regular(path, _LIMIT) as file:
            header = _read_header(path, file, os.fstat(file.fileno()).st_size, what)
            metadata = _metadata(header)
            if metadata.get("format") != form:
                found = metadata.get("format", "no file of looped at all")
                raise FileError(
                    f"{path}: expected {form}, found {found}",
                    hint=f"files of another version are of no use: make the {what} anew",
                )
            content = header + file.read()
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise FileError(
            f"{path} is not a {what}, or is damaged: its header is unreadable"
        ) from None
    _check_seal(path, content, what)
    try:
        return safetensors.torch.load(content), metadata
    except (safetensors.SafetensorError, ValueError, KeyError) as error:
        raise FileError(f"{path} is not a {what}, or is damaged: {error}") from None


def _read_header(path: Path, file: BinaryIO, file_size: int, what: str) -> bytes:
    """The length of the header and the header, which is JSON."""
    length = file.read(8)
    size = int.from_bytes(length, "little")
    if len(length) < 8 or size > min(_LONGEST_HEADER, file_size - 8):
        raise FileError(f"{path} is not a {what}, or is damaged: it is truncated")
    return length + file.read(size)


def _metadata(header: bytes) -> dict[str, str]:
    metadata = json.loads(header[8:]).get("__metadata__", {})
    return {str(key): str(value) for key, value in metadata.items()}


def _check_seal(path: Path, content: bytes, what: str) -> None:
    found = _SEAL.search(content, 0, 8 + int.from_bytes(content[:8], "little"))
    if found is None:
        raise FileError(f"{path} is not a {what}, or is damaged: it has no checksum")
    digest = hashlib.sha256(memoryview(content)[: found.start(1)])
    digest.update(_BLANK.encode())
    digest.update(memoryview(content)[found.end(1) :])
    if digest.hexdigest().encode() != found[1]:
        raise FileError(f"{path} is damaged: its checksum is not that of its content")
