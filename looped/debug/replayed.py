"""Replayed: an input that can be read again from any place."""

from __future__ import annotations

from looped.devices.host import ByteSource

__all__ = ["Replayed"]


class Replayed:
    """A program's input with a memory of all that was read: set `position` to read it again.

    From the source it reads only what nobody has read yet. The end of the source is final.
    """

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._content = bytearray()
        self._ended = False
        self.position = 0

    def read(self, count: int, /) -> bytes:
        """The next bytes, at most `count`, none at the end; blocks until there is one."""
        if self.position == len(self._content) and not self._ended:
            new = self._source.read(count)
            self._ended = bool(count) and not new
            self._content += new
        taken = bytes(self._content[self.position : self.position + count])
        self.position += len(taken)
        return taken
