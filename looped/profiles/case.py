"""Case: a random program and its input. Coverage: which instructions a run has executed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from looped.image import Image

__all__ = ["Case", "Coverage"]


@dataclass(frozen=True, slots=True)
class Case:
    """A program that fills the memory of its machine, and its whole input."""

    image: Image
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Programs that ran, how many of them halted, and their instructions.

    `classes` counts instructions by what they do; an instruction may be of several classes.
    """

    programs: int = 0
    halted: int = 0
    steps: int = 0
    classes: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: Coverage) -> Coverage:
        return Coverage(
            self.programs + other.programs,
            self.halted + other.halted,
            self.steps + other.steps,
            self.classes + other.classes,
        )
