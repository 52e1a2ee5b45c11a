"""Where a program is: address, source line, and the instruction as text."""

from __future__ import annotations

from looped.devices.host import ColumnPort
from looped.image import Image
from looped.isa import SUBLEQ
from looped.isa.rv32i import word_index
from looped.isa.rv32i_text import disassemble
from looped.isa.rv32im import RISCV

__all__ = ["describe_pc"]


def describe_pc(image: Image, port: ColumnPort) -> str:
    """The program counter of a machine, the source line if it is known, and what stands there."""
    pc = port.cpu("pc")
    shown = f"{pc:#x}" if image.addresses_per_word > 1 else str(pc)
    location = image.location(pc)
    instruction = _instruction(image, port, pc)
    return (
        f"address {shown}"
        + (f" ({location})" if location else "")
        + (f": {instruction}" if instruction else "")
    )


def _instruction(image: Image, port: ColumnPort, pc: int) -> str | None:
    """What is executed at an address, None where there is nothing."""
    index, count = pc, len(SUBLEQ.instructions[0].operands)
    if image.machine != SUBLEQ.name:
        index, count = word_index(pc), 1
    if index + count > port.size:
        return None
    baked = port.plan.baked
    memory = image.padded(port.size) if baked else None
    words = [memory[i] if memory else port.memory(i) for i in range(index, index + count)]
    if image.machine != SUBLEQ.name:
        return disassemble(words[0], pc, RISCV[image.machine])
    half, full = 1 << image.width - 1, 1 << image.width
    operands = ", ".join(str(word - full if word >= half else word) for word in words)
    return f"{SUBLEQ.instructions[0].mnemonic} {operands}"
