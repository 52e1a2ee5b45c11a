"""Stillness: notices that a program stands still, in an instruction that jumps to itself.

If an instruction leaves the whole residual stream as it is, and no device takes part, every later
loop does the same. Nothing but the state decides this: the instruction may be a jump, a branch, or
a subtraction.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from looped.run.computer import PC_UNKNOWN, Computer, Event

__all__ = ["Stillness"]


class Stillness:
    """Watches the only program of a computer, stretch by stretch.

    To compare two states takes time for each word of memory. So it compares only around an
    instruction that has jumped to itself, and less and less often if such instructions change
    something.
    """

    def __init__(self, computer: Computer) -> None:
        self.computer = computer
        self._last = PC_UNKNOWN
        self._before: tuple[npt.NDArray[np.generic], ...] | None = None
        self._skipped = self._skips = 0
        self.suspects = False
        """Whether the next stretch should be one instruction, so that `look` can tell."""

    def look(self, event: Event) -> bool:
        """Whether the program stands still after a stretch with this last event."""
        last, self._last = self._last, event.next_pc
        if event.pc == PC_UNKNOWN:
            self._before, self.suspects = None, event.retired and event.next_pc == last
            return False
        if not _jumps_to_itself(event) or self._skipped < self._skips:
            self._skipped += 1
            self._before, self.suspects = None, False
            return False
        before, now = self._before, self._state()
        self._before, self.suspects = now, before is None
        if before is None:
            return False
        if all(np.array_equal(one, other) for one, other in zip(before, now, strict=True)):
            return not self.computer.is_polled_for()
        self._before, self._skipped, self._skips = None, 0, 2 * self._skips + 1
        return False

    def _state(self) -> tuple[npt.NDArray[np.generic], ...]:
        """The words of memory and of registers, and all lanes of the CPU columns."""
        plan, engine = self.computer.plan, self.computer.engine
        lanes = np.arange(plan.d_model)
        return (self.computer.values(), *(engine.read(cpu, lanes)[0] for cpu in plan.cpus))


def _jumps_to_itself(event: Event) -> bool:
    """Whether an instruction has left the program counter as it was, and no device took part."""
    own = event.consumed is None and event.emitted is None and event.cause is None
    told = event.written or event.served
    return event.retired and event.pc == event.next_pc and own and not told
