"""Control and status registers, as far as start-up code uses them, emulated by the host.

CSR instructions (Zicsr) and MRET are not in the weights: they trap as illegal, and this host
carries them out between two loops. Every register holds what was written to it, all begin with 0,
and none does anything, but that MRET goes to `mepc` and that the read-only ones (numbers from 0xc00
on, `mhartid` among them) stay 0. RISC-V privileged specification, 2.1 and 3.3.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from looped.devices.syscalls import Syscalls
from looped.engines.host import Port

__all__ = ["ControlRegisters"]

_ILLEGAL = 2
_SYSTEM = 0b1110011
_MRET = 0x30200073
_MEPC = 0x341
_READ_ONLY = 0xC00
_WRITE, _SET, _CLEAR = 1, 2, 3
_MASK = 0xFFFFFFFF


class ControlRegisters:
    """A host that emulates CSR instructions and leaves all other traps to `calls`.

    `emulated` counts the instructions that it has carried out.
    """

    def __init__(self, calls: Syscalls) -> None:
        self.calls = calls
        self.values: dict[int, int] = {}
        self.emulated = 0

    @property
    def exit_code(self) -> int | None:
        """The status that the program has left with, None before it has."""
        return self.calls.exit_code

    def serve(self, port: Port) -> bytes:
        """Carry out a CSR instruction or MRET, or serve a call; returns what is put out."""
        pc = port.cpu("pc")
        if port.cpu("cause") != _ILLEGAL or pc >> 2 >= port.size:
            return self.calls.serve(port)
        word = port.memory(pc >> 2)
        if word == _MRET:
            following = self.values.get(_MEPC, 0) & ~3
        elif word & 0x7F == _SYSTEM and word >> 12 & 3:
            self._access(port, word)
            following = pc + 4 & _MASK
        else:
            return b""
        self.emulated += 1
        port.set_cpu("pc", following)
        port.set_cpu("cause", 0)
        port.set_cpu("trap", 0)
        return b""

    def snapshot(self) -> dict[str, Any]:
        """The registers and the state of the calls, as what JSON can hold."""
        return {
            "registers": {str(number): value for number, value in self.values.items()},
            "emulated": self.emulated,
            "calls": self.calls.snapshot(),
        }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go on from such a state. Raises ValueError for what is none."""
        self.calls.restore(snapshot["calls"])
        self.values = {int(number): int(v) & _MASK for number, v in snapshot["registers"].items()}
        self.emulated = int(snapshot["emulated"])

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
