"""Semihosting: calls by EBREAK between two shifts that do nothing, as picolibc makes them.

The number of the call is in a0; a1 is its parameter, mostly the address of a block of words. The
result goes to a0, and -1 there is an error, whose number SYS_ERRNO tells. RISC-V Semihosting 0.4,
and "Semihosting for AArch32 and AArch64", to which it refers.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Callable

from looped.devices.descriptors import OpenFile, Stream
from looped.devices.host import Port
from looped.devices.memory import load, places, store, string
from looped.devices.opening import Opening
from looped.devices.process import TICKS, Process, microseconds
from looped.devices.refusal import Refusal
from looped.devices.resume import resume

__all__ = ["Semihosting", "is_semihosting"]

_BREAKPOINT = 3
_BEFORE, _EBREAK, _AFTER = 0x01F01013, 0x00100073, 0x40705013
"""slli x0, x0, 31; ebreak; srai x0, x0, 7"""

_A0, _A1 = 10, 11
_MASK = 0xFFFFFFFF
_ERROR = -1
_CONSOLE, _FEATURES = b":tt", b":semihosting-features"
_OFFERED = b"SHFB\x03"
"""The file of features: SYS_EXIT_EXTENDED exists, and `:tt` opened to append is stderr."""

_ENDED = 0x20026
"""ADP_Stopped_ApplicationExit, the reason of a program that ends by itself."""


def is_semihosting(port: Port) -> bool:
    """Whether a machine has trapped at the EBREAK of a semihosting call."""
    if port.cpu("cause") != _BREAKPOINT:
        return False
    pc, size = port.cpu("pc"), port.size
    for address, word in ((pc - 4, _BEFORE), (pc, _EBREAK), (pc + 4, _AFTER)):
        index = port.regions.index(address & _MASK)
        if index >= size or port.memory(index) != word:
            return False
    return True


class Semihosting:
    """The semihosting calls of one process."""

    def __init__(self, process: Process) -> None:
        self.process = process

    def serve(self, port: Port) -> bytes:
        """Serve a call; returns the bytes that it writes to stdout or stderr."""
        call, parameter = _CALLS.get(port.register(_A0)), port.register(_A1)
        written = b""
        try:
            if call is None:
                raise Refusal(errno.ENOSYS)
            done = call(self.process, port, parameter)
            result, written = done if isinstance(done, tuple) else (done, b"")
        except Refusal as refusal:
            self.process.errno, result = refusal.number, _ERROR
        if self.process.exit_code is None:
            port.set_register(_A0, result & _MASK)
            resume(port, port.cpu("pc") + 4)
        return written


def _open(process: Process, port: Port, parameter: int) -> int:
    start, mode, length = _block(port, parameter, 3)
    name, opening = _bytes(port, start, length), Opening.of_semihosting(mode)
    if name == _CONSOLE:
        return process.descriptors.add(Stream(reads=not opening.creates))
    if name == _FEATURES:
        if opening.writes:
            raise Refusal(errno.EACCES)
        return process.descriptors.add(OpenFile(name, opening, -1, 0, _OFFERED))
    return process.descriptors.open(name, opening)


def _close(process: Process, port: Port, parameter: int) -> int:
    process.descriptors.close(*_block(port, parameter, 1))
    return 0


def _write_character(process: Process, port: Port, parameter: int) -> tuple[int, bytes]:
    return 0, _bytes(port, parameter, 1)


def _write_string(process: Process, port: Port, parameter: int) -> tuple[int, bytes]:
    content = string(port, parameter, 4 * port.size)
    if content is None:
        raise Refusal(errno.EFAULT)
    return 0, content


def _write(process: Process, port: Port, parameter: int) -> tuple[int, bytes]:
    """The result is the number of bytes that are not written."""
    descriptor, start, count = _block(port, parameter, 3)
    process.descriptors.check(descriptor, reads=False)
    return 0, process.descriptors.write(descriptor, _bytes(port, start, count))


def _read(process: Process, port: Port, parameter: int) -> int:
    """The result is the number of bytes that are not read."""
    descriptor, start, count = _block(port, parameter, 3)
    process.descriptors.check(descriptor, reads=True)
    if places(port, start, count) is None:
        raise Refusal(errno.EFAULT)
    content = process.descriptors.read(descriptor, count)
    if content:
        store(port, start, content)
    return count - len(content)


def _read_character(process: Process, port: Port, parameter: int) -> int:
    content = process.descriptors.read_input(1)
    return content[0] if content else _ERROR


def _is_error(process: Process, port: Port, parameter: int) -> int:
    return _block(port, parameter, 1)[0] >> 31


def _is_terminal(process: Process, port: Port, parameter: int) -> int:
    return int(isinstance(process.descriptors.entry(*_block(port, parameter, 1)), Stream))


def _seek(process: Process, port: Port, parameter: int) -> int:
    process.descriptors.seek(*_block(port, parameter, 2))
    return 0


def _length(process: Process, port: Port, parameter: int) -> int:
    return process.descriptors.file(*_block(port, parameter, 1)).size()


def _temporary_name(process: Process, port: Port, parameter: int) -> int:
    start, number, length = _block(port, parameter, 3)
    name = b"tmp%03d\0" % number
    if number > 255 or length < len(name):
        raise Refusal(errno.EINVAL)
    return _stored(port, start, name)


def _remove(process: Process, port: Port, parameter: int) -> int:
    process.descriptors.folder.remove(_bytes(port, *_block(port, parameter, 2)))
    return 0


def _rename(process: Process, port: Port, parameter: int) -> int:
    old, old_length, new, new_length = _block(port, parameter, 4)
    names = _bytes(port, old, old_length), _bytes(port, new, new_length)
    process.descriptors.folder.rename(*names)
    return 0


def _clock(process: Process, port: Port, parameter: int) -> int:
    return microseconds(port) // 10_000


def _time(process: Process, port: Port, parameter: int) -> int:
    return microseconds(port) // 1_000_000


def _system(process: Process, port: Port, parameter: int) -> int:
    raise Refusal(errno.EPERM)


def _error_number(process: Process, port: Port, parameter: int) -> int:
    return process.errno


def _command_line(process: Process, port: Port, parameter: int) -> int:
    """Store the arguments with spaces between them, and their length in the second word."""
    start, room = _block(port, parameter, 2)
    line = " ".join(process.arguments).encode()
    if len(line) >= room:
        raise Refusal(errno.EINVAL)
    _stored(port, start, line + b"\0")
    return _stored(port, parameter + 4, struct.pack("<I", len(line)))


def _heap(process: Process, port: Port, parameter: int) -> int:
    """Store where heap and stack begin and end, each in the other's direction."""
    end = port.regions.end(port.regions.region(process.start), port.size)
    edges = [edge & _MASK for edge in (process.start, end, end, process.start)]
    return _stored(port, _block(port, parameter, 1)[0], struct.pack("<4I", *edges))


