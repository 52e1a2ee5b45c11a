"""Environment: what a person may choose about the world around a program."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["USUAL", "Environment"]


@dataclass(frozen=True, slots=True)
class Environment:
    """How traps of a program are served; a machine without traps has no use for it.

    With `emulates_misaligned` the host executes loads and stores at addresses that are not a
    multiple of their size; otherwise they trap.
    """

    emulates_misaligned: bool = True


USUAL = Environment()
"""What holds unless a person chooses something else."""
