"""Semihosting of a RISC-V hart, by "Semihosting for AArch32 and AArch64", chapter 7.

A call is EBREAK between `slli x0, x0, 31` and `srai x0, x0, 7`, its number in a0 and its parameter
in a1. -1 is an error.
"""

from __future__ import annotations

import io

from looped.reference.files import Opened
from looped.reference.newlib import Program
from looped.reference.reference import Service
from looped.reference.rv32i import Rv32i
from looped.reference.storage import Failed, held, put_bytes, take_bytes, take_string, word_at

__all__ = ["Semihost"]

_SURROUNDINGS = {-4: 0x01F01013, 0: 0x00100073, 4: 0x40705013}
_MODES = ("r", "r", "rw", "rw", "wct", "wct", "rwct", "rwct", "wca", "wca", "rwca", "rwca")
_END = 0x20026


class Semihost:
    """Serves calls of a program."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def asked(self, hart: Rv32i) -> bool:
        """Whether the hart has trapped in a call."""
        if hart.cause != 3:
            return False
        places = {hart.pc + offset: word for offset, word in _SURROUNDINGS.items()}
        inside = all(hart.index(place % 2**32) < len(hart.memory) for place in places)
        return inside and all(word_at(hart, p % 2**32) == word for p, word in places.items())

    def call(self, hart: Rv32i, ticks: int, done: Service) -> int:
        """The result of a call, after so many instructions."""
        number, parameter = hart.x[10], hart.x[11]
        try:
            if number in (0x10, 0x11, 0x13, 0x30, 0x31):
                return self._clocks(hart, number, parameter, ticks, done)
            if number in (0x03, 0x04, 0x05, 0x06, 0x07):
                return self._bytes(hart, number, parameter, done)
            if number in (0x15, 0x16, 0x18, 0x20):
                return self._program(hart, number, parameter, done)
            return self._files(hart, number, parameter, done)
        except Failed as failed:
            self.program.error = failed.number
            return -1

    def _clocks(self, hart: Rv32i, number: int, parameter: int, ticks: int, done: Service) -> int:
        match number:
            case 0x10:
                return ticks * 100 // 1_000_000
            case 0x11:
                return ticks // 1_000_000
            case 0x13:
                return self.program.error
            case 0x30:
                put_bytes(hart, parameter, ticks.to_bytes(8, "little"), done)
                return 0
        return 1_000_000

    def _bytes(self, hart: Rv32i, number: int, parameter: int, done: Service) -> int:
        """WRITEC, WRITE0, WRITE, READ, READC."""
        files = self.program.files
        if number == 0x03:
            done.output = take_bytes(hart, parameter, 1)
        elif number == 0x04:
            done.output = take_string(hart, parameter, 4 * len(hart.memory))
        elif number == 0x05:
            descriptor, start, count = _words(hart, parameter, 3)
            files.get(descriptor, "w")
            done.output = files.write(descriptor, take_bytes(hart, start, count))
        elif number == 0x06:
            descriptor, start, count = _words(hart, parameter, 3)
            files.get(descriptor, "r")
            if not held(hart, start, count):
                raise Failed(14)
            taken = files.read(descriptor, count)
            put_bytes(hart, start, taken, done)
            return count - len(taken)
        else:
            taken, files.unread = files.unread[:1], files.unread[1:]
            return taken[0] if taken else -1
        return 0

    def _program(self, hart: Rv32i, number: int, parameter: int, done: Service) -> int:
        """GET_CMDLINE, HEAPINFO, EXIT, EXIT_EXTENDED."""
        program = self.program
        if number == 0x15:
            start, room = _words(hart, parameter, 2)
            line = " ".join(program.arguments).encode() + b"\0"
            if len(line) > room:
                raise Failed(22)
            put_bytes(hart, start, line, done)
            put_bytes(hart, parameter + 4, (len(line) - 1).to_bytes(4, "little"), done)
        elif number == 0x16:
            (start,) = _words(hart, parameter, 1)
            end = len(hart.memory) * 4 + hart.base
            if hart.second:
                end = len(hart.memory) * 2 + hart.second
            edges = (program.lowest, end, end, program.lowest)
            put_bytes(hart, start, b"".join((e % 2**32).to_bytes(4, "little") for e in edges), done)
        elif number == 0x18:
            program.exit_code = 0 if parameter == _END else 1
        else:
            reason, status = _words(hart, parameter, 2)
            program.exit_code = status % 256 if reason == _END else 1
        return 0

    def _files(self, hart: Rv32i, number: int, parameter: int, done: Service) -> int:
        files = self.program.files
        match number:
            case 0x01:
                return self._open(hart, parameter)
            case 0x02:
                files.close(*_words(hart, parameter, 1))
            case 0x08:
                return int(_words(hart, parameter, 1)[0] >= 2**31)
            case 0x09:
                return int(files.get(_words(hart, parameter, 1)[0]).file is None)
            case 0x0A:
                files.seek(*_words(hart, parameter, 2))
            case 0x0C:
                return files.positioned(*_words(hart, parameter, 1)).size()
            case 0x0D:
                start, tag, room = _words(hart, parameter, 3)
                if tag > 255 or room < 7:
                    raise Failed(22)
                put_bytes(hart, start, f"tmp{tag:03}\0".encode(), done)
            case 0x0E:
                files.remove(take_bytes(hart, *_words(hart, parameter, 2)))
            case 0x0F:
                old, old_size, new, new_size = _words(hart, parameter, 4)
                source = take_bytes(hart, old, old_size)
                files.rename(source, take_bytes(hart, new, new_size))
            case 0x12:
                raise Failed(1)
            case _:
                raise Failed(38)
        return 0

    def _open(self, hart: Rv32i, parameter: int) -> int:
        start, mode, size = _words(hart, parameter, 3)
        name, files = take_bytes(hart, start, size), self.program.files
        if mode >= len(_MODES):
            raise Failed(22)
        how = _MODES[mode]
        if name not in (b":tt", b":semihosting-features"):
            return files.open_file(name, how)
        if name == b":tt":
            opened = Opened("r" if mode < 4 else "w")
        elif "w" in how:
            raise Failed(13)
        else:
            opened = Opened(how, io.BytesIO(b"SHFB\x03"))
        number = files.number()
        files.open[number] = opened
        return number


def _words(hart: Rv32i, start: int, count: int) -> list[int]:
    """Words of a block of parameters."""
    content = take_bytes(hart, start, 4 * count)
    return [int.from_bytes(content[n : n + 4], "little") for n in range(0, 4 * count, 4)]
