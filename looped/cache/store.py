"""The cache: entries of bytes by kind and key, one file each.

A file has a magic line, the SHA-256 of the rest with the kind and the key before it, and the
content. Whatever is not exactly that is no entry: the caller computes it again and replaces it. So
a file that is truncated, changed, renamed or of another version does no harm. A file is written
under another name and then renamed, so that several processes can use the cache. A cache that
cannot be written, for any reason, is like an empty one.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from looped.cache.folder import folder, open_folder

__all__ = ["Cache", "Entry", "open_cache"]

_MAGIC = b"looped-cache-1\n"
_HEADER = len(_MAGIC) + 32

_LARGEST = 1 << 30
"""Bytes of one entry."""

_MOST = 2 << 30
"""Bytes of all entries: about twenty machines with 32,768 words, or hundreds of small ones. The
entries that nobody has used for the longest time go first."""

_NAME = re.compile(r"[a-z]{1,20}-[0-9a-f]{64}")
_UNFINISHED = re.compile(r"\.[a-z]{1,20}-[0-9a-f]{64}\.[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the cache: what it holds, its size in bytes, when it was last used, in seconds."""

    name: str
    size: int
    used: float

    @property
    def kind(self) -> str:
        """What it holds."""
        return self.name.lstrip(".").partition("-")[0]


@dataclass(frozen=True, slots=True)
class Cache:
    """The entries in a folder; None is a cache that keeps nothing."""

    path: Path | None

    def get(self, kind: str, key: str) -> bytes | None:
        """The content under a key, None if there is no such entry, or none that is intact."""
        name = f"{kind}-{key}"
        with self._open() as handle:
            if handle is None:
                return None
            with contextlib.suppress(OSError):
                found = _read(handle, name)
                if found is not None:
                    os.utime(name, dir_fd=handle)
                return found
        return None

    def has(self, kind: str, key: str) -> bool:
        """Whether there is an entry under a key, intact or not."""
        with self._open() as handle, contextlib.suppress(OSError):
            if handle is not None:
                os.stat(f"{kind}-{key}", dir_fd=handle, follow_symlinks=False)
                return True
        return False

    def put(self, kind: str, key: str, content: bytes) -> None:
        """Keep a content under a key, if the folder can be written and belongs to the user."""
        name = f"{kind}-{key}"
        unfinished = f".{name}.{secrets.token_hex(8)}"
        with self._open(make=True) as handle:
            if handle is None or len(content) > _LARGEST:
                return
            try:
                _write(handle, unfinished, (_MAGIC, _digest(name, content), content))
                os.replace(unfinished, name, src_dir_fd=handle, dst_dir_fd=handle)
                _shrink(handle, name)
            except OSError:
                with contextlib.suppress(OSError):
                    os.unlink(unfinished, dir_fd=handle)

    def entries(self) -> list[Entry]:
        """All files of the cache, unfinished ones included, in the order of their names."""
        with self._open() as handle:
            return [] if handle is None else _entries(handle)

    def clear(self) -> int:
        """Remove all files of the cache; returns how many there were."""
        removed = 0
        with self._open() as handle:
            for entry in [] if handle is None else _entries(handle):
                with contextlib.suppress(OSError):
                    os.unlink(entry.name, dir_fd=handle)
                    removed += 1
        return removed

    @contextlib.contextmanager
    def _open(self, make: bool = False) -> Iterator[int | None]:
        handle = None if self.path is None else open_folder(self.path, make)
        try:
            yield handle
        finally:
            if handle is not None:
                os.close(handle)


def open_cache() -> Cache:
    """The cache of the user."""
    return Cache(folder())


def _digest(name: str, content: bytes) -> bytes:
    found = hashlib.sha256(name.encode() + b"\n")
    found.update(content)
    return found.digest()


def _read(folder: int, name: str) -> bytes | None:
    """The content of an intact entry. Raises OSError."""
    handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST + _HEADER:
            return None
        header, content = file.read(_HEADER), file.read()
    return content if header == _MAGIC + _digest(name, content) else None


def _write(folder: int, name: str, parts: tuple[bytes, ...]) -> None:
    """A new file. Raises OSError."""
    handle = os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600, dir_fd=folder)
    with os.fdopen(handle, "wb") as file:
        for part in parts:
            file.write(part)


def _entries(folder: int) -> list[Entry]:
    found = []
    for name in sorted(os.listdir(folder)):
        if _NAME.fullmatch(name) or _UNFINISHED.fullmatch(name):
            with contextlib.suppress(OSError):
                status = os.stat(name, dir_fd=folder, follow_symlinks=False)
                found.append(Entry(name, status.st_size, status.st_mtime))
    return found


def _shrink(folder: int, newest: str) -> None:
    """Remove what nobody has used for the longest time, until the rest is small enough."""
    entries = _entries(folder)
    size = sum(entry.size for entry in entries)
    for entry in sorted(entries, key=lambda entry: entry.used):
        if size <= _MOST:
            return
        if entry.name != newest:
            with contextlib.suppress(OSError):
                os.unlink(entry.name, dir_fd=folder)
                size -= entry.size
