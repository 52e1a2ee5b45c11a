"""System calls of a RISC-V hart, as newlib's libgloss makes them.

The numbers are those of the RISC-V Linux ABI; `open` is 1024, as in the proxy kernel, with the
flags of newlib. Results are non-negative or negated error numbers. A clock tick is an instruction,
a million a second.
"""

from __future__ import annotations

from dataclasses import dataclass

from looped.reference.files import Files
from looped.reference.reference import Service
from looped.reference.rv32i import Rv32i
from looped.reference.storage import Failed, held, put_bytes, take_bytes, take_string

__all__ = ["Newlib", "Program"]

_CREATE, _EXCLUSIVE, _TRUNCATE, _APPEND = "cxta"
_NEWLIB_FLAGS = {0x200: _CREATE, 0x800: _EXCLUSIVE, 0x400: _TRUNCATE, 0x8: _APPEND}
_LINUX_FLAGS = {0x40: _CREATE, 0x80: _EXCLUSIVE, 0x200: _TRUNCATE, 0x400: _APPEND}
_MOST_CLOCK = 11
_LONGEST = 4096


@dataclass
class Program:
    """What a program has: open files, arguments, the least and the present end of its heap, the
    exit status and the number of its last error."""

    files: Files
    arguments: tuple[str, ...]
    lowest: int
    heap: int
    exit_code: int | None = None
    error: int = 0


class Newlib:
    """Serves calls of a program."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def call(self, hart: Rv32i, number: int, given: list[int], ticks: int, done: Service) -> int:
        """The result of a call with three arguments, after so many instructions."""
        try:
            if number in (93, 94):
                self.program.exit_code = given[0] % 256
                return 0
            if number in (113, 169, 403):
                return _time(hart, number, given, ticks, done)
            return self._files(hart, number, given, done)
        except Failed as failed:
            return -failed.number

    def _files(self, hart: Rv32i, number: int, given: list[int], done: Service) -> int:
        first, second, third = given
        files = self.program.files
        match number:
            case 63:
                return self._read(hart, first, second, third, done)
            case 64:
                files.get(first, "w")
                content = take_bytes(hart, second, third)
                done.output = files.write(first, content)
                return third
            case 57:
                files.close(first)
            case 62:
                return self._seek(first, second, third)
            case 80:
                put_bytes(hart, second, self._status(first), done)
            case 56:
                if first not in (2**32 - 100, 2**32 - 2):
                    raise Failed(9)
                name = take_string(hart, second, _LONGEST)
                return files.open_file(name, _how(third, _LINUX_FLAGS))
            case 1024:
                name = take_string(hart, first, _LONGEST)
                return files.open_file(name, _how(second, _NEWLIB_FLAGS))
            case 214:
                return self._break(hart, first)
            case _:
                raise Failed(38)
        return 0

    def _read(self, hart: Rv32i, number: int, start: int, count: int, done: Service) -> int:
        files = self.program.files
        files.get(number, "r")
        if not held(hart, start, count):
            raise Failed(14)
        taken = files.read(number, count)
        put_bytes(hart, start, taken, done)
        return len(taken)

    def _seek(self, number: int, offset: int, origin: int) -> int:
        opened = self.program.files.positioned(number)
        if origin > 2:
            raise Failed(22)
        begin = (0, opened.position, opened.size())[origin]
        distance = offset - 2**32 if offset >= 2**31 else offset
        self.program.files.seek(number, begin + distance)
        return opened.position

    def _status(self, number: int) -> bytes:
        """The fields of `struct stat64`: device, inode, mode, links, user, group, device, padding,
        size, block size, padding, blocks, then times and padding."""
        opened = self.program.files.get(number)
        character = opened.file is None
        mode = 0o020620 if character else 0o100644
        size = 0 if character else opened.size()
        fields = [(0, 8), (number + 1, 8), (mode, 4), (1, 4), (0, 4), (0, 4), (0, 8), (0, 8)]
        fields += [(size, 8), (1024, 4), (0, 4), ((size + 511) // 512, 8), (0, 32)]
        return b"".join(value.to_bytes(width, "little") for value, width in fields)

    def _break(self, hart: Rv32i, end: int) -> int:
        program = self.program
        if program.lowest <= end and held(hart, program.lowest, end - program.lowest):
            program.heap = end
        return program.heap


def _time(hart: Rv32i, number: int, given: list[int], ticks: int, done: Service) -> int:
    """gettimeofday, clock_gettime with words, and clock_gettime with double words."""
    seconds, rest = ticks // 1_000_000, ticks % 1_000_000
    if number != 169 and given[0] > _MOST_CLOCK:
        raise Failed(22)
    width = 8 if number == 403 else 4
    parts = [seconds % 256**width, rest if number == 169 else rest * 1000]
    content = b"".join(part.to_bytes(width, "little") for part in parts)
    put_bytes(hart, given[number != 169], content, done)
    return 0


def _how(flags: int, letters: dict[int, str]) -> str:
    """The letters for the flags of an open file."""
    if flags % 4 == 3:
        raise Failed(22)
    how = ("r", "w", "rw")[flags % 4] + "".join(c for bit, c in letters.items() if flags & bit)
    return how.replace(_TRUNCATE, "") if how[0] == "r" and "w" not in how else how
