"""Control and status registers (CSRs) that the host emulates, enough for start-up code.

The weights do not execute CSR instructions (Zicsr), MRET and FENCE.I: these trap as illegal, and
this host executes them between two loops. Every register begins with 0 and holds what the program
writes to it; read-only registers (numbers from 0xc00 on, such as `mhartid`) stay 0. Two registers
have an effect: if `mtvec` is not 0, every other trap goes to that address and sets `mepc` and
`mcause`, and MRET goes to `mepc`. The hart is always in machine mode. RISC-V privileged
specification, 2.1, 3.1 and 3.3.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from looped.devices.host import Port
from looped.devices.resume import resume
from looped.devices.syscalls import Syscalls
from looped.isa.rv32i import word_index

__all__ = ["ControlRegisters"]

_ILLEGAL = 2
_SYSTEM, _MISC_MEM = 0b1110011, 0b0001111
_MRET = 0x30200073
_MTVEC, _MEPC, _MCAUSE, _MTVAL = 0x305, 0x341, 0x342, 0x343
_READ_ONLY = 0xC00
_WRITE, _SET, _CLEAR = 1, 2, 3
_MASK = 0xFFFFFFFF


class ControlRegisters:
    """A host that emulates CSR instructions; if `mtvec` is 0, `calls` serves all other traps.

    `emulated` counts the instructions that it has executed.
    """

    poll_address: int | None = None

    def __init__(self, calls: Syscalls) -> None:
        self.calls = calls
        self.values: dict[int, int] = {}
        self.emulated = 0

    @property
    def exit_code(self) -> int | None:
        """The exit status of the program, None before it has one."""
        return self.calls.exit_code

    def serve(self, port: Port) -> bytes:
        """Emulate an instruction, continue at the program's trap handler, or let `calls` serve."""
        pc = port.cpu("pc")
        if port.cpu("cause") == _ILLEGAL:
            following = self._execute(port, port.memory(word_index(pc)), pc)
            if following is not None:
                self.emulated += 1
                resume(port, following)
                return b""
        handler = self.values.get(_MTVEC, 0) & ~3
        if handler == 0:
            return self.calls.serve(port)
        self.values |= {_MEPC: pc, _MCAUSE: port.cpu("cause"), _MTVAL: 0}
        resume(port, handler)
        return b""

    def snapshot(self) -> dict[str, Any]:
        """The registers and the state of `calls`, as values that JSON can hold."""
        return {
            "registers": {str(number): value for number, value in self.values.items()},
            "emulated": self.emulated,
            "calls": self.calls.snapshot(),
        }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Continue from a snapshot.

        Raises KeyError, TypeError, AttributeError or ValueError for an invalid one.
        """
        self.calls.restore(snapshot["calls"])
        self.values = {int(number): int(v) & _MASK for number, v in snapshot["registers"].items()}
        self.emulated = int(snapshot["emulated"])

    def _execute(self, port: Port, word: int, pc: int) -> int | None:
        """Execute an instruction that this host emulates; returns the next pc, else None."""
        opcode, funct3 = word & 0x7F, word >> 12 & 7
        if word == _MRET:
            return self.values.get(_MEPC, 0) & ~3
        if opcode == _SYSTEM and funct3 & 3:
            self._access(port, word)
        elif (opcode, funct3) != (_MISC_MEM, 1):  # FENCE.I: a fetch always sees earlier stores
            return None
        return pc + 4

    def _access(self, port: Port, word: int) -> None:
        """CSRRW, CSRRS, CSRRC; if bit 14 is set, the operand is a number instead of a register."""
        number, source, rd = word >> 20, word >> 15 & 31, word >> 7 & 31
        operand = source if word >> 14 & 1 else port.register(source)
        old = self.values.get(number, 0)
        new = {_WRITE: operand, _SET: old | operand, _CLEAR: old & ~operand}[word >> 12 & 3]
        if number < _READ_ONLY:
            self.values[number] = new
        if rd != 0:
            port.set_register(rd, old)
