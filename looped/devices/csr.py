"""Control and status registers, as far as start-up code uses them, emulated by the host.

CSR instructions (Zicsr), MRET and FENCE.I are not in the weights: they trap as illegal, and this
host executes them between two loops. Every register holds what was written to it, and all begin
with 0; the read-only ones (numbers from 0xc00 on, `mhartid` among them) stay 0. Two of them do
something: once `mtvec` is not 0, every other trap goes there, with `mepc` and `mcause` set, and
MRET goes to `mepc`. The hart is always in machine mode. RISC-V privileged specification, 2.1, 3.1
and 3.3.2.
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
    """A host that emulates CSR instructions and, unless `mtvec` is set, leaves traps to `calls`.

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
        """Execute an instruction, go to the program's own handler, or serve a call."""
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
        """The registers and the state of the calls, as what JSON can hold."""
        return {
            "registers": {str(number): value for number, value in self.values.items()},
            "emulated": self.emulated,
            "calls": self.calls.snapshot(),
        }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Continue from such a state. Raises ValueError for an invalid one."""
        self.calls.restore(snapshot["calls"])
        self.values = {int(number): int(v) & _MASK for number, v in snapshot["registers"].items()}
        self.emulated = int(snapshot["emulated"])

    def _execute(self, port: Port, word: int, pc: int) -> int | None:
        """Execute an instruction that the weights lack; the next pc, None for any other word."""
        opcode, funct3 = word & 0x7F, word >> 12 & 7
        if word == _MRET:
            return self.values.get(_MEPC, 0) & ~3
        if opcode == _SYSTEM and funct3 & 3:
            self._access(port, word)
        elif (opcode, funct3) != (_MISC_MEM, 1):  # FENCE.I: what is stored is fetched anyway
            return None
        return pc + 4

    def _access(self, port: Port, word: int) -> None:
        """CSRRW, CSRRS, CSRRC, and with bit 14 the same on a number instead of a register."""
        number, source, rd = word >> 20, word >> 15 & 31, word >> 7 & 31
        operand = source if word >> 14 & 1 else port.register(source)
        old = self.values.get(number, 0)
        new = {_WRITE: operand, _SET: old | operand, _CLEAR: old & ~operand}[word >> 12 & 3]
        if number < _READ_ONLY:
            self.values[number] = new
        if rd != 0:
            port.set_register(rd, old)
