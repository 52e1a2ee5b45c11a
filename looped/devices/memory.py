"""Bytes of a RISC-V machine's memory, by address, for its hosts."""

from __future__ import annotations

from collections.abc import Sequence

from looped.devices.host import Port

__all__ = ["load", "places", "store"]


def places(port: Port, start: int, count: int) -> Sequence[int] | None:
    """The words that hold `count` bytes from an address on; None unless all are in one region."""
    regions = port.regions
    region = regions.region(start)
    if start < regions.bases[region] or start + count > regions.end(region, port.size):
        return None
    if count == 0:
        return ()
    first, last = regions.index(start), regions.index(start + count - 1)
    return range(first, last + 1, len(regions.bases))


def load(port: Port, start: int, count: int) -> bytes | None:
    """Bytes of memory from an address on; None if they are not all in memory."""
    found = places(port, start, count)
    if found is None:
        return None
    content = b"".join(port.memory(i).to_bytes(4, "little") for i in found)
    return content[start % 4 :][:count]


def store(port: Port, start: int, content: bytes) -> bool:
    """Store bytes in memory from an address on; False, and no change, if that is outside."""
    found = places(port, start, len(content))
    if found is None:
        return False
    words = b"".join(port.memory(i).to_bytes(4, "little") for i in found)
    at = start % 4
    words = words[:at] + content + words[at + len(content) :]
    for k, index in enumerate(found):
        port.set_memory(index, int.from_bytes(words[4 * k : 4 * k + 4], "little"))
    return True
