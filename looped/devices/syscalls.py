"""System calls by ECALL: write, read, exit, brk, numbered as by the RISC-V proxy kernel and newlib.

The number of the call is in a7, its arguments are in a0 to a2. The result goes to a0; an error is
its negated number. Otherwise a call changes only the bytes that `read` stores, and the program
counter, which moves past the ECALL. After `exit`, and at any other trap, the machine stays halted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from looped.devices.host import ByteSource, Port
from looped.devices.memory import load, places, store
from looped.devices.resume import resume

__all__ = ["Syscalls"]

_ECALL = 11
_A0, _A1, _A2, _A7 = 10, 11, 12, 17
_READ, _WRITE, _EXIT, _BRK = 63, 64, 93, 214
_EBADF, _EFAULT, _ENOSYS = 9, 14, 38
_MASK = 0xFFFFFFFF


class Syscalls:
    """A host with an input, and a heap that begins at byte address `heap`.

    `read` takes one byte at a time from a stream, so that a program gets a byte as soon as it
    comes. `exit_code` is the exit status of the program, None before it has one.
    """

    poll_address: int | None = None

    def __init__(self, source: bytes | ByteSource, heap: int) -> None:
        self.source = source
        self.position = 0
        self.start = self.end = heap
        self.exit_code: int | None = None

    def serve(self, port: Port) -> bytes:
        """Serve an ECALL; returns the bytes that it writes to stdout or stderr."""
        if port.cpu("cause") != _ECALL:
            return b""
        arguments = [port.register(number) for number in (_A0, _A1, _A2)]
        result, written = self.call(port, port.register(_A7), *arguments)
        if self.exit_code is None:
            port.set_register(_A0, result & _MASK)
            resume(port, port.cpu("pc") + 4)
        return written

    def call(self, port: Port, number: int, *arguments: int) -> tuple[int, bytes]:
        """Make the call with this number; returns its result and the bytes that it writes."""
        if number == _EXIT:
            self.exit_code = arguments[0] & 0xFF
            return 0, b""
        calls: dict[int, Callable[..., tuple[int, bytes]]] = {
            _READ: self._read,
            _WRITE: self._write,
            _BRK: self._break,
        }
        return calls[number](port, *arguments) if number in calls else (-_ENOSYS, b"")

    def snapshot(self) -> dict[str, Any]:
        """Its state, as values that JSON can hold; the position is that in an input of bytes."""
        return {"position": self.position, "end": self.end, "exit_code": self.exit_code}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Continue from a snapshot; a stream must be at its position already.

        Raises KeyError, TypeError or ValueError for an invalid snapshot.
        """
        self.position, self.end = int(snapshot["position"]), int(snapshot["end"])
        code = snapshot["exit_code"]
        self.exit_code = None if code is None else int(code) & 0xFF

    def _write(self, port: Port, descriptor: int, start: int, count: int) -> tuple[int, bytes]:
        if descriptor not in (1, 2):
            return -_EBADF, b""
        content = load(port, start, count)
        return (-_EFAULT, b"") if content is None else (count, content)

    def _read(self, port: Port, descriptor: int, start: int, count: int) -> tuple[int, bytes]:
        if descriptor != 0:
            return -_EBADF, b""
        if places(port, start, count) is None:
            return -_EFAULT, b""
        if isinstance(self.source, bytes):
            content = self.source[self.position : self.position + count]
            self.position += len(content)
        else:
            content = self.source.read(min(count, 1))
        if content:
            store(port, start, content)
        return len(content), b""

    def _break(self, port: Port, end: int, *unused: int) -> tuple[int, bytes]:
        """Move the end of the heap, unless `end` is below its start or outside memory; returns the
        end of the heap."""
        region = port.regions.region(self.start)
        if self.start <= end <= port.regions.end(region, port.size):
            self.end = end
        return self.end, b""
