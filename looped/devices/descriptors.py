"""Descriptors: the numbers by which a program knows its streams and open files."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from looped.devices.folder import Folder
from looped.devices.host import ByteSource
from looped.devices.opening import Opening
from looped.devices.refusal import Refusal

__all__ = ["Descriptors", "OpenFile", "Stream"]

_MOST = 64
"""Open descriptors at a time; newlib's FOPEN_MAX is 20."""

_FARTHEST = (1 << 31) - 1
"""The last position in a file that a signed word can say."""


@dataclass(slots=True)
class Stream:
    """stdin if it `reads`, else the output of the program."""

    reads: bool


@dataclass(slots=True)
class OpenFile:
    """A file of the folder, or bytes that only semihosting has (`content`), at a `position`."""

    name: bytes
    opening: Opening
    handle: int
    position: int = 0
    content: bytes = b""

    def size(self) -> int:
        """The length of the file."""
        return len(self.content) if self.handle < 0 else os.fstat(self.handle).st_size

    def close(self) -> None:
        """Give the handle back."""
        if self.handle >= 0:
            os.close(self.handle)
        self.handle = -1

    def __del__(self) -> None:
        self.close()


class Descriptors:
    """Descriptors of one program: 0 is stdin, 1 and 2 are its output, files come from 3 on.

    The input is `source`. From a stream, `read` takes one byte at a time, so that a program gets a
    byte as soon as it comes. All methods raise Refusal with the error number of the failure.
    """

    def __init__(self, source: bytes | ByteSource, folder: Folder) -> None:
        self.source = source
        self.folder = folder
        self.position = 0
        self.table: dict[int, Stream | OpenFile] = {
            0: Stream(True),
            1: Stream(False),
            2: Stream(False),
        }

    def open(self, name: bytes, opening: Opening) -> int:
        """Open a file of the folder; returns its descriptor."""
        self._free()
        return self.add(OpenFile(name, opening, self.folder.open(name, opening)))

    def add(self, entry: Stream | OpenFile) -> int:
        """Give something open the lowest free descriptor from 3 on."""
        number = self._free()
        self.table[number] = entry
        return number

    def close(self, number: int) -> None:
        """Close a descriptor."""
        entry = self.entry(number)
        if isinstance(entry, OpenFile):
            entry.close()
        del self.table[number]

    def entry(self, number: int) -> Stream | OpenFile:
        """What a descriptor stands for."""
        if number not in self.table:
            raise Refusal(errno.EBADF)
        return self.table[number]

    def file(self, number: int) -> OpenFile:
        """The file that a descriptor stands for; a stream has no position."""
        entry = self.entry(number)
        if isinstance(entry, Stream):
            raise Refusal(errno.ESPIPE)
        return entry

    def check(self, number: int, *, reads: bool) -> None:
        """Refuse a descriptor that is not open for this."""
        entry = self.entry(number)
        if isinstance(entry, Stream):
            able = entry.reads == reads
        else:
            able = entry.opening.reads if reads else entry.opening.writes
        if not able:
            raise Refusal(errno.EBADF)

    def read(self, number: int, count: int) -> bytes:
        """The next bytes, at most `count`; none at the end."""
        self.check(number, reads=True)
        entry = self.entry(number)
        if isinstance(entry, Stream):
            return self.read_input(count)
        if entry.handle < 0:
            content = entry.content[entry.position : entry.position + count]
        else:
            content = _told(os.pread, entry.handle, count, entry.position)
        entry.position += len(content)
        return content

    def read_input(self, count: int) -> bytes:
        """The next bytes of stdin, whether its descriptor is open or not."""
        if not isinstance(self.source, bytes):
            return self.source.read(min(count, 1))
        content = self.source[self.position : self.position + count]
        self.position += len(content)
        return content

    def write(self, number: int, content: bytes) -> bytes:
        """Write to a file, all of it; returns what the program's output gets."""
        self.check(number, reads=False)
        entry = self.entry(number)
        if isinstance(entry, Stream):
            return content
        if entry.opening.appends:
            entry.position = entry.size()
        if entry.position + len(content) > _FARTHEST:
            raise Refusal(errno.EFBIG)
        while content:
            done = _told(os.pwrite, entry.handle, content, entry.position)
            entry.position += done
            content = content[done:]
        return b""

    def seek(self, number: int, position: int) -> None:
        """Move in a file."""
        file = self.file(number)
        if not 0 <= position <= _FARTHEST:
            raise Refusal(errno.EINVAL)
        file.position = position

    def snapshot(self) -> dict[str, Any]:
        """Streams and files, as values that JSON can hold."""
        return {str(number): _saved(entry) for number, entry in self.table.items()}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Open what a snapshot had open; files that have grown since get their old length.

        Raises KeyError, TypeError or ValueError for an invalid snapshot, ValueError if a file is
        gone.
        """
        for entry in self.table.values():
            if isinstance(entry, OpenFile):
                entry.close()
        self.table = {}
        for number, saved in snapshot.items():
            self.table[int(number)] = self._opened(saved)

    def _opened(self, saved: Mapping[str, Any]) -> Stream | OpenFile:
        if "reads" in saved:
            return Stream(bool(saved["reads"]))
        name, content = bytes.fromhex(saved["name"]), bytes.fromhex(saved["content"])
        opening = Opening(**{key: bool(value) for key, value in saved["opening"].items()}).again
        handle, position = -1, int(saved["position"])
        if not 0 <= position <= _FARTHEST:
            raise ValueError(f"a file cannot have the position {position}")
        if not saved["inner"]:
            try:
                handle = self.folder.open(name, opening)
                if opening.writes and os.fstat(handle).st_size > saved["size"]:
                    os.ftruncate(handle, int(saved["size"]))
            except (Refusal, OSError):
                raise ValueError(f"the file {name!r} of the program cannot be opened") from None
        return OpenFile(name, opening, handle, position, content)

    def _free(self) -> int:
        number = next(n for n in range(3, _MOST + 4) if n not in self.table)
        if number > _MOST:
            raise Refusal(errno.EMFILE)
        return number


def _saved(entry: Stream | OpenFile) -> dict[str, Any]:
    if isinstance(entry, Stream):
        return {"reads": entry.reads}
    return {
        "name": entry.name.hex(),
        "opening": asdict(entry.opening.again),
        "inner": entry.handle < 0,
        "position": entry.position,
        "size": entry.size(),
        "content": entry.content.hex(),
    }


def _told(call: Any, *arguments: Any) -> Any:
    """Call the operating system; its errors are refusals."""
    try:
        return call(*arguments)
    except OSError as error:
        raise Refusal.of(error) from None
