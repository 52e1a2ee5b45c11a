"""Stops: breakpoints and watchpoints, and why a run has stopped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from looped.debug.expressions import Expression
from looped.debug.words import Number

__all__ = ["Breakpoint", "Change", "Kind", "Stop", "Watchpoint"]

Kind = Literal["write", "read", "access"]
"""What a watchpoint watches: changes, reads, or reads and writes."""


@dataclass(slots=True)
class Breakpoint:
    """Stops before the instruction at `pc`, if `condition` is not zero there.

    `condition` is a text and what it means. `temporary` ones are deleted by their first hit. `hits`
    counts how often the run has stopped here.
    """

    number: int
    pc: int
    condition: tuple[str, Expression] | None = None
    temporary: bool = False
    enabled: bool = True
    hits: int = 0


@dataclass(slots=True, eq=False)
class Watchpoint:
    """Stops when the value of an expression changes.

    If `accessed` is given it stops after an instruction before which that is not zero, instead.
    """

    number: int
    text: str
    expression: Expression
    kind: Kind = "write"
    accessed: Expression | None = None
    enabled: bool = True
    hits: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """What a watched expression was, and what it is where the run has stopped; after a read both
    are the same."""

    watchpoint: Watchpoint
    old: Number
    new: Number


@dataclass(frozen=True, slots=True)
class Stop:
    """Why the run has stopped: at breakpoints, at changes, or because the program has ended.

    `began` is True if the run has gone back to its beginning, `interrupted` after Ctrl-C. If
    nothing is set, the run went as far as asked.
    """

    breakpoints: tuple[Breakpoint, ...] = ()
    changes: tuple[Change, ...] = ()
    halted: bool = False
    began: bool = False
    interrupted: bool = False

    @property
    def expected(self) -> bool:
        """Whether the run went as far as it was asked to."""
        stopped = self.halted or self.began or self.interrupted
        return not (self.breakpoints or self.changes or stopped)
