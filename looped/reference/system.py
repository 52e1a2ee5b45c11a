"""The environment of a RISC-V program, by the manuals, for the reference.

It works on the plain integers of a hart and shares no code with the hosts in `looped/devices`, so
that a lockstep run tests those hosts against it.

- *System calls*: ECALL with the number in a7, arguments in a0 to a2, the result in a0, errors as
  negated numbers (the RISC-V Linux ABI: 63 read, 64 write, 93 exit, 214 brk; 9 EBADF, 14 EFAULT,
  38 ENOSYS).
- *Control registers*, other traps, misaligned accesses: see `privileged`.
- *Host-target interface*: the system reads the word `tohost` after every 64th instruction. If it is
  not zero, the hart stops as at an ECALL; an odd number n is the exit status n >> 1. An address is
  that of a call: number, three arguments, later the result, each of 64 bits. With 1, 1 as the upper
  bytes of the 64 bits at `tohost`, the lowest byte is printed. After both, `fromhost` becomes 1.
"""

from __future__ import annotations

from looped.environment import USUAL, Environment
from looped.image import Image
from looped.reference.privileged import Privileged, set_register
from looped.reference.reference import Service
from looped.reference.rv32i import Rv32i
from looped.trace import Access

__all__ = ["RiscvSystem", "riscv_system"]

_LOOK = 64
_WORD = 1 << 32


def riscv_system(image: Image, data: bytes, environment: Environment = USUAL) -> RiscvSystem:
    """The environment of a RISC-V program.

    The heap begins at the next multiple of 16 from the last word of the last region on, or from the
    symbol `_end` of a linker if that lies higher.
    """
    bases = image.regions.bases
    end = bases[-1] + 4 * (len(image.words) // len(bases))
    if image.linked and image.symbols.get("_end", 0) > end:
        end = image.symbols["_end"]
    while end % 16:
        end += 1
    symbols = image.symbols
    tohost = symbols.get("tohost")
    if tohost is not None and image.index(tohost) >= len(image.words):
        tohost = None
    return RiscvSystem(data, end, tohost, symbols.get("fromhost"), environment)


class RiscvSystem:
    """Serves one hart, whose whole input is `data` and whose heap begins at `heap`.

    `exit_code` is the exit status of the program, None before it has one; `emulated` counts the
    instructions that it executes for the hart.
    """

    def __init__(
        self,
        data: bytes,
        heap: int,
        tohost: int | None = None,
        fromhost: int | None = None,
        environment: Environment = USUAL,
    ) -> None:
        self.unread = data
        self.lowest = self.heap = heap
        self.tohost, self.fromhost = tohost, fromhost
        self.exit_code: int | None = None
        self.executed = 0
        self.privileged = Privileged(environment.emulates_misaligned)

    @property
    def emulated(self) -> int:
        """The number of instructions that the system has executed for the hart."""
        return self.privileged.emulated

    def after(self, hart: Rv32i) -> Service | None:
        """Serve a hart that has just executed an instruction; None if there is nothing to do."""
        self.executed += 1
        done = Service()
        if hart.trap:
            if not self.privileged.serve(hart, self.executed, done) and hart.cause == 11:
                number, *arguments = (hart.x[n] for n in (17, 10, 11, 12))
                result = self._call(hart, number, arguments, done)
                if self.exit_code is None:
                    set_register(hart, 10, result % _WORD, done)
                    self.privileged.resume(hart, hart.pc + 4)
            return done
        if self.tohost is None or self.executed % _LOOK:
            return None
        if hart.memory[hart.index(self.tohost)] == 0:
            return None
        if not self._request(hart, self.tohost, done):
            hart.trap, hart.cause = 1, 11
        return done

    def _request(self, hart: Rv32i, tohost: int, done: Service) -> bool:
        """Serve what a program asks for at `tohost`; False if the hart must stop."""
        low, high = (_word(hart, tohost + n) for n in (0, 4))
        if low % 2 == 1 and high >> 16 != 0x0101:
            status = low // 2
            self.exit_code = 1 if status > 0 and status % 256 == 0 else status % 256
            return False
        if high >> 16 == 0x0101:
            done.output = bytes([low % 256])
        else:
            if high or self.fromhost is None or not _held(hart, low, 32):
                return False
            number, *arguments = (_word(hart, low + 8 * n) for n in range(4))
            result = self._call(hart, number, arguments, done)
            if self.exit_code is not None:
                return False
            for n in range(2):
                _put(hart, low + 4 * n, result >> 32 * n & _WORD - 1, done)
        for n in (0, 4):
            _put(hart, tohost + n, 0, done)
        if self.fromhost is not None:
            _put(hart, self.fromhost, 1, done)
        return True

    def _call(self, hart: Rv32i, number: int, arguments: list[int], done: Service) -> int:
        first, second, third = arguments
        if number == 93:
            self.exit_code = first % 256
            return 0
        if number == 63:
            return self._read(hart, first, second, third, done)
        if number == 64:
            return _write(hart, first, second, third, done)
        if number == 214:
            if self.lowest <= first and _held(hart, self.lowest, first - self.lowest):
                self.heap = first
            return self.heap
        return -38

    def _read(self, hart: Rv32i, source: int, start: int, count: int, done: Service) -> int:
        if source != 0:
            return -9
        if not _held(hart, start, count):
            return -14
        taken, self.unread = self.unread[:count], self.unread[count:]
        touched: dict[int, None] = {}
        for address, byte in enumerate(taken, start):
            index, shift = hart.index(address), address % 4 * 8
            others = hart.memory[index] - (hart.memory[index] >> shift & 255) * (1 << shift)
            hart.memory[index] = others + byte * (1 << shift)
            touched[index] = None
        done.writes += [Access(index, hart.memory[index]) for index in touched]
        return len(taken)


def _write(hart: Rv32i, target: int, start: int, count: int, done: Service) -> int:
    if target not in (1, 2):
        return -9
    if not _held(hart, start, count):
        return -14
    places = range(start, start + count)
    done.output = bytes(hart.memory[hart.index(p)] >> 8 * (p % 4) & 255 for p in places)
    return count


def _held(hart: Rv32i, start: int, count: int) -> bool:
    """Whether all of some bytes are in one region of memory; their start must be, or its end."""
    region = len(hart.memory) * 4 if hart.second == 0 else len(hart.memory) * 2
    bases = (hart.base,) if hart.second == 0 else (hart.base, hart.second)
    return any(base <= start and start + count <= base + region for base in bases)


def _word(hart: Rv32i, address: int) -> int:
    """The word at an address, 0 outside memory."""
    index = hart.index(address)
    return hart.memory[index] if index < len(hart.memory) else 0


def _put(hart: Rv32i, address: int, value: int, done: Service) -> None:
    """Set a word of memory, unless the address is outside."""
    index = hart.index(address)
    if index < len(hart.memory):
        hart.memory[index] = value
        done.writes.append(Access(index, value))
