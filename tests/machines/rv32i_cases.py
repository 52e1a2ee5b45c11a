"""Single RV32I instructions in random states, and random programs, biased to corners."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np

from looped.artefact.embedding import State, embed, embed_words
from looped.artefact.plan import CompiledMachine, Plan
from looped.engines.dense import DenseEngine
from looped.image import Image
from looped.isa.rv32i import INSTRUCTIONS, encode
from looped.reference.rv32i import Rv32i
from tests import seeds

MASK = 0xFFFFFFFF
BATCH = 48
OPCODES = sorted({encoding.opcode for encoding in INSTRUCTIONS.values()})


@dataclass
class Case:
    """A hart about to execute the word at its program counter."""

    words: list[int]
    registers: list[int]
    pc: int
    trap: int = 0
    cause: int = 0

    @property
    def word(self) -> int:
        return self.words[self.pc >> 2]

    def reference(self) -> Rv32i:
        hart = Rv32i(self.words, 32, len(self.words), entry=self.pc)
        hart.x, hart.trap, hart.cause = list(self.registers), self.trap, self.cause
        return hart


def operand(rng: random.Random, memory: int) -> int:
    """A 32-bit word, often a power of two, an edge of memory or an address within it, or near."""
    edges = (0, 4 * memory, 1 << 31, 1 << 16, 1 << 17, 1 << rng.randrange(32), 31, 32)
    kind = rng.random()
    if kind < 0.5:
        return rng.choice(edges) + rng.choice((-4, -2, -1, 0, 0, 1, 2, 4)) & MASK
    if kind < 0.75:
        return rng.choice((0, 0, 1 << 31)) + rng.randrange(4 * memory)
    return rng.getrandbits(32)


def some_word(rng: random.Random, mnemonic: str | None) -> int:
    """A random encoding of an instruction; without one a word that is mostly none."""
    if mnemonic is None:
        return rng.getrandbits(32) & ~0x7F | rng.choice([*OPCODES, rng.getrandbits(7)])
    encoding = INSTRUCTIONS[mnemonic]
    word = rng.getrandbits(32) & ~encoding.mask & MASK | encoding.match
    if rng.random() < 0.2:
        word &= ~(rng.choice((0x1F << 7, 0x1F << 15, 0x7F << 25)) & ~encoding.mask)  # x0, small
    return word


def case(rng: random.Random, mnemonic: str | None, memory: int) -> Case:
    """An instruction somewhere in a memory of random words."""
    words = [operand(rng, memory) for _ in range(memory)]
    pc = 4 * rng.choice((0, memory - 1, rng.randrange(memory), rng.randrange(memory)))
    words[pc >> 2] = some_word(rng, mnemonic)
    registers = [0, *(operand(rng, memory) for _ in range(31))]
    if rng.random() < 0.25:  # equal operands are rare otherwise
        registers[words[pc >> 2] >> 20 & 31] = registers[words[pc >> 2] >> 15 & 31]
        registers[0] = 0
    return Case(words, registers, pc)


def embedded(case: Case, plan: Plan) -> State:
    """The residual stream of a case."""
    x = embed(case.words, plan, case.pc)
    lanes = {name: list(indices) for name, indices in plan.words.items()}
    x[plan.memory : plan.cpu, lanes["value"]] = embed_words(case.registers, 32)
    x[plan.cpu, lanes["trap"]] = embed_words(case.trap, 1)
    x[plan.cpu, lanes["cause"]] = embed_words(case.cause, len(lanes["cause"]))
    return x


def after(case: Case, plan: Plan) -> State:
    """The residual stream that one loop must leave, by the reference."""
    hart = case.reference()
    if not hart.halted:
        hart.step()
    return embedded(Case(hart.memory, hart.x, hart.pc, hart.trap, hart.cause), plan)


def differences(cases: list[Case], found: np.ndarray, plan: Plan) -> list[str]:
    """Every case whose state is not that of the reference, in words."""
    messages = []
    for one, x in zip(cases, found, strict=True):
        places = np.argwhere(after(one, plan) != x)
        for column, lane in places[:1]:
            where = f"{plan.column_name(int(column))}, {plan.lane_name(int(lane))}"
            messages.append(f"{one.word:#010x} at {one.pc:#x}: {where} is {x[column, lane]:g}")
    return messages


def one_loop(machine: CompiledMachine, cases: list[Case]) -> list[str]:
    """Execute one instruction each on the dense engine; what differs from the reference."""
    engine = DenseEngine(machine)
    messages = []
    for first in range(0, len(cases), BATCH):
        batch = cases[first : first + BATCH]
        engine.load(np.stack([embedded(one, machine.plan) for one in batch]))
        engine.step()
        messages += differences(batch, engine.state(), machine.plan)
    return messages


def random_program(seed: int, memory: int, wildness: float) -> Image:
    """A program that runs for a while: valid instructions on few registers, short branches.

    A prologue lets some registers point into memory. Stores hit code as well as data. With
    probability `wildness` any word stands in the place of an instruction.
    """
    rng = seeds.rng(seed)
    few = (0, 1, 2, 5, 8, 9, 10, 31)
    words = [encode("addi", rd, 0, imm=rng.randrange(0, 4 * memory, 4)) for rd in few[1:]]
    while len(words) < memory - 8:
        words.append(_instruction(rng, few, wildness))
    words += [operand(rng, memory) for _ in range(memory - len(words))]
    return Image("rv32i", 32, tuple(words), addresses_per_word=4)


def _instruction(rng: random.Random, few: tuple[int, ...], wildness: float) -> int:
    if rng.random() < wildness:
        return some_word(rng, rng.choice([None, *INSTRUCTIONS]))
    mnemonic = rng.choice([name for name in INSTRUCTIONS if name not in ("ecall", "ebreak")])
    encoding = INSTRUCTIONS[mnemonic]
    rd, rs1, rs2 = (rng.choice(few) for _ in range(3))
    match encoding.format:
        case "R":
            return encode(mnemonic, rd, rs1, rs2)
        case "U":
            return encode(mnemonic, rd, imm=rng.getrandbits(20))
        case "J":
            return encode(mnemonic, rd, imm=rng.choice((4, 8, 12)))
        case "B":
            return encode(mnemonic, rs1=rs1, rs2=rs2, imm=rng.choice((4, 8, 12, -8)))
        case "S":
            return encode(mnemonic, rs1=0, rs2=rs2, imm=_aligned(rng, encoding.funct3 or 0))
        case _ if mnemonic in ("jalr", "fence"):
            return encode("fence", imm=rng.getrandbits(8))
        case _ if encoding.opcode == 3:
            return encode(mnemonic, rd, 0, imm=_aligned(rng, (encoding.funct3 or 0) & 3))
        case _:
            limit = 32 if encoding.funct7 is not None else 2048
            return encode(mnemonic, rd, rs1, imm=rng.randrange(limit))


def _aligned(rng: random.Random, size: int) -> int:
    """An address in the first 256 bytes, a multiple of 2^size."""
    return rng.randrange(256) >> size << size
