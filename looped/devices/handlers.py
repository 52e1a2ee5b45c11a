"""The host of a RISC-V machine that has machine mode in its weights.

The weights take traps to the program's handler. This host serves the traps that they do not take
there: without a handler all of them, else those about which the host is asked first. These are
EBREAK, which may be semihosting, and in a memory of two regions accesses outside memory, which may
lie in the other region than their base register; the host takes the rest of these to the handler.
"""

from __future__ import annotations

from looped.devices.csr import ControlRegisters
from looped.devices.host import Port
from looped.devices.misaligned import MISALIGNED, execute_access
from looped.devices.resume import resume
from looped.devices.semihosting import is_semihosting
from looped.isa.rv32i import accessed
from looped.isa.rv32ima import REGISTERS

__all__ = ["Handlers"]

_BREAKPOINT, _OUTSIDE = 3, (5, 7)


class Handlers(ControlRegisters):
    """A host that has no control registers; `calls` serves what asks for it."""

    def serve(self, port: Port) -> bytes:
        """Execute an access, go to the program's handler, or let `calls` serve."""
        cause, pc = port.cpu("cause"), port.cpu("pc")
        if is_semihosting(port):
            return self.calls.serve(port)
        misaligned = cause in MISALIGNED and self.environment.emulates_misaligned
        across = cause in _OUTSIDE and len(port.regions.bases) > 1
        if (misaligned or across) and execute_access(port):
            self.emulated += 1
            resume(port, pc + 4)
            return b""
        if port.cpu("handled") and cause in (_BREAKPOINT, *_OUTSIDE):
            _enter(port, pc, cause)
            return b""
        return self.calls.serve(port)


def _enter(port: Port, pc: int, cause: int) -> None:
    """Go to the handler, as the weights do."""
    value = 0 if cause == _BREAKPOINT else _address(port, pc)
    for name, content in (("mepc", pc), ("mcause", cause), ("mtval", value)):
        port.set_register(REGISTERS[name], content)
    port.set_cpu("earlier", port.cpu("interrupts"))
    port.set_cpu("interrupts", 0)
    resume(port, port.register(REGISTERS["mtvec"]) & ~3)


def _address(port: Port, pc: int) -> int:
    """The address of the access at the program counter; an atomic one is at x[rs1]."""
    word = port.memory(port.regions.index(pc))
    access = accessed(word, port.register)
    return port.register(word >> 15 & 31) if access is None else access.address
