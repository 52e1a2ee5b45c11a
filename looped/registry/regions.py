"""The parameters of a machine that say where its memory lies in the address space."""

from __future__ import annotations

from collections.abc import Sequence

from looped.image import Image, Regions
from looped.image.elf import ROOM
from looped.registry.definition import MINIMUM_MEMORY
from looped.registry.parameters import Parameter

__all__ = ["REGIONS", "most_memory", "room"]


def room(image: Image) -> int:
    """The words beyond a program that it expects."""
    return ROOM


def _bases(width: int) -> Sequence[int]:
    return range(0, 1 << width, 4 * MINIMUM_MEMORY)


REGIONS = (
    Parameter("base", "the first address of memory", _bases, lambda width: 0),
    Parameter("second", "the first address of a second region, 0 for none", _bases, lambda w: 0),
)
"""The parameters of a machine with byte addresses."""


def most_memory(**parameters: int) -> int:
    """The most words that regions with these bases can have."""
    return Regions.of(parameters).most_words()
