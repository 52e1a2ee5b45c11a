"""Control and status registers (CSRs) that the host emulates, enough for start-up code.

The weights do not execute CSR instructions (Zicsr), MRET, WFI and FENCE.I: these trap as illegal,
and this host executes them between two loops. Every register begins with 0 and holds what the
program writes to it. Registers with numbers from 0xc00 on, such as `mhartid`, are read-only: a
write to one is illegal, and those that count no time stay 0. Two registers have an effect: if
`mtvec` is not 0, every other trap goes to that address and sets `mepc`, `mcause` and `mtval`, and
MRET goes to `mepc`. The hart is always in machine mode, and WFI does nothing. RISC-V privileged
specification, 2.1, 3.1 and 3.3.

Cycles, time and retired instructions are one number: the instructions that the program has
executed. So a run counts the same on every engine and on every computer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from looped.devices.host import Port
from looped.devices.misaligned import MISALIGNED, execute_access
from looped.devices.resume import resume
from looped.devices.syscalls import Syscalls
from looped.environment import USUAL, Environment
from looped.isa.rv32i import accessed

__all__ = ["ControlRegisters"]

_ILLEGAL, _OUTSIDE = 2, (5, 7)
_SYSTEM, _MISC_MEM = 0b1110011, 0b0001111
_MRET, _WFI = 0x30200073, 0x10500073
_MTVEC, _MEPC, _MCAUSE, _MTVAL = 0x305, 0x341, 0x342, 0x343
_READ_ONLY = 0xC00
_UPPER = 0x80
"""The number of the upper half of a counter is this much higher than that of the lower half."""

_COUNTERS = {0xB00: 0xB00, 0xB02: 0xB02, 0xC00: 0xB00, 0xC01: 0xC01, 0xC02: 0xB02}
"""mcycle, minstret, cycle, time, instret, each with the register whose writes move its start."""

_WRITE, _SET, _CLEAR = 1, 2, 3
_MASK, _WIDE = 0xFFFFFFFF, (1 << 64) - 1


class ControlRegisters:
    """A host that emulates CSR instructions; if `mtvec` is 0, `calls` serves all other traps.

    `emulated` counts the instructions that it has executed.
    """

    poll_address: int | None = None

    def __init__(self, calls: Syscalls, environment: Environment = USUAL) -> None:
        self.calls = calls
        self.environment = environment
        self.values: dict[int, int] = {}
        self.starts: dict[int, int] = {}
        self.emulated = 0

    @property
    def exit_code(self) -> int | None:
        """The exit status of the program, None before it has one."""
        return self.calls.exit_code

    def serve(self, port: Port) -> bytes:
        """Emulate an instruction, continue at the program's trap handler, or let `calls` serve."""
        pc = port.cpu("pc")
        following = self._emulate(port, pc)
        if following is not None:
            self.emulated += 1
            resume(port, following)
            return b""
        handler = self.values.get(_MTVEC, 0) & ~3
        if handler == 0:
            return self.calls.serve(port)
        self.values |= {_MEPC: pc, _MCAUSE: port.cpu("cause"), _MTVAL: _trap_value(port, pc)}
        resume(port, handler)
        return b""

    def snapshot(self) -> dict[str, Any]:
        """The registers and the state of `calls`, as values that JSON can hold."""
        return {
            "registers": {str(number): value for number, value in self.values.items()},
            "starts": {str(number): value for number, value in self.starts.items()},
            "emulated": self.emulated,
            "calls": self.calls.snapshot(),
        }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Continue from a snapshot.

        Raises KeyError, TypeError, AttributeError or ValueError for an invalid one.
        """
        self.calls.restore(snapshot["calls"])
        self.values = {int(number): int(v) & _MASK for number, v in snapshot["registers"].items()}
        self.starts = {int(number): int(v) & _WIDE for number, v in snapshot["starts"].items()}
        self.emulated = int(snapshot["emulated"])

    def _emulate(self, port: Port, pc: int) -> int | None:
        """Execute the instruction that has trapped, if this host can; returns the next pc."""
        cause = port.cpu("cause")
        if cause == _ILLEGAL:
            return self._execute(port, port.memory(port.regions.index(pc)), pc)
        misaligned = cause in MISALIGNED and self.environment.emulates_misaligned
        across = cause in _OUTSIDE and len(port.regions.bases) > 1
        return pc + 4 if (misaligned or across) and execute_access(port) else None

    def _execute(self, port: Port, word: int, pc: int) -> int | None:
        """Execute an instruction that this host emulates; returns the next pc, else None."""
        opcode, funct3 = word & 0x7F, word >> 12 & 7
        if word == _MRET:
            return self.values.get(_MEPC, 0) & ~3
        if opcode == _SYSTEM and funct3 & 3:
            return pc + 4 if self._access(port, word) else None
        does_nothing = word == _WFI or (opcode, funct3) == (_MISC_MEM, 1)
        return pc + 4 if does_nothing else None  # FENCE.I: a fetch always sees earlier stores

    def _access(self, port: Port, word: int) -> bool:
        """CSRRW, CSRRS, CSRRC; if bit 14 is set, the operand is a number instead of a register.

        False, and no change, for a write to a read-only register. CSRRS and CSRRC write nothing
        if their operand is x0 or the number 0.
        """
        number, source, rd = word >> 20, word >> 15 & 31, word >> 7 & 31
        kind = word >> 12 & 3
        writes = kind == _WRITE or source != 0
        if writes and number >= _READ_ONLY:
            return False
        operand = source if word >> 14 & 1 else port.register(source)
        old = self._value(number, port.executed)
        if writes:
            new = {_WRITE: operand, _SET: old | operand, _CLEAR: old & ~operand}[kind]
            self._set(number, new, port.executed)
        if rd != 0:
            port.set_register(rd, old)
        return True

    def _value(self, number: int, executed: int) -> int:
        """A register; counters count the instructions before the one that reads them."""
        if number & ~_UPPER not in _COUNTERS:
            return self.values.get(number, 0)
        count = self._count(number & ~_UPPER, executed)
        return count >> 32 if number & _UPPER else count & _MASK

    def _count(self, counter: int, executed: int) -> int:
        return executed - 1 - self.starts.get(_COUNTERS[counter], 0) & _WIDE

    def _set(self, number: int, value: int, executed: int) -> None:
        """Write a register. A counter then counts on from the value after this instruction."""
        counter = number & ~_UPPER
        if counter not in _COUNTERS:
            self.values[number] = value
            return
        count = self._count(counter, executed)
        new = value << 32 | count & _MASK if number & _UPPER else count >> 32 << 32 | value
        self.starts[counter] = executed - new & _WIDE


def _trap_value(port: Port, pc: int) -> int:
    """What a handler finds in `mtval`: the address of a load or store that has trapped, else 0."""
    if port.cpu("cause") not in (*MISALIGNED, *_OUTSIDE):
        return 0
    access = accessed(port.memory(port.regions.index(pc)), port.register)
    return 0 if access is None else access.address
