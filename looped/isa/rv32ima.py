"""RV32IMA with machine mode as data: RV32IM, atomic instructions, control registers, traps.

The A extension (RISC-V unprivileged specification, chapter 14) has instructions of the A-format.
Zicsr and Zifencei (chapters 6 and 7) and the privileged instructions of machine mode (privileged
specification, 3.3) complete what an operating system needs.

A register file of 64 words holds x0 to x31, and from 32 on the control registers that are words of
their own. These are the names and numbers that a debugger shows.
"""

from __future__ import annotations

from looped.isa.rv32i import REGISTERS as BASE_REGISTERS
from looped.isa.rv32i import Encoding
from looped.isa.rv32im import EXTENSION as MULTIPLYING
from looped.isa.rv32im import INSTRUCTIONS as BASE

__all__ = ["ATOMIC", "CONTROL", "EXTENSION", "FILED", "INSTRUCTIONS", "PRIVILEGED", "REGISTERS"]

_FUNCT5 = {
    "lr.w": 2, "sc.w": 3, "amoswap.w": 1, "amoadd.w": 0, "amoxor.w": 4, "amoand.w": 12,
    "amoor.w": 8, "amomin.w": 16, "amomax.w": 20, "amominu.w": 24, "amomaxu.w": 28,
}  # fmt: skip

ATOMIC: dict[str, Encoding] = {
    name: Encoding("A", 0x2F, 2, funct5=funct5, rs2=0 if name == "lr.w" else None)
    for name, funct5 in _FUNCT5.items()
}
"""Mnemonic → encoding of the A extension. The immediate has the bits aq and rl."""

_CONTROL = {"csrrw": 1, "csrrs": 2, "csrrc": 3, "csrrwi": 5, "csrrsi": 6, "csrrci": 7}

PRIVILEGED: dict[str, Encoding] = {
    **{name: Encoding("C", 0x73, funct3) for name, funct3 in _CONTROL.items()},
    "fence.i": Encoding("I", 0x0F, 1),
    "mret": Encoding("I", 0x73, 0, funct12=0x302),
    "wfi": Encoding("I", 0x73, 0, funct12=0x105),
}
"""Mnemonic → encoding of Zicsr, Zifencei and machine mode. The immediate of a CSR instruction is
the number of a control register."""

EXTENSION: dict[str, Encoding] = {**MULTIPLYING, **ATOMIC, **PRIVILEGED}
"""What RV32I lacks."""

INSTRUCTIONS: dict[str, Encoding] = {**BASE, **ATOMIC, **PRIVILEGED}
"""Mnemonic → encoding."""

FILED = (0x340, 0x341, 0x342, 0x343, 0x305)
"""The control registers that are words of the register file: mscratch, mepc, mcause, mtval and
mtvec."""

CONTROL = frozenset(
    {
        *FILED, *range(0x300, 0x302), 0x304, 0x310, 0x320, *range(0x323, 0x340), 0x344,
        *range(0xF11, 0xF16),
        *(start + n for start in (0xB00, 0xB80) for n in (0, *range(2, 32))),
        *(start + n for start in (0xC00, 0xC80) for n in range(32)),
    }
)  # fmt: skip
"""The control registers that exist."""

REGISTERS: dict[str, int] = {
    **BASE_REGISTERS,
    "mscratch": 32,
    "mepc": 33,
    "mcause": 34,
    "mtval": 35,
    "reservation": 36,
    "mtvec": 37,
}
"""Every name of a word of the register file → its number. `reservation` is the address of the last
LR.W."""
