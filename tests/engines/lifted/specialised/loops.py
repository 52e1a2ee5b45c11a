"""Random programs that are loops, and that change themselves while they run."""

from __future__ import annotations

import random

from looped.isa import rv32im
from looped.isa.rv32i import encode

__all__ = ["any_register", "branches", "instruction", "riscv_loop", "subleq_loop"]

_REGISTERS = range(1, 12)


def subleq_loop(rng: random.Random, width: int, memory: int) -> list[int]:
    """A few instructions and a jump back to the first one. Some write to operands of any of them,
    the next and their own included; some branch ahead."""
    count = rng.randint(1, 6)
    end = 3 * count
    zero, data = end + 3, range(end + 3, memory)
    mask = (1 << width) - 1
    rarely = [rng.randrange(end), mask if rng.random() < 0.3 else 0]  # the mask asks for input
    words: list[int] = []
    for place in range(count):
        own = range(3 * place, 3 * place + 6)
        target = rng.choice([rng.choice(data)] * 4 + [rng.randrange(end), rng.choice(own)])
        source = rng.choice([rng.choice(data)] * 4 + rarely)
        branch = rng.choice([3 * place + 3] * 3 + [3 * rng.randint(place + 1, count)])
        words += [source, target, branch]
    words += [zero, zero, 0]
    small = [0, 1, 1, mask, mask, 3, mask - 2, rng.randrange(1 << width)]
    return words + [0] + [rng.choice(small) for _ in range(memory - len(words) - 1)]


def riscv_loop(
    rng: random.Random, memory: int, machine: str = "rv32i", traps: bool = False
) -> list[int]:
    """A few instructions of all kinds and a jump back to the first one, with short branches ahead.
    Loads and stores go to any word, so that some change the loop. With `traps`, some read input,
    write output, or are no instructions."""
    body = [instruction(rng, memory, machine) for _ in range(rng.randint(2, 9))]
    if traps and rng.random() < 0.5:
        body[rng.randrange(len(body))] = encode("ecall") if rng.random() < 0.8 else 0
    body = branches(rng, body)
    start = [encode("addi", any_register(rng), 0, imm=rng.randint(-2048, 2047)) for _ in range(4)]
    if traps:
        start += [encode("addi", place, 0, imm=number) for place, number in _call(rng, memory)]
    words = [*start, *body, encode("jal", imm=-4 * len(body))]
    return words + [rng.getrandbits(32) for _ in range(memory - len(words))]


def branches(rng: random.Random, body: list[int]) -> list[int]:
    """Instructions, some of them replaced by short branches ahead."""
    words = list(body)
    for place in range(len(words)):
        if rng.random() < 0.25:
            ahead = 4 * rng.randint(1, len(words) - place)
            mnemonic = rng.choice(["beq", "bne", "blt", "bge", "bltu", "bgeu"])
            words[place] = encode(mnemonic, 0, any_register(rng), any_register(rng), ahead)
    return words


def _call(rng: random.Random, memory: int) -> list[tuple[int, int]]:
    """Registers of a system call that reads or writes a few bytes."""
    service = rng.choice([63, 64])
    at = rng.randrange(4 * memory - 4)
    return [(17, service), (10, service - 63), (11, at), (12, rng.randint(1, 4))]


def any_register(rng: random.Random) -> int:
    """One of the registers of loops."""
    return rng.choice(_REGISTERS)


def instruction(rng: random.Random, memory: int, machine: str) -> int:
    """A load, a store or a computation."""
    kind = rng.random()
    at = 4 * rng.randrange(memory)
    if kind < 0.12:
        return encode(rng.choice(["lw", "lh", "lbu"]), any_register(rng), imm=at)
    if kind < 0.24:
        return encode(rng.choice(["sw", "sh", "sb"]), rs2=any_register(rng), imm=at)
    if kind < 0.3:
        return encode(rng.choice(["lui", "auipc"]), any_register(rng), imm=rng.randint(-100, 100))
    if kind < 0.42:
        mnemonic = rng.choice(["slli", "srli", "srai"])
        return encode(mnemonic, any_register(rng), any_register(rng), imm=rng.randint(0, 31))
    if kind < 0.6:
        mnemonic = rng.choice(["addi", "slti", "sltiu", "xori", "ori", "andi"])
        return encode(mnemonic, any_register(rng), any_register(rng), imm=rng.randint(-2048, 2047))
    names = ["add", "sub", "sll", "slt", "sltu", "xor", "srl", "sra", "or", "and"]
    if machine != "rv32i":
        names += ["mul", "mulh", "mulhu", "mulhsu", "div", "divu", "rem", "remu"]
    mnemonic = rng.choice(names)
    return encode(
        mnemonic,
        any_register(rng),
        any_register(rng),
        any_register(rng),
        instructions=rv32im.INSTRUCTIONS,
    )
