"""Segments of an ELF file to the words of a memory.

Bytes go to their physical addresses, as in QEMU and Spike: a start-up code copies its data from
there to the addresses that it is linked for. So both kinds of addresses must be in memory. Segments
that overlap are loaded in the order of the file, each with the zeros after its content.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from looped.image.regions import Regions

__all__ = ["Placed", "Segment", "place", "without_headers"]

_PAGE = 4096
_SPACE = 1 << 32
_UNIT = 4
_MOST_REGIONS = 2
_HALVES = 10
"""How often the wanted room may be halved before a program gets none."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Bytes to load at a physical address, and zeros after them up to `size`.

    The program is linked to find them at the `virtual` address.
    """

    physical: int
    virtual: int
    content: bytes
    size: int

    @property
    def extents(self) -> tuple[tuple[int, int], ...]:
        """The ranges of addresses, first and end, that must be in memory."""
        return tuple((at, at + self.size) for at in {self.physical, self.virtual})


@dataclass(frozen=True, slots=True)
class Placed:
    """The words of a memory and the regions of their addresses."""

    words: tuple[int, ...]
    regions: Regions


def without_headers(segment: Segment, headers: int) -> Segment | None:
    """A segment without the pages at its beginning that hold nothing but zeros after `headers`
    bytes of headers; None if nothing is left."""
    content = segment.content
    first = next((i for i in range(headers, len(content)) if content[i]), len(content))
    if first == len(content) == segment.size:
        return None
    cut = (segment.physical + first) // _PAGE * _PAGE - segment.physical
    if cut <= 0:
        return segment
    return Segment(segment.physical + cut, segment.virtual + cut, content[cut:], segment.size - cut)


def place(segments: Sequence[Segment], room: int, most: int) -> Placed | tuple[int, int]:
    """Segments in a memory of at most `most` words, with `room` words beyond them if possible.

    If there is no such memory, returns the first address and the end of what it would have to hold.
    """
    extents = sorted({extent for segment in segments for extent in segment.extents})
    regions = _regions(extents, room, most)
    if regions is None:
        return extents[0][0], max(end for _, end in extents)
    return Placed(_words(segments, extents, regions), regions)


def _regions(extents: list[tuple[int, int]], room: int, most: int) -> Regions | None:
    """The fewest regions that hold all extents, with as much room as there can be, and of the
    smallest size with that room."""
    for count in range(1, _MOST_REGIONS + 1):
        for share in range(_HALVES + 1):
            wanted = room * _UNIT // count >> share if share < _HALVES else 0
            size = _PAGE
            while size * count <= most * _UNIT:
                bases = _bases(extents, size, wanted)
                if len(bases) <= count:
                    return Regions(tuple(sorted(bases)))
                size *= 2
    return None


def _bases(extents: Iterable[tuple[int, int]], size: int, room: int) -> set[int]:
    """The blocks of `size` addresses, each a multiple of its size, that hold all extents and `room`
    addresses after the last extent of each block."""
    last: dict[int, int] = {}
    blocks = set()
    for first, end in extents:
        blocks |= set(range(first // size, (max(first, end - 1)) // size + 1)[:4])
        home = max(first, end - 1) // size
        last[home] = max(last.get(home, 0), end)
    for end in last.values():
        blocks.add((min(end + room, _SPACE) - 1) // size)
    return {block * size for block in blocks}


def _words(
    segments: Sequence[Segment], extents: list[tuple[int, int]], regions: Regions
) -> tuple[int, ...]:
    """All words from the first one to the last one that a segment has."""
    count = 1 + max(regions.index(end - 1) for first, end in extents if end > first)
    strips = [bytearray(count * _UNIT) for _ in regions.bases]
    for segment in segments:
        region = regions.region(segment.physical)
        at = segment.physical - regions.bases[region]
        zeros = bytes(segment.size - len(segment.content))
        strips[region][at : at + segment.size] = segment.content + zeros
    words = [struct.unpack(f"<{count}I", strip) for strip in strips]
    if len(words) == 1:
        return words[0]
    return tuple(word for pair in zip(*words, strict=True) for word in pair)[:count]
