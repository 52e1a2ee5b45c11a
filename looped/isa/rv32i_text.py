"""RISC-V instructions as text, in the syntax of the assembler."""

from __future__ import annotations

from collections.abc import Mapping

from looped.isa.control_registers import CONTROL_NAMES
from looped.isa.rv32i import ABI_NAMES, INSTRUCTIONS, Decoded, Encoding, decode

__all__ = ["disassemble"]

_LOAD, _JALR = 0x03, 0x67
_ORDERINGS = ("", ".rl", ".aq", ".aqrl")
"""What the bits aq and rl add to the mnemonic of an atomic instruction."""

_MASK = 0xFFFFFFFF


def disassemble(word: int, pc: int = 0, instructions: Mapping[str, Encoding] = INSTRUCTIONS) -> str:
    """The instruction in a 32-bit word at the byte address `pc`; targets are absolute.

    A word that is not in `instructions` (by default RV32I), or that has no text of its own, is a
    `.word`. The text assembles, at that address, to the word.
    """
    found = decode(word, instructions)
    operands = None if found is None else _operands(found, instructions[found.mnemonic], pc)
    if found is None or operands is None:
        return f".word {word:#010x}"
    ordered = _ORDERINGS[found.imm] if instructions[found.mnemonic].format == "A" else ""
    return f"{found.mnemonic}{ordered} {operands}".strip()


def _operands(found: Decoded, encoding: Encoding, pc: int) -> str | None:
    """The operands of an instruction, None for a fence that has no text."""
    rd, rs1, rs2 = (ABI_NAMES[number] for number in (found.rd, found.rs1, found.rs2))
    if found.mnemonic == "fence":
        return _fence(found)
    if found.mnemonic == "fence.i":
        return None if found.rd or found.rs1 or found.imm else ""
    if encoding.funct12 is not None:
        return ""
    if encoding.format == "C":
        operand = str(found.rs1) if found.mnemonic.endswith("i") else rs1
        return f"{rd}, {CONTROL_NAMES.get(found.imm, f'{found.imm:#x}')}, {operand}"
    if encoding.opcode in (_LOAD, _JALR):
        return f"{rd}, {found.imm}({rs1})"
    target = f"{pc + found.imm & _MASK:#x}"
    return {
        "R": f"{rd}, {rs1}, {rs2}",
        "I": f"{rd}, {rs1}, {found.imm}",
        "S": f"{rs2}, {found.imm}({rs1})",
        "B": f"{rs1}, {rs2}, {target}",
        "U": f"{rd}, {found.imm & 0xFFFFF:#x}",
        "J": f"{rd}, {target}",
        "A": f"{rd}, ({rs1})" if encoding.rs2 is not None else f"{rd}, {rs2}, ({rs1})",
    }[encoding.format]


def _fence(found: Decoded) -> str | None:
    if found.rd or found.rs1 or not 0 <= found.imm <= 0xFF:
        return None
    before, after = _accesses(found.imm >> 4), _accesses(found.imm & 15)
    return f"{before}, {after}" if before and after else None


def _accesses(bits: int) -> str:
    """Four bits as the letters of the accesses that they stand for."""
    return "".join(letter for i, letter in enumerate("wroi") if bits >> i & 1)[::-1]
