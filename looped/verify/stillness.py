"""Stillness: notices in a lockstep that the program stands still, so that it may end there.

If an instruction leaves memory, registers and all words of the CPU as they are on the reference,
and no input or output takes part, every later instruction does the same; and so it does on the
engine, whose state is the same.
"""

from __future__ import annotations

from looped.verify.pairs import Pairs

__all__ = ["Stillness"]


class Stillness:
    """Watches a lockstep of one program, stretch by stretch.

    To compare two states takes time for each word of memory. So it compares only if two stretches
    end at the same place, and less and less often if the instruction there changes something.
    """

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs
        self._last: int | None = None
        self._skipped = self._skips = 0

    def look(self) -> bool:
        """Whether the program stands still after a stretch; may execute an instruction."""
        if len(self.pairs.expected) > 1 or self.pairs.expected[0].halted or self.pairs.loops[0]:
            return False
        place = self.pairs.expected[0].reference.pc
        last, self._last = self._last, place
        if place != last:
            return False
        if self._skipped < self._skips:
            self._skipped += 1
            return False
        before, done = self._state(), self.pairs.counts[0]
        self.pairs.advance(1)
        if self.pairs.counts[0] == done + 1 and self._state() == before:
            return not self.pairs.computer.is_polled_for()
        self._skipped, self._skips = 0, 2 * self._skips + 1
        return False

    def _state(self) -> tuple[object, ...]:
        """All that an instruction can change on the reference."""
        expected = self.pairs.expected[0]
        host = self.pairs.hosts[0]
        served = None if host is None else host.emulated
        return {**expected.cpu}, [*expected.words], len(expected.output), expected.taken, served
