"""Random RISC-V programs, written while they run.

The reference executes the program that is being written. Whenever it comes to a fresh word, which
nothing has touched yet, the generator chooses an instruction that suits the values in the
registers: loads and stores that hit memory, its edges and later code, branches both ways, jumps to
fresh words. Now and then it adds traps, mostly illegal words, with `mtvec` set so that the program
continues. It takes the ends in `_ENDS` by turns: a trap of every cause, reached in several ways.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from looped.image import Image, Regions
from looped.isa.rv32i import Encoding, decode, encode
from looped.profiles.case import Case
from looped.profiles.riscv.served import ServedHart
from looped.profiles.riscv.words import (
    corner,
    csr_instruction,
    illegal,
    immediate,
    random_instruction,
)
from looped.reference import Rv32i

__all__ = ["Target", "Writer", "generate"]

_STEPS = 64
"""The most instructions that are chosen. The end comes after half to all of them, in a memory of
fewer words after half to all of that number: later no fresh word is left."""

_MASK = 0xFFFFFFFF
_REGISTERS = 9
_DETOUR = 6
"""The most traps in a row after which the program continues."""

_MTVEC, _MEPC, _MCAUSE = 0x305, 0x341, 0x342
_A0, _A7 = 10, 17
_CALLS = (63, 64, 93, 214)
_LOADS = ("lb", "lbu", "lh", "lhu", "lw")
_STORES = ("sb", "sh", "sw")
_WIDE_LOADS, _WIDE_STORES = ("lh", "lhu", "lw"), ("sh", "sw")
_BRANCHES = ("beq", "bne", "blt", "bge", "bltu", "bgeu")
_SIZES = {"b": 1, "h": 2, "w": 4}

_ENDS = (
    *("illegal",) * 6,
    *("misaligned load", "load fault", "misaligned store", "store fault") * 2,
    *("misaligned jal", "misaligned jalr", "misaligned branch"),
    *("jal fault", "jalr fault", "branch fault", "fetch fault"),
    *("ebreak", "exit"),
)


def generate(
    rng: random.Random,
    width: int,
    memory: int,
    number: int,
    *,
    machine: str,
    kind: type[Rv32i],
    instructions: Mapping[str, Encoding],
    writer: type[Writer],
    **regions: int,
) -> Case:
    """A program for `memory` words in `regions` (see Regions.of); its number selects its end."""
    hart = Target(machine, width, kind, instructions, Regions.of(regions))
    return writer(rng, hart, memory).program(_ENDS[number % len(_ENDS)])


@dataclass(frozen=True, slots=True)
class Target:
    """The machine for which a program is written."""

    machine: str
    width: int
    kind: type[Rv32i]
    instructions: Mapping[str, Encoding]
    regions: Regions


class Writer:
    """A program under construction. `words` are its initial words, `run` is the hart that executes
    it."""

    def __init__(self, rng: random.Random, target: Target, memory: int) -> None:
        self.rng = rng
        self.machine, self.width = target.machine, target.width
        self.instructions, self.regions = target.instructions, target.regions
        self.ordinary = [name for name in self.instructions if name not in ("ecall", "ebreak")]
        self.memory = memory
        start = rng.randrange(1, memory - memory // 4 + 1)
        self.area = list(range(start, start + memory // 4))
        self.words = [random_instruction(rng) for _ in range(memory)]
        for place in self.area:
            self.words[place] = corner(rng, memory, self.regions)
        self.data = rng.randbytes(rng.randrange(6))
        self.run = ServedHart(self._image(), memory, self.data, target.kind)
        self.hart = self.run.hart
        self.few = [0, _A0, _A7, *rng.sample(range(1, 32), _REGISTERS)]
        self.touched = [place in self.area for place in range(memory)]
        self.planned: list[int] = []

    def program(self, end: str) -> Case:
        most = min(_STEPS, self.memory)
        last = self.rng.randrange(most // 2, most)
        for number in range(_STEPS):
            if self.run.halted:
                break
            place = self.hart.index(self.hart.pc)
            if place < self.memory and not self.touched[place]:
                if self.planned:
                    self._put(place, self.planned.pop(0))
                else:
                    self._put(place, self._instruction() if number < last else self._end(end))
                self.touched[place] = True
            step = self.run.step()
            for access in (*step.reads, *step.writes):
                self.touched[access.address] = True
        return Case(self._image(), self.data)

    def _image(self) -> Image:
        words, lands, entry = tuple(self.words), self.regions, self.regions.bases[0]
        return Image(self.machine, self.width, words, {}, (), entry, 4, lands)

    def _put(self, place: int, word: int) -> None:
        self.words[place] = self.hart.memory[place] = word

    def _instruction(self) -> int:
        """Any instruction that makes sense here."""
        following = self.hart.index(self.hart.pc + 4)
        blocked = following >= self.memory or self.touched[following]
        if blocked and self.rng.random() < 0.98:
            return self._jump(self.rng.choice(("jal", "jalr", "jalr")), self._fresh())
        kind = self.rng.random()
        idle = sum(self.hart.x[number] == 0 for number in self.few[1:])
        if kind < 0.04 * idle:
            return self._access("lw", self._address(4)) or self._compute("addi")
        if kind > 0.96:
            return self._environment()
        if kind > 0.9 and self._plan_detour():
            return self.planned.pop(0)
        return self._ordinary(self.rng.choice(self.ordinary))

    def _plan_detour(self) -> bool:
        """Plan some traps. Each skips a word and continues at an instruction that reads `mepc` or
        `mcause`. False if there is no room."""
        place = self.hart.index(self.hart.pc)
        stride = len(self.regions.bases)
        taken = (i for i in range(place, self.memory, stride) if self.touched[i])
        free = (next(taken, self.memory) - place) // stride
        count = min(self._any(_DETOUR) + 1, (free - 2) // 5)
        number = self.rng.choice(self.few[1:])
        words = [encode("auipc", number)]
        for k in range(count):
            asked, rd = self.rng.choice((_MEPC, _MCAUSE)), self.rng.choice(self.few)
            words += [encode("addi", number, number, imm=20), csr_instruction(1, _MTVEC, 0, number)]
            words += [self._trap(self._behind(place, 3 + 5 * k)), random_instruction(self.rng)]
            words.append(csr_instruction(2, asked, 0 if rd == number else rd, 0))
        self.planned = [*words, csr_instruction(1, _MTVEC, 0, 0)] if count > 0 else []
        return count > 0

    def _behind(self, place: int, count: int) -> int:
        """The address of the word that is executed so many instructions after a place."""
        return self.regions.address(place) + 4 * count

    def _trap(self, pc: int) -> int:
        """A word that traps at an address for all values of the registers."""
        kind = self.rng.random()
        if kind < 0.5:
            return illegal(self.rng, self.instructions)
        if kind < 0.7:
            mnemonic = self.rng.choice(("beq", "bge", "bgeu", "jal"))
            offset = self._offset_out(mnemonic, pc) + self.rng.choice((0, 0, 2))
            return encode(
                mnemonic, self.rng.choice(self.few) if mnemonic == "jal" else 0, imm=offset
            )
        inside = self.rng.random() < 0.6
        offset = 4 * self._any(min(self.memory, 512)) + 1 if inside else -4 * self._any(512) - 4
        offset += self.rng.choice((0, 0, 1, 2))
        if self.rng.random() < 0.5:
            return encode(self.rng.choice(_WIDE_STORES), rs2=self.rng.choice(self.few), imm=offset)
        return encode(self.rng.choice(_WIDE_LOADS), self.rng.choice(self.few), imm=offset)

    def _offset_out(self, mnemonic: str, pc: int) -> int:
        """An offset of many bits that leads out of memory, if the search finds one soon."""
        for _ in range(8):
            offset = 4 * immediate(self.rng, 19 if mnemonic == "jal" else 11)
            if self.hart.index(pc + offset) >= self.memory:
                break
        return offset

    def _ordinary(self, mnemonic: str) -> int:
        if mnemonic in _LOADS or mnemonic in _STORES:
            address = self._address(_SIZES[mnemonic[1]])
            return self._access(mnemonic, address) or self._compute("lui")
        if mnemonic in _BRANCHES or mnemonic in ("jal", "jalr"):
            back = self.rng.random() < 0.1
            return self._jump(mnemonic, self.rng.randrange(self.memory) if back else self._fresh())
        return self._compute(mnemonic)

    def _compute(self, mnemonic: str) -> int:
        encoding = self.instructions[mnemonic]
        rd, (rs1, rs2) = self.rng.choice(self.few), self._sources()
        if encoding.format == "R":
            return encode(mnemonic, rd, rs1, rs2, instructions=self.instructions)
        if encoding.format == "U":
            return encode(mnemonic, rd, imm=immediate(self.rng, 20))
        if encoding.funct7 is not None:
            return encode(mnemonic, rd, rs1, imm=self.rng.choice((0, 1, 31, self._any(32))))
        return encode(mnemonic, rd, rs1, imm=immediate(self.rng, 12))

    def _sources(self) -> tuple[int, int]:
        """Two registers, with equal values more often than by chance."""
        rs1, rs2 = self.rng.choice(self.few), self.rng.choice(self.few)
        if self.rng.random() < 0.2:
            equal = [r for r in self.few if self.hart.x[r] == self.hart.x[rs1]]
            rs2 = self.rng.choice(equal)
        return rs1, rs2

    def _address(self, size: int) -> int:
        """The address of a load or a store: anywhere, an edge, or later code."""
        place = self.rng.choice(self.area)
        kind = self.rng.random()
        if kind < 0.1:
            place = self.rng.choice((0, self.memory - 1))
        elif kind < 0.25:
            place = min(self.hart.index(self.hart.pc) + self._any(4), self.memory - 1)
        return self.regions.address(place) + self._any(4) // size * size

    def _access(self, mnemonic: str, address: int) -> int | None:
        """A load or a store at an address, if a register and an immediate can name it."""
        reached = self._reach(address)
        if reached is None:
            return None
        base, offset = reached
        if mnemonic in _LOADS:
            return encode(mnemonic, self.rng.choice(self.few), base, imm=offset)
        return encode(mnemonic, rs1=base, rs2=self._stored(mnemonic, address), imm=offset)

    def _stored(self, mnemonic: str, address: int) -> int:
        """The register to store; in later code, one whose value makes an instruction there."""
        legal = [r for r in self.few if decode(self.hart.x[r]) is not None]
        ahead = 0 < self.hart.index(address) - self.hart.index(self.hart.pc) < 4
        return self.rng.choice(legal if legal and ahead and mnemonic == "sw" else self.few)

    def _reach(self, address: int) -> tuple[int, int] | None:
        """A register and a signed 12-bit offset whose sum is an address."""
        options = []
        for number in self.few:
            offset = (address - self.hart.x[number] + 2048 & _MASK) - 2048
            if offset < 2048:
                options.append((number, offset))
        return self.rng.choice(options) if options else None

    def _jump(self, mnemonic: str, place: int, off: int = 0) -> int:
        """A jump to a place (or `off` bytes after it); a branch that is not taken may lead
        anywhere."""
        rd, target = self.rng.choice(self.few), self.regions.address(place) + off
        if mnemonic == "jalr":
            reached = self._reach(target | self._any(2))
            if reached is None:
                return self._compute("auipc")
            return encode("jalr", rd, reached[0], imm=reached[1])
        offset = target - self.hart.pc
        if not -(1 << 20) <= offset < 1 << 20:
            return self._compute("auipc")
        if mnemonic == "jal":
            return encode("jal", rd, imm=offset)
        rs1, rs2 = self._sources()
        if not self._taken(mnemonic, rs1, rs2):
            offset = immediate(self.rng, 12) * 2
        elif not -4096 <= offset < 4096:
            return encode("jal", rd, imm=offset)
        return encode(mnemonic, rs1=rs1, rs2=rs2, imm=offset)

    def _taken(self, mnemonic: str, rs1: int, rs2: int) -> bool:
        a, b = self.hart.x[rs1], self.hart.x[rs2]
        if not mnemonic.endswith("u"):
            a, b = a ^ 1 << 31, b ^ 1 << 31
        holds = {"eq": a == b, "ne": a != b, "lt": a < b, "ge": a >= b}
        return holds[mnemonic[1:3]]

    def _fresh(self) -> int:
        """A place that nothing has touched, if one is found soon; near, in a large memory."""
        pc = self.hart.index(self.hart.pc)
        for _ in range(8):
            low, high = max(0, pc - 1000), min(self.memory, pc + 1000)
            place = self.rng.randrange(low, high)
            if not self.touched[place] and place != pc:
                break
        return place

    def _environment(self) -> int:
        """A call, a step towards one, or an instruction that the host executes."""
        if self.rng.random() < 0.3:
            csr = self.rng.choice((0x300, 0x341, 0xF14)) << 20 | self._any(32) << 15
            return csr | self.rng.choice((1, 2, 3, 5, 6, 7)) << 12 | self._any(32) << 7 | 0x73
        if self.rng.random() < 0.5 and self.hart.x[_A7] not in _CALLS:
            return encode("addi", _A7, 0, imm=self.rng.choice(_CALLS))
        return encode("ecall")

    def _any(self, limit: int) -> int:
        return self.rng.randrange(limit)

    def _end(self, end: str) -> int:
        """An instruction that ends the program in the way of `end`, or a step towards that."""
        edge = self.regions.end(self._any(len(self.regions.bases)), self.memory)
        outside = self.rng.choice((edge, edge + self._any(512), -4, -self._any(2048) - 4, 1 << 30))
        match end.split():
            case ["illegal"]:
                return illegal(self.rng, self.instructions)
            case ["ebreak"]:
                return encode("ebreak")
            case ["exit"]:
                ready = self.hart.x[_A7] == 93
                return encode("ecall") if ready else encode("addi", _A7, 0, imm=93)
            case ["misaligned", ("load" | "store") as kind]:
                mnemonic = self.rng.choice(_WIDE_LOADS if kind == "load" else _WIDE_STORES)
                inside = self.rng.random() < 0.7
                address = self.regions.address(self._any(self.memory)) if inside else outside & ~3
                odd = self.rng.choice((1, 3) if mnemonic != "lw" else (1, 2, 3))
                return self._access(mnemonic, address + odd & _MASK) or self._compute("addi")
            case [("load" | "store") as kind, _]:
                mnemonic = self.rng.choice(_LOADS if kind == "load" else _STORES)
                address = outside & -_SIZES[mnemonic[1]] & _MASK
                return self._access(mnemonic, address) or self._compute("addi")
            case ["misaligned", jump]:
                return self._jump(self._named(jump), self._any(self.memory), 2)
            case ["fetch", _]:
                at_end = self.hart.index(self.hart.pc + 4) >= self.memory
                return self._compute("ori") if at_end else self._jump("jal", self.memory - 1)
            case [jump, _]:
                return self._far(self._named(jump))
        raise AssertionError(end)

    def _named(self, jump: str) -> str:
        return self.rng.choice(_BRANCHES) if jump == "branch" else jump

    def _far(self, mnemonic: str) -> int:
        """A jump by an offset of many bits, out of memory if the search finds one soon."""
        rd, rs1 = self.rng.choice(self.few), self.rng.choice(self.few)
        if mnemonic == "jalr":
            return encode("jalr", rd, rs1, imm=immediate(self.rng, 12))
        offset = self._offset_out(mnemonic, self.hart.pc)
        return self._jump(mnemonic, 0, self.hart.pc + offset - self.regions.bases[0])
