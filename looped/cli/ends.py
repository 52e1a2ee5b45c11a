"""The errors for a program that stopped before it halted."""

from __future__ import annotations

from looped.errors import (
    InterruptionError,
    LoopedError,
    OutputLimitError,
    StepLimitError,
    TimeLimitError,
)
from looped.run.interrupts import End
from looped.run.session import Session

__all__ = ["early_end"]


def early_end(name: str, session: Session) -> LoopedError:
    """The error that says why a program was stopped, and where."""
    where = f"after {session.steps} steps at {session.place()}"
    hint = None
    if session.recorder is not None:
        hint = f"continue with --resume {session.recorder.path}"
    if session.end is End.SIGNAL:
        assert session.interrupts.received is not None
        return InterruptionError(f"interrupted {where}", session.interrupts.received, hint)
    if session.end is End.TIME:
        return TimeLimitError(
            f"{name} did not halt within --timeout: it stopped {where}",
            hint=hint or "raise --timeout, or leave it out",
        )
    if session.end is End.OUTPUT:
        return OutputLimitError(
            f"{name} wrote more than {session.output.limit} bytes: it stopped {where}",
            hint=hint or "raise --max-output, or leave it out",
        )
    return StepLimitError(
        f"{name} did not halt within {session.steps} steps: it is at {session.place()}",
        hint=hint or "raise --steps, or leave it out",
    )
