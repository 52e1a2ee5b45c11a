"""Random programs with atomic instructions, control registers, handlers and interrupts."""

from __future__ import annotations

import random

from looped.isa.rv32i import encode
from looped.isa.rv32ima import ATOMIC, CONTROL, INSTRUCTIONS, PRIVILEGED
from looped.profiles.riscv.generate import Target, Writer
from looped.profiles.riscv.words import csr_instruction
from looped.reference import Rv32ima

__all__ = ["MachineModeWriter"]

_MTVEC, _MEPC, _MIE, _MSTATUS = 0x305, 0x341, 0x304, 0x300
_USUAL = (
    *(_MSTATUS, _MIE, _MEPC, 0x301, 0x340, 0x342, 0x343, 0x344),
    *(0xB00, 0xB02, 0xB80, 0xB82, 0xC00, 0xC01, 0xC02, 0xC80, 0xC81, 0xC82),
)
_WRITE, _SET = 1, 2
_OWN = 0.25
"""The share of fresh words at which something of machine mode begins: at half of it, programs come
to an interrupt twice as seldom, and at twice of it to a branch."""


class MachineModeWriter(Writer):
    """A writer of programs for a hart of RV32IMA; see Writer."""

    def __init__(self, rng: random.Random, target: Target, memory: int) -> None:
        super().__init__(rng, target, memory)
        self.ordinary = [n for n in self.ordinary if n not in (*ATOMIC, *PRIVILEGED)]
        self.plans = (
            *(self._atomic, self._pair, self._control, self._control, self._handler),
            *(self._timer, self._enable, self._return, self._simple),
        )

    def _instruction(self) -> int:
        if self.rng.random() < _OWN:
            words = self.rng.choice(self.plans)()
            if words and self._has_room(len(words) + 1):
                self.planned = words[1:]
                return words[0]
        return super()._instruction()

    def _end(self, end: str) -> int:
        """Without a handler a trap ends the program."""
        assert isinstance(self.hart, Rv32ima)
        if self.hart.handler:
            return csr_instruction(_WRITE, _MTVEC, 0, 0)
        return super()._end(end)

    def _has_room(self, count: int) -> bool:
        """Whether so many words in a row, from the program counter on, are fresh."""
        place, stride = self.hart.index(self.hart.pc), len(self.regions.bases)
        places = range(place, place + count * stride, stride)
        return places[-1] < self.memory and not any(self.touched[n] for n in places)

    def _point(self, number: int, address: int) -> list[int]:
        """Put an address into a register, if it is near."""
        distance = (address - self.hart.pc + (1 << 31)) % (1 << 32) - (1 << 31)
        if not -2048 <= distance < 2048:
            return []
        return [encode("auipc", number), encode("addi", number, number, imm=distance)]

    def _registers(self) -> tuple[int, int, int]:
        """Two registers that are different and not x0, and any register."""
        one, other = self.rng.sample(self.few[1:], 2)
        return one, other, self.rng.choice(self.few)

    def _atomic(self) -> list[int]:
        """An atomic instruction: in memory mostly, perhaps on the word that it stands in."""
        base, other, rd = self._registers()
        address = self._address(4)
        kind = self.rng.random()
        if kind < 0.1:
            address += self.rng.choice((1, 2, 3))
        elif kind < 0.2:
            address = self.regions.end(0, self.memory) + 4 * self._any(8)
        elif kind < 0.3:
            address = self.hart.pc + 8
        name = self.rng.choice([n for n in ATOMIC if n != "lr.w"])
        words = self._point(base, address)
        return words and [*words, self._encoded(name, rd, base, other)]

    def _pair(self) -> list[int]:
        """LR.W and SC.W, perhaps with something between, and perhaps a second SC.W."""
        base, other, rd = self._registers()
        words = self._point(base, self._address(4))
        between = self.rng.choice(
            ([], [encode("addi", base, base, imm=4)], [encode("sw", rs1=base, rs2=other)])
        )
        stores = [self._encoded("sc.w", rd, base, other) for _ in range(self._any(2) + 1)]
        return words and [*words, self._encoded("lr.w", rd, base, 0), *between, *stores]

    def _encoded(self, name: str, rd: int, rs1: int, rs2: int) -> int:
        rd = 0 if rd == rs1 and self.rng.random() < 0.7 else rd
        rs2 = 0 if name == "lr.w" else rs2
        return encode(name, rd, rs1, rs2, self._any(4), INSTRUCTIONS)

    def _control(self) -> list[int]:
        """A control register instruction: of one that matters, of any, or of one that is none."""
        kind = self.rng.random()
        number = self.rng.choice(_USUAL)
        if kind > 0.97:
            number = self._any(1 << 12)
        elif kind > 0.85:
            number = self.rng.choice(sorted(CONTROL))
        if number == _MTVEC and self.rng.random() < 0.9:
            number = _MSTATUS
        rd, source = self.rng.choice(self.few), self.rng.choice((0, self._any(32)))
        return [csr_instruction(self.rng.choice((1, 2, 3, 5, 6, 7)), number, rd, source)]

    def _handler(self) -> list[int]:
        """A handler some words ahead, at times with a table of vectors."""
        number, _, _ = self._registers()
        words = self._point(number, self.hart.pc + 4 * (4 + self._any(16)))
        mode = [encode("ori", number, number, imm=1)] if self.rng.random() < 0.4 else []
        return words and [*words, *mode, csr_instruction(_WRITE, _MTVEC, 0, number)]

    def _timer(self) -> list[int]:
        """Load or store a word of the timer, or what is beside it."""
        base, other, rd = self._registers()
        page, offset = self.rng.choice(((0x2004, 0), (0x2004, 4), (0x200C, -8), (0x200C, -4)))
        if self.rng.random() < 0.1:
            offset += self.rng.choice((-8, 8, 1, 2))
        if self.rng.random() < 0.4:
            access = encode("lw", rd, base, imm=offset)
        else:
            access = encode("sw", rs1=base, rs2=self.rng.choice((0, 0, other)), imm=offset)
        return [encode("lui", base, imm=page), access]

    def _enable(self) -> list[int]:
        """Enable the timer's interrupt, and interrupts."""
        number, _, _ = self._registers()
        return [
            encode("addi", number, 0, imm=128),
            csr_instruction(_SET, _MIE, 0, number),
            csr_instruction(6, _MSTATUS, 0, 8),
        ]

    def _return(self) -> list[int]:
        """MRET to some words ahead."""
        number, _, _ = self._registers()
        words = self._point(number, self.hart.pc + 4 * (5 + self._any(16)))
        mret = encode("mret", instructions=INSTRUCTIONS)
        return words and [*words, csr_instruction(_WRITE, _MEPC, 0, number), mret]

    def _simple(self) -> list[int]:
        names = ("wfi", "fence.i", "mret", "ecall")
        return [encode(self.rng.choice(names), instructions=INSTRUCTIONS)]
