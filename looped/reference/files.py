"""The streams and files of a program on the reference, with the error numbers of Linux.

A program names files by paths from one folder on, and gets 13 (EACCES) for a path that leaves it:
an absolute one, one with `..`, or one through a symbolic link.
"""

from __future__ import annotations

import io
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from looped.reference.storage import Failed

__all__ = ["Files", "Opened"]

_NOTHING, _BAD, _ACCESS, _EXISTS = 2, 9, 13, 17
_NO_FOLDER, _FOLDER, _INVALID, _TOO_MANY, _TOO_BIG, _NO_POSITION = 20, 21, 22, 24, 27, 29
_LAST = 2**31 - 1


@dataclass
class Opened:
    """Something open: how, and the file itself; a stream has none.

    `how` has the letters r, w, c (create), x (must be new), t (truncate), a (append).
    """

    how: str
    file: BinaryIO | None = None
    position: int = 0

    def size(self) -> int:
        """The length of the file."""
        assert self.file is not None
        return self.file.seek(0, io.SEEK_END)


class Files:
    """What a program has open, its unread input, and its folder `root`, if there is one."""

    def __init__(self, data: bytes, root: Path | None) -> None:
        self.unread = data
        self.root = root
        self.open = {0: Opened("r"), 1: Opened("w"), 2: Opened("w")}

    def number(self) -> int:
        """The descriptor for what is opened next."""
        number = 3
        while number in self.open:
            number += 1
        if number > 64:
            raise Failed(_TOO_MANY)
        return number

    def open_file(self, name: bytes, how: str) -> int:
        """Open a file; returns its descriptor."""
        number = self.number()
        with _system_errors():
            path = self._path(name)
            exists = self._is_file(path)
            if not exists and "c" not in how:
                raise Failed(_NOTHING)
            if exists and "c" in how and "x" in how:
                raise Failed(_EXISTS)
            if not exists:
                path.touch(0o644)
            if "t" in how:
                path.write_bytes(b"")
            file = path.open("r+b" if "w" in how else "rb", buffering=0)
        self.open[number] = Opened(how, file)
        return number

    def close(self, number: int) -> None:
        """Close a descriptor."""
        opened = self.get(number)
        if opened.file is not None:
            opened.file.close()
        del self.open[number]

    def get(self, number: int, how: str = "") -> Opened:
        """What is open under a number, for reading or writing."""
        if number not in self.open or how not in self.open[number].how:
            raise Failed(_BAD)
        return self.open[number]

    def positioned(self, number: int) -> Opened:
        """The file that is open under a number."""
        opened = self.get(number)
        if opened.file is None:
            raise Failed(_NO_POSITION)
        return opened

    def read(self, number: int, count: int) -> bytes:
        """At most so many bytes."""
        opened = self.get(number, "r")
        if opened.file is None:
            taken, self.unread = self.unread[:count], self.unread[count:]
            return taken
        opened.file.seek(opened.position)
        taken = opened.file.read(count)
        opened.position += len(taken)
        return taken

    def write(self, number: int, content: bytes) -> bytes:
        """Write to a file, or return what a stream gets."""
        opened = self.get(number, "w")
        if opened.file is None:
            return content
        if "a" in opened.how:
            opened.position = opened.size()
        if opened.position + len(content) > _LAST:
            raise Failed(_TOO_BIG)
        with _system_errors():
            opened.file.seek(opened.position)
            rest = memoryview(content)
            while rest:
                rest = rest[opened.file.write(rest) :]
        opened.position += len(content)
        return b""

    def seek(self, number: int, position: int) -> None:
        """Move to a position."""
        opened = self.positioned(number)
        if position < 0 or position > _LAST:
            raise Failed(_INVALID)
        opened.position = position

    def remove(self, name: bytes) -> None:
        """Remove a file."""
        with _system_errors():
            path = self._path(name)
            if not self._is_file(path):
                raise Failed(_NOTHING)
            path.unlink()

    def rename(self, old: bytes, new: bytes) -> None:
        """Give a file another name."""
        with _system_errors():
            source, target = self._path(old), self._path(new)
            if not self._is_file(source):
                raise Failed(_NOTHING)
            self._is_file(target)
            source.rename(target)

    def _path(self, name: bytes) -> Path:
        """The path that a name means, checked down to its directory."""
        text = name.decode("utf-8", "surrogateescape")
        pieces = text.split("/")
        if self.root is None or text.startswith("/") or ".." in pieces:
            raise Failed(_ACCESS)
        if text == "" or "\0" in text:
            raise Failed(_NOTHING)
        if len(name) > 1024:
            raise Failed(_INVALID)
        path = self.root
        names = [piece for piece in pieces if piece not in ("", ".")]
        if not names:
            raise Failed(_FOLDER)
        for piece in names[:-1]:
            path = path / piece
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                raise Failed(_ACCESS)
            if not stat.S_ISDIR(mode):
                raise Failed(_NO_FOLDER)
        return path / names[-1]

    def _is_file(self, path: Path) -> bool:
        """Whether there is a file; anything else that has the name is refused."""
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            return False
        if stat.S_ISDIR(mode):
            raise Failed(_FOLDER)
        if not stat.S_ISREG(mode):
            raise Failed(_ACCESS)
        return True


@contextmanager
def _system_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        number = error.errno or 5
        raise Failed(number if number < 35 else 5) from None