def _exit(process: Process, port: Port, parameter: int) -> int:
    process.exit(int(parameter != _ENDED))
    return 0


def _exit_extended(process: Process, port: Port, parameter: int) -> int:
    reason, status = _block(port, parameter, 2)
    process.exit(status if reason == _ENDED else 1)
    return 0


def _elapsed(process: Process, port: Port, parameter: int) -> int:
    ticks = microseconds(port) * TICKS // 1_000_000
    return _stored(port, parameter, struct.pack("<Q", ticks))


def _tick_frequency(process: Process, port: Port, parameter: int) -> int:
    return TICKS


def _block(port: Port, start: int, count: int) -> tuple[int, ...]:
    """The words of a block of parameters."""
    return struct.unpack(f"<{count}I", _bytes(port, start, 4 * count))


def _bytes(port: Port, start: int, count: int) -> bytes:
    content = load(port, start, count)
    if content is None:
        raise Refusal(errno.EFAULT)
    return content


def _stored(port: Port, start: int, content: bytes) -> int:
    """Store the answer of a call; the result of such a call is 0."""
    if not store(port, start, content):
        raise Refusal(errno.EFAULT)
    return 0


_CALLS: dict[int, Callable[[Process, Port, int], int | tuple[int, bytes]]] = {
    0x01: _open,
    0x02: _close,
    0x03: _write_character,
    0x04: _write_string,
    0x05: _write,
    0x06: _read,
    0x07: _read_character,
    0x08: _is_error,
    0x09: _is_terminal,
    0x0A: _seek,
    0x0C: _length,
    0x0D: _temporary_name,
    0x0E: _remove,
    0x0F: _rename,
    0x10: _clock,
    0x11: _time,
    0x12: _system,
    0x13: _error_number,
    0x15: _command_line,
    0x16: _heap,
    0x18: _exit,
    0x20: _exit_extended,
    0x30: _elapsed,
    0x31: _tick_frequency,
}
