"""What ends a run from outside: a signal, or its time limit."""

from __future__ import annotations

import select
import signal
import threading
import time
from enum import Enum
from io import BufferedIOBase
from types import FrameType
from typing import Any

__all__ = ["End", "Interrupts", "Stop"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class End(Enum):
    """Why a run is over."""

    HALTED = "the program halted"
    ENDLESS = "the program stands still: an instruction jumps to itself"
    STEPS = "the step limit"
    TIME = "the time limit"
    OUTPUT = "the output limit"
    SIGNAL = "a signal"


class Stop(Exception):
    """Ends a wait for input; `end` says why."""

    def __init__(self, end: End) -> None:
        super().__init__(end.value)
        self.end = end


class Interrupts:
    """Notes SIGINT and SIGTERM inside its `with` block, so that a run ends between two loops.

    A second signal raises KeyboardInterrupt at once. The time limit of the run ends `seconds` after
    the first call of `begin`. `received` is the number of the signal, None before one comes.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self.seconds = seconds
        self.deadline: float | None = None
        self.received: int | None = None
        self._waiting = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def begin(self) -> None:
        """The first instruction comes next: the time of the run begins."""
        if self.deadline is None and self.seconds is not None:
            self.deadline = time.monotonic() + self.seconds

    def end(self) -> End | None:
        """Why the run must end now, or None."""
        if self.received is not None:
            return End.SIGNAL
        if self.deadline is not None and time.monotonic() >= self.deadline:
            return End.TIME
        return None

    def wait(self, stream: BufferedIOBase) -> None:
        """Wait until a stream has something to read. Raises Stop if the run must end first."""
        self._waiting = True
        try:
            end = self.end()
            if end is not None:
                raise Stop(end)
            left = None if self.deadline is None else max(0.0, self.deadline - time.monotonic())
            ready, _, _ = select.select([stream], [], [], left)
        finally:
            self._waiting = False
        if not ready:
            raise Stop(End.TIME)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None:
            raise KeyboardInterrupt
        self.received = number
        if self._waiting:
            raise Stop(End.SIGNAL)
