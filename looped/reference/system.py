"""The environment of a RISC-V program, by the manuals, for the reference.

It works on the plain integers of a hart and shares no code with the hosts in `looped/devices`, so
that a lockstep run tests those hosts against it.

- *System calls*: ECALL with the number in a7, arguments in a0 to a2, the result in a0, errors as
  negated numbers (the RISC-V Linux ABI: 63 read, 64 write, 93 exit, 214 brk; 9 EBADF, 14 EFAULT,
  38 ENOSYS).
- *Control registers* (Zicsr; privileged specification, 2.1, 3.1, 3.3.2): all begin with zero and
  keep the written value; numbers from 0xc00 on stay zero. MRET goes to mepc. With mtvec set, every
  other trap goes there. FENCE.I does nothing.
- *Host-target interface*: the system reads the word `tohost` after every 64th instruction. If it is
  not zero, the hart stops as at an ECALL; an odd number n is the exit status n >> 1.
"""

from __future__ import annotations

from looped.image import Image
from looped.reference.reference import Service
from looped.reference.rv32i import Rv32i
from looped.trace import Access

__all__ = ["RiscvSystem", "riscv_system"]

_LOOK = 64
_WORD = 1 << 32
_HALF = 1 << 31


def riscv_system(image: Image, data: bytes) -> RiscvSystem:
    """The environment of a RISC-V program.

    The heap begins at the next multiple of 16 from the last word on, or from the symbol `_end` if
    that lies higher.
    """
    base = _HALF if image.entry >= _HALF else 0
    end = base + 4 * len(image.words)
    if image.symbols.get("_end", 0) > end:
        end = image.symbols["_end"]
    while end % 16:
        end += 1
    tohost = image.symbols.get("tohost")
    if tohost is not None and not 0 <= tohost % _HALF < 4 * len(image.words):
        tohost = None
    return RiscvSystem(data, end, tohost)


class RiscvSystem:
    """Serves one hart, whose whole input is `data` and whose heap begins at `heap`.

    `exit_code` is the exit status of the program, None before it has one; `emulated` counts the
    instructions that it executes for the hart.
    """

    def __init__(self, data: bytes, heap: int, tohost: int | None = None) -> None:
        self.unread = data
        self.lowest = self.heap = heap
        self.tohost = tohost
        self.control: dict[int, int] = {}
        self.exit_code: int | None = None
        self.emulated = 0
        self.executed = 0

    def after(self, hart: Rv32i) -> Service | None:
        """Serve a hart that has just executed an instruction; None if there is nothing to do."""
        self.executed += 1
        if hart.trap:
            return self._trapped(hart)
        if self.tohost is None or self.executed % _LOOK:
            return None
        letter = hart.memory[self.tohost % _HALF // 4]
        if letter == 0:
            return None
        if letter % 2 == 1:
            status = letter // 2
            low = status % 256
            self.exit_code = 1 if status > 0 and low == 0 else low
        hart.trap, hart.cause = 1, 11
        return Service()

    def _trapped(self, hart: Rv32i) -> Service:
        done = Service()
        following = self._system_instruction(hart, done) if hart.cause == 2 else None
        handler = self.control.get(0x305, 0) // 4 * 4
        if following is not None:
            self.emulated += 1
            _resume(hart, following)
        elif handler:
            self.control[0x341], self.control[0x342], self.control[0x343] = hart.pc, hart.cause, 0
            _resume(hart, handler)
        elif hart.cause == 11:
            self._call(hart, done)
        return done

    def _system_instruction(self, hart: Rv32i, done: Service) -> int | None:
        """Execute MRET, FENCE.I or a CSR instruction; the next program counter, or None for any
        other word."""
        word = hart.memory[hart.pc % _HALF // 4]
        if word == 0b0011000_00010_00000_000_00000_1110011:  # MRET
            return self.control.get(0x341, 0) // 4 * 4
        opcode, function = word % 128, word >> 12 & 7
        if opcode == 0b1110011 and function in (1, 2, 3, 5, 6, 7):
            self._control(hart, word, function, done)
            return hart.pc + 4
        if opcode == 0b0001111 and function == 1:  # FENCE.I
            return hart.pc + 4
        return None

    def _control(self, hart: Rv32i, word: int, function: int, done: Service) -> None:
        number, source, rd = word >> 20, word >> 15 & 31, word >> 7 & 31
        operand = source if function > 4 else hart.x[source]
        old = self.control.get(number, 0)
        if number < 0xC00:
            if function in (1, 5):  # CSRRW
                self.control[number] = operand
            elif function in (2, 6):  # CSRRS
                self.control[number] = old | operand
            else:  # CSRRC
                self.control[number] = old - (old & operand)
        if rd:
            _set(hart, rd, old, done)

    def _call(self, hart: Rv32i, done: Service) -> None:
        first, second, third, number = hart.x[10], hart.x[11], hart.x[12], hart.x[17]
        if number == 93:
            self.exit_code = first % 256
            return
        if number == 63:
            result = self._read(hart, first, second % _HALF, third, done)
        elif number == 64:
            result = _write(hart, first, second % _HALF, third, done)
        elif number == 214:
            top = 4 * len(hart.memory) + (_HALF if self.lowest >= _HALF else 0)
            if first >= self.lowest and first <= top:
                self.heap = first
            result = self.heap
        else:
            result = -38
        _set(hart, 10, result % _WORD, done)
        _resume(hart, hart.pc + 4)

    def _read(self, hart: Rv32i, source: int, start: int, count: int, done: Service) -> int:
        if source != 0:
            return -9
        if start + count > 4 * len(hart.memory):
            return -14
        taken, self.unread = self.unread[:count], self.unread[count:]
        for address, byte in enumerate(taken, start):
            index, shift = address // 4, address % 4 * 8
            others = hart.memory[index] - (hart.memory[index] >> shift & 255) * (1 << shift)
            hart.memory[index] = others + byte * (1 << shift)
        touched = range(start // 4, (start + len(taken) + 3) // 4) if taken else ()
        done.writes += [Access(index, hart.memory[index]) for index in touched]
        return len(taken)


def _write(hart: Rv32i, target: int, start: int, count: int, done: Service) -> int:
    if target not in (1, 2):
        return -9
    if start + count > 4 * len(hart.memory):
        return -14
    places = range(start, start + count)
    done.output = bytes(hart.memory[place // 4] >> 8 * (place % 4) & 255 for place in places)
    return count


def _set(hart: Rv32i, number: int, value: int, done: Service) -> None:
    hart.x[number] = value
    done.registers.append(Access(number, value))


def _resume(hart: Rv32i, pc: int) -> None:
    """Continue at an address; outside memory, the fetch traps at once."""
    hart.pc = pc % _WORD
    outside = hart.pc % _HALF // 4 >= len(hart.memory)
    hart.trap, hart.cause = (1, 1) if outside else (0, 0)
