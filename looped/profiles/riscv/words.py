"""Random RISC-V words: operands at the corners of 32 bits, and illegal words."""

from __future__ import annotations

import random
from collections.abc import Mapping

from looped.image import Regions
from looped.isa.rv32i import INSTRUCTIONS, Encoding, decode, encode

__all__ = ["corner", "csr_instruction", "illegal", "immediate", "random_instruction"]

_MASK = 0xFFFFFFFF
_SYSTEM, _MRET, _WFI, _FENCE_I = 0x73, 0x30200073, 0x10500073, 0x100F
_REGISTERS = 0x33

_BY_OPCODE: dict[int, list[Encoding]] = {}
for _encoding in INSTRUCTIONS.values():
    _BY_OPCODE.setdefault(_encoding.opcode, []).append(_encoding)


def corner(rng: random.Random, memory: int, regions: Regions) -> int:
    """A word: near 0, a power of two or its negative, an edge of memory or an address; or any."""
    kind = rng.random()
    if kind < 0.3:
        return rng.choice((0, 1, 2, 31, 32, 33, _MASK, _MASK - 1, 1 << 31, (1 << 31) - 1))
    if kind < 0.5:
        power = 1 << rng.randrange(32)
        return rng.choice((power, power - 1, power + 1, -power, -power - 1)) & _MASK
    if kind < 0.6:
        end = regions.end(rng.randrange(len(regions.bases)), memory)
        return end + rng.choice((-8, -4, -2, -1, 0, 1, 2, 4)) & _MASK
    if kind < 0.75:
        return regions.address(rng.randrange(memory)) + rng.randrange(4)
    if kind < 0.85:
        return random_instruction(rng)
    return rng.getrandbits(32)


def immediate(rng: random.Random, bits: int) -> int:
    """A signed immediate of `bits` bits, often one of its corners."""
    half = 1 << bits - 1
    if rng.random() < 0.5:
        return rng.choice((0, 1, 2, -1, -2, half - 1, -half, 1 << rng.randrange(bits - 1)))
    return rng.randrange(-half, half)


def random_instruction(rng: random.Random) -> int:
    """An instruction that is harmless wherever it runs: it only computes."""
    rd, rs1, rs2 = (rng.randrange(32) for _ in range(3))
    if rng.random() < 0.5:
        mnemonic = rng.choice(("addi", "slti", "sltiu", "xori", "ori", "andi"))
        return encode(mnemonic, rd, rs1, imm=immediate(rng, 12))
    mnemonic = rng.choice(("add", "sub", "sll", "slt", "sltu", "xor", "srl", "sra", "or", "and"))
    return encode(mnemonic, rd, rs1, rs2)


def illegal(rng: random.Random, instructions: Mapping[str, Encoding]) -> int:
    """A word that traps as illegal and that no host serves, mostly an instruction with one wrong
    bit."""
    while True:
        kind = rng.random()
        if kind < 0.75:
            word = _nearly_legal(rng)
        elif kind < 0.85:
            word = rng.getrandbits(32) & ~0x7F | rng.choice(list(_BY_OPCODE))
        elif kind < 0.95:
            word = rng.getrandbits(25) & ~0x7F | 1 << 25 | _REGISTERS  # of the M extension
        else:
            word = rng.choice((0, _MASK, rng.getrandbits(32)))
        served = word in (_MRET, _WFI) or (word & 0x7F == _SYSTEM and bool(word >> 12 & 3))
        if decode(word, instructions) is None and not served and word & 0x707F != _FENCE_I:
            return word


def _nearly_legal(rng: random.Random) -> int:
    """An instruction with one wrong bit, seldom in the opcode; all opcodes are equally frequent."""
    encodings = _BY_OPCODE[rng.choice(list(_BY_OPCODE))]
    rich = [encoding for encoding in encodings if encoding.mask >> 25]
    encoding = rng.choice(rich if rich and rng.random() < 0.5 else encodings)
    word = rng.getrandbits(32) & ~encoding.mask & _MASK | encoding.match
    fixed = [i for i in range(32) if encoding.mask >> i & 1]
    beyond = [i for i in fixed if i > 6]
    return word ^ 1 << rng.choice(beyond if beyond and rng.random() < 0.9 else fixed)


def csr_instruction(kind: int, number: int, rd: int, rs1: int) -> int:
    """CSRRW (kind 1) or CSRRS (kind 2)."""
    return number << 20 | rs1 << 15 | kind << 12 | rd << 7 | 0x73
