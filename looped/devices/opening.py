"""Opening: how a program opens a file, as newlib, Linux and semihosting say it."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass

from looped.devices.refusal import Refusal

__all__ = ["Opening"]

_WRITES, _BOTH = 1, 2


@dataclass(frozen=True, slots=True)
class Opening:
    """What a program may do with a file that it opens, and what happens to the file first."""

    reads: bool
    writes: bool
    creates: bool = False
    exclusive: bool = False
    truncates: bool = False
    appends: bool = False

    @classmethod
    def of_newlib(cls, flags: int) -> Opening:
        """From the flags of `open`, as newlib numbers them."""
        return cls._of(flags, creates=0x200, exclusive=0x800, truncates=0x400, appends=0x8)

    @classmethod
    def of_linux(cls, flags: int) -> Opening:
        """From the flags of `openat`, as Linux numbers them."""
        return cls._of(flags, creates=0x40, exclusive=0x80, truncates=0x200, appends=0x400)

    @classmethod
    def of_semihosting(cls, mode: int) -> Opening:
        """From a number for the modes r, rb, r+, r+b, w, …, a+b of `fopen`."""
        if mode > 11:
            raise Refusal(errno.EINVAL)
        kind, both = mode // 4, mode % 4 >= 2
        reads, writes = both or kind == 0, both or kind > 0
        return cls(reads, writes, creates=kind > 0, truncates=kind == 1, appends=kind == 2)

    @classmethod
    def _of(
        cls, flags: int, *, creates: int, exclusive: int, truncates: int, appends: int
    ) -> Opening:
        access = flags & 3
        if access > _BOTH:
            raise Refusal(errno.EINVAL)
        return cls(
            reads=access != _WRITES,
            writes=access != 0,
            creates=bool(flags & creates),
            exclusive=bool(flags & exclusive),
            truncates=bool(flags & truncates) and access != 0,
            appends=bool(flags & appends),
        )

    @property
    def again(self) -> Opening:
        """How to open the same file a second time, as it is."""
        return Opening(self.reads, self.writes, appends=self.appends)

    @property
    def flags(self) -> int:
        """The flags for the operating system; the position of `appends` is the caller's work."""
        access = os.O_RDWR if self.reads and self.writes else os.O_RDONLY
        if self.writes and not self.reads:
            access = os.O_WRONLY
        access |= os.O_CREAT if self.creates else 0
        access |= os.O_EXCL if self.creates and self.exclusive else 0
        return access | (os.O_TRUNC if self.truncates else 0)
