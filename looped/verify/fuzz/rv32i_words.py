"""Random RV32I words: operands at the corners of 32 bits, and words that are no instructions."""

from __future__ import annotations

import random

from looped.isa.rv32i import INSTRUCTIONS, decode, encode

__all__ = ["corner", "illegal", "immediate", "random_instruction"]

_MASK = 0xFFFFFFFF
_SYSTEM, _MRET, _FENCE_I = 0x73, 0x30200073, 0x100F


def corner(rng: random.Random, memory: int) -> int:
    """A word: near 0, a power of two or its negative, an edge of memory or an address; or any."""
    kind = rng.random()
    if kind < 0.3:
        return rng.choice((0, 1, 2, 31, 32, 33, _MASK, _MASK - 1, 1 << 31, (1 << 31) - 1))
    if kind < 0.5:
        power = 1 << rng.randrange(32)
        return rng.choice((power, power - 1, power + 1, -power, -power - 1)) & _MASK
    if kind < 0.6:
        return 4 * memory + rng.choice((-8, -4, -2, -1, 0, 1, 2, 4))
    if kind < 0.75:
        return rng.choice((0, 0, 0, 1 << 31)) + rng.randrange(4 * memory)
    if kind < 0.85:
        return random_instruction(rng)
    return rng.getrandbits(32)


def immediate(rng: random.Random, bits: int) -> int:
    """A signed immediate of so many bits, often one of its corners."""
    half = 1 << bits - 1
    if rng.random() < 0.5:
        return rng.choice((0, 1, 2, -1, -2, half - 1, -half, 1 << rng.randrange(bits - 1)))
    return rng.randrange(-half, half)


def random_instruction(rng: random.Random) -> int:
    """An instruction that does no harm where it is executed: it computes something."""
    rd, rs1, rs2 = (rng.randrange(32) for _ in range(3))
    if rng.random() < 0.5:
        mnemonic = rng.choice(("addi", "slti", "sltiu", "xori", "ori", "andi"))
        return encode(mnemonic, rd, rs1, imm=immediate(rng, 12))
    mnemonic = rng.choice(("add", "sub", "sll", "slt", "sltu", "xor", "srl", "sra", "or", "and"))
    return encode(mnemonic, rd, rs1, rs2)


def illegal(rng: random.Random) -> int:
    """A word that traps as illegal and that no host serves, often an instruction but for a bit."""
    while True:
        kind = rng.random()
        if kind < 0.75:
            encoding = INSTRUCTIONS[rng.choice(list(INSTRUCTIONS))]
            word = rng.getrandbits(32) & ~encoding.mask & _MASK | encoding.match
            fixed = [i for i in range(32) if encoding.mask >> i & 1]
            word ^= 1 << rng.choice(fixed)
        elif kind < 0.9:
            opcode = rng.choice([e.opcode for e in INSTRUCTIONS.values()])
            word = rng.getrandbits(32) & ~0x7F | opcode
        else:
            word = rng.choice((0, _MASK, rng.getrandbits(32)))
        served = word == _MRET or (word & 0x7F == _SYSTEM and bool(word >> 12 & 3))
        served |= word & 0x707F == _FENCE_I
        if decode(word) is None and not served:
            return word
