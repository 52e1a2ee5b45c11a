"""System calls by ECALL: write, read, exit, brk, numbered as by the RISC-V proxy kernel and newlib.

The number of the call is in a7, its arguments are in a0 to a2. The result goes to a0; an error is
its negated number. Otherwise a call changes only the bytes that `read` stores, and the program
counter, which moves past the ECALL. After `exit`, and at any other trap, the machine stays halted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from looped.devices.host import ByteSource, Port
from looped.devices.resume import resume

__all__ = ["Syscalls"]

_ECALL = 11
_A0, _A1, _A2, _A7 = 10, 11, 12, 17
_READ, _WRITE, _EXIT, _BRK = 63, 64, 93, 214
_EBADF, _EFAULT, _ENOSYS = 9, 14, 38
_MASK, _PLACE = 0xFFFFFFFF, 0x7FFFFFFF


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
        number = port.register(_A7)
        if number == _EXIT:
            self.exit_code = arguments[0] & 0xFF
            return b""
        calls: dict[int, Callable[..., tuple[int, bytes]]] = {
            _READ: self._read,
            _WRITE: self._write,
            _BRK: self._break,
        }
        result, written = -_ENOSYS, b""
        if number in calls:
            result, written = calls[number](port, *arguments)
        port.set_register(_A0, result & _MASK)
        resume(port, port.cpu("pc") + 4)
        return written

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
        start &= _PLACE
        if start + count > 4 * port.size:
            return -_EFAULT, b""
        return count, _load(port, start, count)

    def _read(self, port: Port, descriptor: int, start: int, count: int) -> tuple[int, bytes]:
        if descriptor != 0:
            return -_EBADF, b""
        start &= _PLACE
        if start + count > 4 * port.size:
            return -_EFAULT, b""
        if isinstance(self.source, bytes):
            content = self.source[self.position : self.position + count]
            self.position += len(content)
        else:
            content = self.source.read(min(count, 1))
        if content:
            _store(port, start, content)
        return len(content), b""

    def _break(self, port: Port, end: int, *unused: int) -> tuple[int, bytes]:
        """Move the end of the heap, unless `end` is below its start or outside memory; returns the
        end of the heap."""
        if self.start <= end <= (self.start & ~_PLACE) + 4 * port.size:
            self.end = end
        return self.end, b""


def _load(port: Port, start: int, count: int) -> bytes:
    """`count` bytes of memory from a byte address."""
    first, last = start // 4, -(-(start + count) // 4)
    content = b"".join(port.memory(i).to_bytes(4, "little") for i in range(first, last))
    return content[start % 4 :][:count]


def _store(port: Port, start: int, content: bytes) -> None:
    """Store bytes in memory from a byte address on."""
    first, last = start // 4, -(-(start + len(content)) // 4)
    words = b"".join(port.memory(i).to_bytes(4, "little") for i in range(first, last))
    at = start % 4
    words = words[:at] + content + words[at + len(content) :]
    for k, index in enumerate(range(first, last)):
        port.set_memory(index, int.from_bytes(words[4 * k : 4 * k + 4], "little"))
