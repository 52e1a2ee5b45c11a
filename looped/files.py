"""Files of users: a failure to read is a FileError, and a file is written whole or not at all."""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from looped.errors import FileError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

__all__ = ["Replacement", "open_regular", "read_bytes", "write_atomically"]

_BUFFER = 1 << 20
"""Bytes that are written at once."""


@contextlib.contextmanager
def open_regular(path: Path, limit: int) -> Iterator[BinaryIO]:
    """A regular file of at most `limit` bytes, open for reading.

    Raises FileError, also for errors of reads in the `with` block. It opens only regular files:
    opening a FIFO would wait for a writer.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise FileError(f"{path} {_kind(status.st_mode)}")
        if status.st_size > limit:
            raise FileError(f"{path} is larger than {limit >> 20} MB")
        file = path.open("rb")
    except OSError as error:
        raise _unreadable(path, error) from None
    except ValueError:
        raise FileError(f"cannot read {path}: its name is invalid") from None
    with file:
        try:
            yield file
        except OSError as error:
            raise _unreadable(path, error) from None


def read_bytes(path: Path, limit: int) -> bytes:
    """The content of a regular file of at most `limit` bytes. Raises FileError."""
    with open_regular(path, limit) as file:
        content = file.read(limit + 1)
    if len(content) > limit:  # it has grown since
        raise FileError(f"{path} is larger than {limit >> 20} MB")
    return content


def _unreadable(path: Path, error: OSError) -> FileError:
    return FileError(f"cannot read {path}: {error.strerror or error}")


def _kind(mode: int) -> str:
    """What is wrong with a file that is not regular."""
    return "is a directory" if stat.S_ISDIR(mode) else "is not a regular file"


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file by one with this content. Raises FileError, and then the old file stays."""
    Replacement(path, content).commit()


class Replacement:
    """The new content of a file, on disk beside the old file, which stays until `commit`.

    Even if the process is killed, the path leads to the whole old file or to the whole new one. If
    the file system allows it, the new file has no name before `commit`, so that a kill leaves no
    file behind. If the path is a symbolic link, the new file replaces the target of the link.
    Raises FileError, also in `commit`, and for a device, a FIFO or a folder, which a file cannot
    replace.
    """

    def __init__(self, path: Path, content: bytes) -> None:
        with _reporting(path):
            self.path = path = _target(path)
            self._handle, self._name = _open_beside(path)
            try:
                with os.fdopen(os.dup(self._handle), "wb") as file:
                    file.write(content)
                os.fsync(self._handle)
            except BaseException:
                self.discard()
                raise

    @contextlib.contextmanager
    def file(self) -> Iterator[BinaryIO]:
        """The new file, open to append to its content; each write raises FileError if it fails."""
        raw = _Appending(self.path, os.dup(self._handle))
        with io.BufferedWriter(raw, _BUFFER) as file:
            yield file

    def commit(self) -> None:
        """Replace the old file by the new one, and wait until the disk has the change."""
        with _reporting(self.path):
            try:
                os.fsync(self._handle)
                name = self._name or _link_beside(self.path, self._handle)
                self._name = name
                os.replace(name, self.path)
                self._name = None
                _sync_folder(self.path.parent)
            finally:
                self.discard()

    def discard(self) -> None:
        """Remove the new file."""
        os.close(self._handle)
        if self._name is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._name)


class _Appending(io.FileIO):
    """An open file by its handle, whose failures are FileErrors with its name."""

    def __init__(self, path: Path, handle: int) -> None:
        super().__init__(handle, "wb")
        self._path = path

    def write(self, content: Buffer, /) -> int:
        with _reporting(self._path):
            return super().write(content)


@contextlib.contextmanager
def _reporting(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FileError(f"cannot write {path}: {error.strerror or error}") from None


def _target(path: Path) -> Path:
    """The regular file to which a path leads; it need not exist. Raises FileError."""
    with contextlib.suppress(FileNotFoundError):
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise FileError(f"cannot write {path}: it {_kind(mode)}")
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}")


def _open_beside(path: Path) -> tuple[int, Path | None]:
    """A new file in the folder of another: the handle of the open file, and its name or None."""
    with contextlib.suppress(OSError, AttributeError):  # not every file system has O_TMPFILE
        return os.open(path.parent, os.O_TMPFILE | os.O_WRONLY, 0o666), None
    name = _beside(path)
    return os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666), name


def _link_beside(path: Path, handle: int) -> Path:
    """Give a name to an open file without one. The path is absolute, so `src_dir_fd` has no use
    except that Python follows the symbolic link only if it is given."""
    name = _beside(path)
    os.link(f"/proc/self/fd/{handle}", name, src_dir_fd=handle, follow_symlinks=True)
    return name


def _sync_folder(folder: Path) -> None:
    """Write the names in a folder to disk, if the file system can do that."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)
