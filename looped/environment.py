"""Environment: what a person may choose about the world around a program."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["USUAL", "Environment"]


@dataclass(frozen=True, slots=True)
class Environment:
    """How traps of a program are served; a machine without traps has no use for it.

    With `emulates_misaligned` the host executes loads and stores at addresses that are not a
    multiple of their size; otherwise they trap. `files` is the only folder whose files the program
    can open, None for no folder. `arguments` are the arguments of the program, its name not among
    them.
    """

    emulates_misaligned: bool = True
    files: Path | None = None
    arguments: tuple[str, ...] = ()


USUAL = Environment()
"""What holds unless a person chooses something else."""
