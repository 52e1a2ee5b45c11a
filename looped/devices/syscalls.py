"""System calls by ECALL, numbered as by Linux, the RISC-V proxy kernel and newlib.

The number of the call is in a7, its arguments are in a0 to a2. The result goes to a0; an error is
its negated number. Otherwise a call changes only the bytes that it stores, and the program counter,
which moves past the ECALL. After an exit, and at any other trap, the machine stays halted.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
from collections.abc import Callable

from looped.devices.descriptors import OpenFile
from looped.devices.host import Port
from looped.devices.memory import load, places, store, string
from looped.devices.opening import Opening
from looped.devices.process import Process, microseconds
from looped.devices.refusal import Refusal
from looped.devices.resume import resume

__all__ = ["Syscalls"]

_ECALL = 11
_A0, _A1, _A2, _A7 = 10, 11, 12, 17
_MASK = 0xFFFFFFFF
_HERE = (-100 & _MASK, -2 & _MASK)
"""The folder itself as a directory of `openat`, by Linux and by newlib."""

_CLOCKS = 12
_LONGEST_NAME = 4096
_BLOCK = 1024


class Syscalls:
    """The system calls of one process."""

    def __init__(self, process: Process) -> None:
        self.process = process

    def serve(self, port: Port) -> bytes:
        """Serve an ECALL; returns the bytes that it writes to stdout or stderr."""
        if port.cpu("cause") != _ECALL:
            return b""
        arguments = [port.register(number) for number in (_A0, _A1, _A2)]
        result, written = self.call(port, port.register(_A7), *arguments)
        if self.process.exit_code is None:
            port.set_register(_A0, result & _MASK)
            resume(port, port.cpu("pc") + 4)
        return written

    def call(self, port: Port, number: int, *arguments: int) -> tuple[int, bytes]:
        """Make the call with this number; returns its result and the bytes that it writes."""
        call = _CALLS.get(number)
        try:
            if call is None:
                raise Refusal(errno.ENOSYS)
            done = call(self.process, port, *(argument & _MASK for argument in arguments))
        except Refusal as refusal:
            return -refusal.number, b""
        return done if isinstance(done, tuple) else (done, b"")


def _exit(process: Process, port: Port, status: int, *unused: int) -> int:
    process.exit(status)
    return 0


def _write(
    process: Process, port: Port, descriptor: int, start: int, count: int
) -> tuple[int, bytes]:
    process.descriptors.check(descriptor, reads=False)
    content = load(port, start, count)
    if content is None:
        raise Refusal(errno.EFAULT)
    return count, process.descriptors.write(descriptor, content)


def _read(process: Process, port: Port, descriptor: int, start: int, count: int) -> int:
    process.descriptors.check(descriptor, reads=True)
    _check(port, start, count)
    content = process.descriptors.read(descriptor, count)
    if content:
        store(port, start, content)
    return len(content)


def _open(process: Process, port: Port, name: int, flags: int, *unused: int) -> int:
    return process.descriptors.open(_name(port, name), Opening.of_newlib(flags))


def _openat(process: Process, port: Port, directory: int, name: int, flags: int) -> int:
    if directory not in _HERE:
        raise Refusal(errno.EBADF)
    return process.descriptors.open(_name(port, name), Opening.of_linux(flags))


def _close(process: Process, port: Port, descriptor: int, *unused: int) -> int:
    process.descriptors.close(descriptor)
    return 0


def _lseek(process: Process, port: Port, descriptor: int, offset: int, whence: int) -> int:
    file = process.descriptors.file(descriptor)
    starts = {os.SEEK_SET: 0, os.SEEK_CUR: file.position, os.SEEK_END: file.size()}
    if whence not in starts:
        raise Refusal(errno.EINVAL)
    process.descriptors.seek(descriptor, starts[whence] + offset - (offset >> 31 << 32))
    return file.position


def _fstat(process: Process, port: Port, descriptor: int, start: int, *unused: int) -> int:
    """Store the structure `stat64` of Linux for 32-bit RISC-V; times are zero."""
    entry = process.descriptors.entry(descriptor)
    mode, size = stat.S_IFCHR | 0o620, 0
    if isinstance(entry, OpenFile):
        mode, size = stat.S_IFREG | 0o644, entry.size()
    found = struct.pack(
        "<QQIIIIQQQIIQ32x", 0, descriptor + 1, mode, 1, 0, 0, 0, 0, size, _BLOCK, 0, -(-size // 512)
    )
    return _stored(port, start, found)


def _break(process: Process, port: Port, end: int, *unused: int) -> int:
    """Move the end of the heap, unless `end` is below its start or outside memory; returns the end
    of the heap."""
    region = port.regions.region(process.start)
    if process.start <= end <= port.regions.end(region, port.size):
        process.end = end
    return process.end


def _gettimeofday(process: Process, port: Port, start: int, *unused: int) -> int:
    seconds, rest = divmod(microseconds(port), 1_000_000)
    return _stored(port, start, struct.pack("<II", seconds & _MASK, rest))


def _clock_gettime(process: Process, port: Port, clock: int, start: int, *unused: int) -> int:
    if clock >= _CLOCKS:
        raise Refusal(errno.EINVAL)
    seconds, rest = divmod(microseconds(port), 1_000_000)
    return _stored(port, start, struct.pack("<II", seconds & _MASK, rest * 1000))


def _clock_gettime64(process: Process, port: Port, clock: int, start: int, *unused: int) -> int:
    if clock >= _CLOCKS:
        raise Refusal(errno.EINVAL)
    seconds, rest = divmod(microseconds(port), 1_000_000)
    return _stored(port, start, struct.pack("<QQ", seconds, rest * 1000))


def _check(port: Port, start: int, count: int) -> None:
    """Refuse bytes that are not in memory."""
    if places(port, start, count) is None:
        raise Refusal(errno.EFAULT)


def _stored(port: Port, start: int, content: bytes) -> int:
    """Store a structure; the result of such a call is 0."""
    if not store(port, start, content):
        raise Refusal(errno.EFAULT)
    return 0


def _name(port: Port, start: int) -> bytes:
    """The name at an address, up to its zero byte."""
    name = string(port, start, _LONGEST_NAME)
    if name is None:
        raise Refusal(errno.EFAULT)
    return name


_CALLS: dict[int, Callable[..., int | tuple[int, bytes]]] = {
    56: _openat,
    57: _close,
    62: _lseek,
    63: _read,
    64: _write,
    80: _fstat,
    93: _exit,
    94: _exit,
    113: _clock_gettime,
    169: _gettimeofday,
    214: _break,
    403: _clock_gettime64,
    1024: _open,
}
