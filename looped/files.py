"""Files as users meet them: read with a clear error, written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from looped.errors import FileError

__all__ = ["read_bytes", "write_atomically"]


def read_bytes(path: Path, limit: int) -> bytes:
    """The content of a regular file of at most `limit` bytes. Raises FileError."""
    try:
        if path.is_dir():
            raise FileError(f"{path} is a directory")
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror or error}") from None
    if len(content) > limit:
        raise FileError(f"{path} is larger than {limit >> 20} MB")
    return content


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file by one with this content; on failure the old file stays. Raises FileError."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o666 & ~_umask())
            os.replace(name, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
    except OSError as error:
        raise FileError(f"cannot write {path}: {error.strerror or error}") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
