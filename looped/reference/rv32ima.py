"""The RV32IMA interpreter: RV32IM, atomic instructions, machine mode and a timer, by the manuals.

Unprivileged specification, chapters 6 (Zifencei), 7 (Zicsr), 8 (counters), 14 (A extension), and
privileged specification, chapters 2 and 3. The hart has machine mode only. See `control` for its
control registers.

If mtvec has an address, the way to the handler there is a step of its own after the one that traps;
else the hart waits for its environment. The environment is always asked first about an
EBREAK, which may be semihosting, and in a memory of two regions about an access outside memory. A
handler outside memory stops the hart.

The timer counts the instructions that have begun. It is compared with mtimecmp as an instruction
begins; an interrupt comes after an instruction that leaves interrupts enabled, and takes the place
of the next one. SC.W fails unless the last LR.W was at the same address and no SC.W came since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from looped.reference.control import FIRST, Control
from looped.reference.rv32i import Trap
from looped.reference.rv32im import Rv32im
from looped.trace import Access, Step

__all__ = ["Rv32ima"]

_FETCH_FAULT, _ILLEGAL, _BREAKPOINT = 1, 2, 3
_LOAD_MISALIGNED, _LOAD_FAULT, _STORE_MISALIGNED, _STORE_FAULT = 4, 5, 6, 7
_TIMER = 1 << 31 | 7
_MASK = 0xFFFFFFFF
_CLINT = range(0x0200_0000, 0x0201_0000)
_MTIMECMP, _MTIME = 0x0200_4000, 0x0200_BFF8
_MRET, _WFI = 0x30200073, 0x10500073
_MSCRATCH, _MEPC, _MCAUSE, _MTVAL, _RESERVATION, _MTVEC = range(FIRST, FIRST + 6)


class Rv32ima(Rv32im):
    """An RV32IMA hart: see Rv32i. `entered` is the cause for which the last step went to the
    handler, None if it did not. Its words from x[32] on hold mscratch, mepc, mcause, mtval, the
    reservation and mtvec."""

    def __init__(
        self,
        words: Sequence[int],
        width: int,
        memory: int,
        data: bytes = b"",
        entry: int = 0,
        base: int = 0,
        second: int = 0,
    ) -> None:
        super().__init__(words, width, memory, data, entry, base, second)
        self.x = [0] * 64
        self.control = Control(self.x)
        self.entering = self.interrupt = False
        self.entered: int | None = None
        self.reserved = False
        self.address = 0
        self.has_timer = all(
            region + 4 * memory // (2 if second else 1) <= _CLINT.start or region >= _CLINT.stop
            for region in ((base, second) if second else (base,))
        )

    def cpu_words(self) -> Mapping[str, int]:
        """Those of RV32I, counters, and the bits that decide about traps and interrupts."""
        control = self.control
        return {
            **super().cpu_words(),
            "time": control.time & _MASK,
            "timeh": control.time >> 32,
            "retired": control.count & _MASK,
            "retiredh": control.count >> 32,
            "compare": control.timecmp & _MASK,
            "compareh": control.timecmp >> 32,
            "interrupts": int(control.enabled),
            "earlier": int(control.earlier),
            "timer": int(control.timer),
            "pending": int(control.pending),
            "handled": int(self.handler > 0),
            "vectored": self.x[_MTVEC] & 1,
            "entering": int(self.entering),
            "interrupt": int(self.interrupt),
            "reserved": int(self.reserved),
        }

    @property
    def handler(self) -> int:
        """The address of the program's trap handler, 0 without one."""
        return self.x[_MTVEC] & ~3

    def step(self) -> Step:
        """Execute one instruction, or go to the handler for a trap or an interrupt."""
        self.entered = None
        if self.entering:
            return self._go()
        self.control.tick()
        step = super().step()
        enabled = self.control.enabled and self.control.timer and self.control.pending
        if enabled and not self.entering and self.trap == 0:
            self.entering = self.interrupt = True
        return step

    def enter(self, cause: int) -> list[Access]:
        """Go to the program's handler; returns the control registers that it changes, in order."""
        self.entered = cause
        value = self.address if cause in range(_LOAD_MISALIGNED, _STORE_FAULT + 1) else 0
        changes = [Access(_MEPC, self.pc), Access(_MCAUSE, cause), Access(_MTVAL, value)]
        for number, content in ((change.address, change.value) for change in changes):
            self.x[number] = content
        self.control.earlier, self.control.enabled = self.control.enabled, False
        vectored = self.x[_MTVEC] & 1 and cause == _TIMER
        self.pc = self.handler + (28 if vectored else 0)
        self.trap, self.cause = 0, 0
        if self.index(self.pc) >= len(self.memory):
            self.trap, self.cause = 1, _FETCH_FAULT
        return changes

    def _go(self) -> Step:
        """Go to the handler; without memory there, stop."""
        pc = self.pc
        self.control.look()
        cause = _TIMER if self.interrupt else self.cause
        self.entering = self.interrupt = False
        registers = tuple(self.enter(cause))
        return Step(pc, self.pc, registers=registers, cause=self.cause if self.trap else None)

    def _raise(self, cause: int) -> None:
        asked = cause == _BREAKPOINT or (cause in (_LOAD_FAULT, _STORE_FAULT) and self.second != 0)
        if asked or self.handler == 0:
            super()._raise(cause)
        else:
            self.entering, self.cause = True, cause

    def _execute(self, word: int) -> int:
        opcode, funct3 = word & 127, word >> 12 & 7
        if opcode == 0b0101111 and funct3 == 2:
            self._atomic(word)
        elif opcode == 0b1110011 and funct3 & 3:
            self._control_register(word)
        elif word == _MRET:
            self.control.enabled, self.control.earlier = self.control.earlier, True
            return self.x[_MEPC]
        elif word != _WFI and not (opcode == 0b0001111 and funct3 == 1):  # FENCE.I
            return super()._execute(word)
        return self.pc + 4 & _MASK

    def _control_register(self, word: int) -> None:
        """CSRRW, CSRRS, CSRRC; if bit 14 is set, the operand is a number instead of a register."""
        number, source, kind = word >> 20, word >> 15 & 31, word >> 12 & 3
        writes = kind == 1 or source != 0
        if not self.control.exists(number) or (writes and number >> 10 == 3):
            raise Trap(_ILLEGAL)
        old = self.control.read(number)
        operand = source if word >> 14 & 1 else self.x[source]
        if writes:
            new = {1: operand, 2: old | operand, 3: old & ~operand}[kind]
            self.registers += self.control.write(number, new)
        self._set(word >> 7 & 31, old)

    def _atomic(self, word: int) -> None:
        """LR.W, SC.W and the AMOs, whose address must be a multiple of 4."""
        rd, address, b = word >> 7 & 31, self.x[word >> 15 & 31], self.x[word >> 20 & 31]
        kind = word >> 27
        if kind == 2 and word >> 20 & 31 == 0:
            old = self._word(address, address, 4, _LOAD_MISALIGNED, _LOAD_FAULT)
            self.x[_RESERVATION], self.reserved = address, True
            self.reads.append(Access(self.index(address), old))
            self.registers.append(Access(_RESERVATION, address))
        elif kind == 3:
            self._word(address, address, 4, _STORE_MISALIGNED, _STORE_FAULT)
            old = int(not (self.reserved and self.x[_RESERVATION] == address))
            self.reserved = False
            if old == 0:
                self._put(self.index(address), b)
        elif kind in (0, 1, 4, 8, 12, 16, 20, 24, 28):
            old = self._word(address, address, 4, _STORE_MISALIGNED, _STORE_FAULT)
            self.reads.append(Access(self.index(address), old))
            self._put(self.index(address), _combined(kind, old, b))
        else:
            raise Trap(_ILLEGAL)
        self._set(rd, old)

    def _put(self, index: int, value: int) -> None:
        self.memory[index] = value
        self.writes.append(Access(index, value))

    def _word(self, start: int, address: int, size: int, misaligned: int, fault: int) -> int:
        self.address = address
        return super()._word(start, address, size, misaligned, fault)

    def _load(self, rd: int, funct3: int, start: int, address: int) -> None:
        if funct3 == 2 and self._is_timer(address):
            high = address & 4
            number = self.control.now if address & ~4 == _MTIME else self.control.timecmp
            self._set(rd, number >> (32 if high else 0))
        else:
            super()._load(rd, funct3, start, address)

    def _store(self, funct3: int, start: int, address: int, value: int) -> None:
        if funct3 != 2 or not self._is_timer(address):
            super()._store(funct3, start, address, value)
        elif address & ~4 == _MTIME:
            self.control.set_time(value, upper=address & 4 != 0)
        else:
            self.control.set_timecmp(value, upper=address & 4 != 0)

    def _is_timer(self, address: int) -> bool:
        return self.has_timer and address & ~4 in (_MTIME, _MTIMECMP)


def _combined(kind: int, old: int, operand: int) -> int:
    """What an AMO leaves in memory."""
    signed_old, signed = (n - (n >> 31 << 32) for n in (old, operand))
    match kind:
        case 0:
            return old + operand & _MASK
        case 1:
            return operand
        case 4:
            return old ^ operand
        case 8:
            return old | operand
        case 12:
            return old & operand
        case 16:
            return old if signed_old < signed else operand
        case 20:
            return old if signed_old > signed else operand
        case 24:
            return min(old, operand)
        case _:
            return max(old, operand)
