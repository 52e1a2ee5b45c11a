"""The host-target interface (HTIF): a program ends by writing to the word `tohost`, as the official
tests do.

An odd number ends the program with the status number >> 1: 1 means that a test has passed, 2n + 1
that its case n has failed. No host serves other numbers, which are requests. The weights contain
nothing of this: the program waits in a loop of its own, and the host reads the word every
POLL_INTERVAL loops. If the word is not zero, the host sets `trap` with the cause of an environment
call, and the machine stays halted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from looped.devices.csr import ControlRegisters
from looped.devices.host import Port

__all__ = ["Htif"]

_ECALL = 11


class Htif:
    """A host that polls the word of memory with the index `tohost`; `inner` serves all traps.

    `status` is the status with which the program has ended there, None before.
    """

    def __init__(self, tohost: int, inner: ControlRegisters) -> None:
        self.poll_address: int | None = tohost
        self.inner = inner
        self.status: int | None = None

    @property
    def exit_code(self) -> int | None:
        """The exit status of the program, None before it has one.

        It is the lowest 8 bits of `status`, but 1 if these are zero and `status` is not.
        """
        if self.status is None:
            return self.inner.exit_code
        return self.status & 0xFF or int(self.status > 0)

    @property
    def emulated(self) -> int:
        """How many instructions `inner` has executed."""
        return self.inner.emulated

    def serve(self, port: Port) -> bytes:
        """Let `inner` serve a trap; without one, take the number at `tohost` and trap."""
        if port.cpu("trap"):
            return self.inner.serve(port)
        assert self.poll_address is not None
        number = port.memory(self.poll_address)
        if number & 1:
            self.status = number >> 1
        port.set_cpu("trap", 1)
        port.set_cpu("cause", _ECALL)
        return b""

    def snapshot(self) -> dict[str, Any]:
        """The state of both hosts, as values that JSON can hold."""
        return {"status": self.status, "inner": self.inner.snapshot()}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Continue from a snapshot. Raises as `inner` does for an invalid one."""
        status = snapshot["status"]
        self.status = None if status is None else int(status)
        self.inner.restore(snapshot["inner"])
