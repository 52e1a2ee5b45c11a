"""The parameters of a machine that say where its memory lies in the address space."""

from __future__ import annotations

from collections.abc import Sequence

from looped.image import Image, Regions
from looped.image.elf import ROOM
from looped.registry.definition import MAXIMUM_MEMORY, MINIMUM_MEMORY
from looped.registry.parameters import Parameter

__all__ = ["REGIONS", "most_memory", "room"]


_SOURCE_ROOM = 1 << 14
"""Words beyond the program of a source, 64 KiB: a stack."""

_STACK = "__stack"
"""The top of the stack in picolibc's linker script."""


def room(image: Image) -> int:
    """The words beyond a program that it expects: for a linked one up to the top of its stack, if a
    linker script says where that is."""
    if not image.linked:
        return _SOURCE_ROOM
    top = image.symbols.get(_STACK)
    index = -1 if top is None else image.regions.index(top - 4)
    return max(ROOM, index + 1 - len(image.words)) if index < MAXIMUM_MEMORY else ROOM


def _bases(width: int) -> Sequence[int]:
    return range(0, 1 << max(width, 0), 4 * MINIMUM_MEMORY)


REGIONS = (
    Parameter("base", "the first address of memory", _bases, lambda width: 0),
    Parameter("second", "the first address of a second region, 0 for none", _bases, lambda w: 0),
)
"""The parameters of a machine with byte addresses."""


def most_memory(**parameters: int) -> int:
    """The most words that regions with these bases can have."""
    return Regions.of(parameters).most_words()
