"""Folder: the files that a program may open, and nothing else of the computer.

A name is a path from the folder on. The walk along it goes from directory to directory by their
handles and follows no symbolic link, so it cannot leave the folder, whatever others do to the
folder meanwhile.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from looped.devices.opening import Opening
from looped.devices.refusal import Refusal

__all__ = ["Folder"]

_LONGEST = 1024
"""Bytes of a name: as many as newlib's PATH_MAX."""

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_MODE = 0o644


class Folder:
    """The folder `root`; without one, every name is refused. All methods raise Refusal."""

    def __init__(self, root: Path | None) -> None:
        self.root = root

    def open(self, name: bytes, opening: Opening) -> int:
        """Open a file; returns its handle."""
        with _refusing(), self._parent(name) as (directory, last):
            self._check(directory, last, opening.creates)
            early = opening.flags & ~os.O_TRUNC
            handle = os.open(last, early | _FILE, _MODE, dir_fd=directory)
            try:
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    raise Refusal(errno.EACCES)
                if opening.truncates:
                    os.ftruncate(handle, 0)
            except BaseException:
                os.close(handle)
                raise
            return handle

    def remove(self, name: bytes) -> None:
        """Remove a file."""
        with _refusing(), self._parent(name) as (directory, last):
            self._check(directory, last, False)
            os.unlink(last, dir_fd=directory)

    def rename(self, old: bytes, new: bytes) -> None:
        """Rename a file, which replaces another one."""
        with _refusing(), self._parent(old) as (source, last), self._parent(new) as (target, name):
            self._check(source, last, False)
            self._check(target, name, True)
            os.rename(last, name, src_dir_fd=source, dst_dir_fd=target)

    @contextmanager
    def _parent(self, name: bytes) -> Iterator[tuple[int, bytes]]:
        """The handle of the directory that a name is in, and the last part of the name."""
        parts = [part for part in name.split(b"/") if part not in (b"", b".")]
        if self.root is None or name.startswith(b"/") or b".." in parts:
            raise Refusal(errno.EACCES)
        if not name or b"\0" in name:
            raise Refusal(errno.ENOENT)
        if len(name) > _LONGEST:
            raise Refusal(errno.EINVAL)
        if not parts:
            raise Refusal(errno.EISDIR)
        handle = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in parts[:-1]:
                handle = _step(handle, part)
            yield handle, parts[-1]
        finally:
            os.close(handle)

    @staticmethod
    def _check(directory: int, last: bytes, may_be_new: bool) -> None:
        """Refuse what exists and is no file."""
        try:
            mode = os.stat(last, dir_fd=directory, follow_symlinks=False).st_mode
        except FileNotFoundError:
            if may_be_new:
                return
            raise
        if stat.S_ISDIR(mode):
            raise Refusal(errno.EISDIR)
        if not stat.S_ISREG(mode):
            raise Refusal(errno.EACCES)


def _step(handle: int, part: bytes) -> int:
    """The handle of a directory in a directory, whose own handle it closes on success."""
    mode = os.stat(part, dir_fd=handle, follow_symlinks=False).st_mode
    if stat.S_ISLNK(mode):
        raise Refusal(errno.EACCES)
    following = os.open(part, _DIRECTORY, dir_fd=handle)
    os.close(handle)
    return following


@contextmanager
def _refusing() -> Iterator[None]:
    """Errors of the operating system as refusals."""
    try:
        yield
    except OSError as error:
        raise Refusal.of(error) from None
