"""The environment of a RISC-V hart that has control registers and goes to its handlers itself.

What is left are the traps that the hart does not take to a handler: it has none, or the environment
comes first. The environment executes loads and stores that the hart cannot complete, of which the
misaligned ones are its business only without a handler. An EBREAK that asks for nothing goes to the
handler, and so does an access outside memory.
"""

from __future__ import annotations

from looped.reference.privileged import Privileged
from looped.reference.reference import Service
from looped.reference.rv32i import Rv32i
from looped.reference.rv32ima import Rv32ima

__all__ = ["Handlers"]


class Handlers(Privileged):
    """Serves a hart of RV32IMA; see Privileged."""

    def serve(self, hart: Rv32i, executed: int, done: Service) -> bool:
        """Serve a trap; False if nothing here serves it."""
        assert isinstance(hart, Rv32ima)
        if hart.cause in (0, 1):
            return False
        following = self.access(hart, hart.memory[hart.index(hart.pc)], done)
        if following is not None:
            self.emulated += 1
            self.resume(hart, following)
        elif hart.handler and hart.cause in (3, 5, 7):
            done.registers += hart.enter(hart.cause)
        else:
            return False
        return True
