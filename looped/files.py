"""Files as users meet them: read with a clear error, written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from looped.errors import FileError

__all__ = ["Replacement", "open_regular", "read_bytes", "write_atomically"]


@contextlib.contextmanager
def open_regular(path: Path, limit: int) -> Iterator[BinaryIO]:
    """A regular file of at most `limit` bytes, open for reading.

    Raises FileError, also for what goes wrong while it is read. What is no regular file is not
    opened: a FIFO without a writer would be waited for.
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
        raise FileError(f"cannot read {path}: no file has such a name") from None
    with file:
        try:
            yield file
        except OSError as error:
            raise _unreadable(path, error) from None


def read_bytes(path: Path, limit: int) -> bytes:
    """The content of a regular file of at most `limit` bytes. Raises FileError."""
    with open_regular(path, limit) as file:
        content = file.read(limit + 1)
    if len(content) > limit:  # it has grown, or its size is not known in advance
        raise FileError(f"{path} is larger than {limit >> 20} MB")
    return content


def _unreadable(path: Path, error: OSError) -> FileError:
    return FileError(f"cannot read {path}: {error.strerror or error}")


def _kind(mode: int) -> str:
    """What is wrong with a file that is not a regular one."""
    return "is a directory" if stat.S_ISDIR(mode) else "is not a regular file"


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file by one with this content; on failure the old file stays. Raises FileError."""
    Replacement(path, content).commit()


class Replacement:
    """The new content of a file, on disk beside the old one, which is there until `commit`.

    Whatever kills the process, the file is the old one or the new one, and both are whole. Before
    `commit` the new one has no name, where the system has such files, so that nothing is left of
    it. A symbolic link stays, and the file that it names is replaced. Raises FileError, also in
    `commit`, and for a device, a FIFO or a folder, whose place no file can take.
    """

    def __init__(self, path: Path, content: bytes) -> None:
        with _told(path):
            self.path = path = _target(path)
            self._handle, self._name = _open_beside(path)
            try:
                with os.fdopen(os.dup(self._handle), "wb") as file:
                    file.write(content)
                os.fsync(self._handle)
            except BaseException:
                self.discard()
                raise

    def commit(self) -> None:
        """Put the new file in the place of the old one, lastingly."""
        with _told(self.path):
            try:
                name = self._name or _link_beside(self.path, self._handle)
                self._name = name
                os.replace(name, self.path)
                self._name = None
                _sync_folder(self.path.parent)
            finally:
                self.discard()

    def discard(self) -> None:
        """Forget the new file."""
        os.close(self._handle)
        if self._name is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._name)


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FileError(f"cannot write {path}: {error.strerror or error}") from None


def _target(path: Path) -> Path:
    """The regular file that a path names, which need not be there yet."""
    with contextlib.suppress(FileNotFoundError):
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise FileError(f"cannot write {path}: it {_kind(mode)}")
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}")


def _open_beside(path: Path) -> tuple[int, Path | None]:
    """A new file in the folder of another: open, and its name if it has one."""
    with contextlib.suppress(OSError, AttributeError):  # not every file system has such files
        return os.open(path.parent, os.O_TMPFILE | os.O_WRONLY, 0o666), None
    name = _beside(path)
    return os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666), name


def _link_beside(path: Path, handle: int) -> Path:
    """Name an open file that has no name yet. With a folder's handle, which the absolute path does
    not need, Python follows the symbolic link."""
    name = _beside(path)
    os.link(f"/proc/self/fd/{handle}", name, src_dir_fd=handle, follow_symlinks=True)
    return name


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder last; some file systems have no such thing."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)
