"""The host-target interface (HTIF): a program ends, writes and calls by the word `tohost`.

The official tests end by an odd number n there: the exit status is n >> 1, where 0 means that a
test has passed and k that its case k has failed. The official benchmarks write the address of a
call, four words of 64 bits with its number and arguments as for ECALL, wait until `fromhost` is not
zero, and find the result in the first word. A word of 64 bits that begins with the bytes 1, 1
prints the character in its lowest byte. No host serves other requests.

The weights contain nothing of this: the program waits in a loop of its own, and the host reads the
word every POLL_INTERVAL loops. For a request that it does not serve, or an end, it sets `trap` with
the cause of an environment call, and the machine stays halted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from looped.devices.csr import ControlRegisters
from looped.devices.host import Port
from looped.devices.memory import load, store
from looped.image import Regions

__all__ = ["Htif"]

_ECALL = 11
_PRINTS = 0x0101
_WORDS = 4
_MASK = 0xFFFFFFFF


class Htif:
    """A host that polls the word of memory at the address `tohost`; `inner` serves all traps.

    It answers at the address `fromhost`, if there is one. `status` is the status with which the
    program has ended there, None before.
    """

    def __init__(
        self, tohost: int, fromhost: int | None, regions: Regions, inner: ControlRegisters
    ) -> None:
        self.poll_address: int | None = regions.index(tohost)
        self.tohost = tohost
        self.fromhost = fromhost
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
        """Let `inner` serve a trap; without one, serve the request at `tohost`, or trap."""
        if port.cpu("trap"):
            return self.inner.serve(port)
        content = load(port, self.tohost, 8) or load(port, self.tohost, 4) or b""
        request = int.from_bytes(content, "little")
        if request & 1 == 0 or request >> 48 == _PRINTS:
            written = self._served(port, request)
            if written is not None:
                return written
        else:
            self.status = (request & _MASK) >> 1
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

    def _served(self, port: Port, request: int) -> bytes | None:
        """Print a character or make a call; None if the request is neither."""
        if request >> 48 == _PRINTS:
            self._answer(port)
            return bytes([request & 0xFF])
        call = load(port, request, 8 * _WORDS) if request <= _MASK else None
        if call is None or self.fromhost is None:
            return None
        words = [int.from_bytes(call[at : at + 4], "little") for at in range(0, 8 * _WORDS, 8)]
        result, written = self.inner.calls.call(port, *words)
        if self.inner.calls.exit_code is not None:
            return None
        store(port, request, (result & (1 << 64) - 1).to_bytes(8, "little"))
        self._answer(port)
        return written

    def _answer(self, port: Port) -> None:
        """The request is served: clear it, and tell the program."""
        store(port, self.tohost, bytes(4))
        store(port, self.tohost + 4, bytes(4))
        if self.fromhost is not None:
            store(port, self.fromhost, (1).to_bytes(4, "little"))
