"""A program's input and output, and how much of them the program has read and the stream has."""

from __future__ import annotations

import fcntl
import hashlib
import os
import select
import stat
from collections.abc import Callable
from io import BufferedIOBase, UnsupportedOperation
from typing import BinaryIO

from looped.errors import FileError

__all__ = ["Input", "Output", "write_whole"]

_CHUNK = 1 << 16
"""Bytes that one read asks for: what a pipe of Linux holds."""


class Output:
    """A program's output on its way to a stream, or all of it if there is no stream.

    `delivered` counts the bytes that the stream has; `pending` are those that it does not have yet.
    The stream gets at most `limit` bytes. Each delivery calls `before_delivery` first.
    """

    def __init__(
        self,
        stream: BinaryIO | None = None,
        limit: int | None = None,
        before_delivery: Callable[[], None] = lambda: None,
    ) -> None:
        self.stream = stream
        self.before_delivery = before_delivery
        self.limit = limit
        self.held = False
        self.delivered = 0
        self.pending = bytearray()

    @property
    def exceeded(self) -> bool:
        """Whether the program has written more than `limit` bytes."""
        return self.limit is not None and self.delivered + len(self.pending) > self.limit

    @property
    def kept(self) -> bytes:
        """The pending bytes within the limit."""
        allowed = len(self.pending) if self.limit is None else max(0, self.limit - self.delivered)
        return bytes(self.pending[:allowed])

    def put(self, content: bytes) -> None:
        """Add bytes to those that are pending."""
        self.pending += content

    def flush(self) -> None:
        """Deliver what is pending, unless only checkpoints deliver (`held`)."""
        if not self.held:
            self.deliver()

    def deliver(self) -> None:
        """Write what is pending to the stream."""
        content = self.kept
        if self.stream is None or not content:
            return
        self.before_delivery()
        write_whole(self.stream, content)
        self.delivered += len(content)
        del self.pending[: len(content)]

    def sync(self) -> None:
        """If the stream is a regular file, wait until the delivered bytes are on disk."""
        if self.stream is not None and self.place() is not None:
            os.fsync(self.stream.fileno())

    def on_terminal(self) -> bool:
        """Whether the stream is a terminal, where a person sees the output at once."""
        return self.stream is not None and self.stream.isatty()

    def place(self) -> tuple[int, int, int] | None:
        """Device, inode and position of the stream if it is a regular file, else None."""
        if self.stream is None:
            return None
        try:
            handle = self.stream.fileno()
        except (OSError, ValueError, UnsupportedOperation):
            return None
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            return None
        appending = fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_APPEND
        position = status.st_size if appending else os.lseek(handle, 0, os.SEEK_CUR)
        return status.st_dev, status.st_ino, position

    def resume(self, delivered: int, pending: bytes, place: tuple[int, int, int] | None) -> None:
        """Continue after another process, which may have stopped while it delivered `pending`.

        If this output continues the same file, its position says how many of these bytes arrived.
        """
        here, seen = self.place(), 0
        if here is not None and place is not None and here[:2] == place[:2]:
            seen = min(max(0, here[2] - place[2]), len(pending))
        self.delivered = delivered + seen
        self.pending[:] = pending[seen:]


def write_whole(stream: BinaryIO, content: bytes) -> None:
    """Write the whole content.

    A stream without a buffer, such as stdout under PYTHONUNBUFFERED, may take a part of it; only
    the next write reports a full disk or a missing reader.
    """
    rest = memoryview(content)
    while rest:
        rest = rest[stream.write(rest) :]
    stream.flush()


class Input:
    """A program's input from a stream. `position` counts the bytes that the program has read.

    If the next byte is not available yet, `read` calls `idle` with the stream, which waits for it.
    """

    def __init__(self, stream: BufferedIOBase) -> None:
        self.stream = stream
        self.idle: Callable[[BufferedIOBase], None] = lambda stream: None
        self.position = 0
        self._digest = hashlib.sha256()
        self._buffer = b""

    @property
    def sha256(self) -> str:
        """The checksum of all bytes that the program has read."""
        return self._digest.hexdigest()

    def read(self, count: int) -> bytes:
        """The next bytes, at most `count`; blocks until there is one or the input ends.

        Raises FileError if the stream cannot be read.
        """
        if count and not self._buffer:
            if not self._at_hand():
                self.idle(self.stream)
            try:
                self._buffer = self.stream.read1(_CHUNK)
            except OSError as error:
                raise FileError(f"cannot read stdin: {error.strerror or error}") from None
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        self.position += len(taken)
        self._digest.update(taken)
        return taken

    def skip(self, count: int, sha256: str) -> None:
        """Skip what another process has read. Raises FileError for another input."""
        while self.position < count and self.read(min(_CHUNK, count - self.position)):
            pass
        if self.position < count:
            raise FileError(
                f"the input ends after {self.position} bytes, and the run has read {count}",
                hint="give a resumed run the same input from its beginning",
            )
        if self.sha256 != sha256:
            raise FileError(
                f"the first {count} bytes of the input are not those that the run has read",
                hint="give a resumed run the same input from its beginning",
            )

    def _at_hand(self) -> bool:
        try:
            return bool(select.select([self.stream], [], [], 0)[0])
        except (OSError, ValueError):  # not a file of the operating system: reading never waits
            return True
