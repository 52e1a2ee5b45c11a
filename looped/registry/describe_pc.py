"""Where a program is: address, source line, and the instruction as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from looped.registry.registry import machine

if TYPE_CHECKING:
    from looped.devices.host import ColumnPort
    from looped.image import Image

__all__ = ["describe_pc", "disassembled"]


def describe_pc(image: Image, port: ColumnPort) -> str:
    """The program counter of a machine, the source line if known, and the instruction there."""
    pc = port.cpu("pc")
    shown = f"{pc:#x}" if image.addresses_per_word > 1 else str(pc)
    location = image.location(pc)
    instruction = disassembled(image, port, pc)
    return (
        f"address {shown}"
        + (f" ({location})" if location else "")
        + (f": {instruction}" if instruction else "")
    )


def disassembled(image: Image, port: ColumnPort, pc: int) -> str | None:
    """The instruction at an address, None outside memory; a baked one is as the weights have it."""
    from looped.devices.accesses import word_at  # few commands show instructions

    described, index = machine(image.machine), image.index(pc)
    places = range(index, index + described.instruction_words)
    if places.stop > port.size:
        return None
    words = tuple(word_at(image, port, place) for place in places)
    return described.disassemble(words, pc, image.width)
