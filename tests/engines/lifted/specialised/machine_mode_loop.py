"""Random RV32IMA loops whose traps and timer interrupts go to a handler of their own."""

from __future__ import annotations

import functools
import random

from looped.isa import rv32i
from looped.isa.rv32ima import ATOMIC, INSTRUCTIONS
from looped.profiles.riscv.words import csr_instruction
from tests.engines.lifted.specialised.loops import any_register, branches, instruction

__all__ = ["machine_mode_loop"]

_encode = functools.partial(rv32i.encode, instructions=INSTRUCTIONS)

_WRITE, _SET, _CLEAR, _SET_BITS, _CLEAR_BITS = 1, 2, 3, 6, 7
"""The funct3 of CSRRW, CSRRS, CSRRC, CSRRSI and CSRRCI."""

_MSTATUS, _MIE, _MTVEC, _MSCRATCH, _MEPC, _MCAUSE = 0x300, 0x304, 0x305, 0x340, 0x341, 0x342
_SHOWN = (_MSTATUS, _MIE, 0x344, _MSCRATCH, _MEPC, _MCAUSE, 0x343, 0xB00, 0xB82, 0xC01, 0xC02)

_COMPARE, _TIME = (0x2004, 0), (0x200C, -8)
"""The addresses of mtimecmp and mtime: the immediates of LUI and of the access."""

_HANDLER, _VECTOR = 128, 28
"""The address of the handler in bytes, which must be a multiple of 128 with vectors, and the place
of the timer's interrupt from there."""

_OWN, _OTHER = 12, 13
"""Registers of the handler."""


def machine_mode_loop(rng: random.Random, memory: int) -> list[int]:
    """A loop and, at a fixed address, a handler that goes on after a trap and sets the timer again
    at an interrupt. The timer comes every few or every few thousand instructions."""
    body: list[int] = []
    while len(body) < rng.randint(2, 9):
        body += _any_instructions(rng, memory)
    body = branches(rng, body)
    start = [_encode("addi", any_register(rng), imm=rng.randint(-2048, 2047)) for _ in range(3)]
    start += _prepare(rng)
    words = [*start, *body, _encode("jal", imm=-4 * len(body))]
    assert len(words) <= _HANDLER // 4
    words += [rng.getrandbits(32) for _ in range(_HANDLER // 4 - len(words))]
    words += _handler(rng, memory)
    return words + [rng.getrandbits(32) for _ in range(memory - len(words))]


def _prepare(rng: random.Random) -> list[int]:
    """Set mtvec, perhaps with vectors, and the timer; mostly enable its interrupts."""
    words = [
        _encode("addi", _OWN, imm=_HANDLER | rng.randrange(2)),
        csr_instruction(_WRITE, _MTVEC, 0, _OWN),
        _encode("lui", _OTHER, imm=_COMPARE[0]),
        _encode("addi", _OWN, imm=rng.choice([0, 40, rng.randint(1, 2047)])),
        _encode("sw", rs1=_OTHER, rs2=_OWN, imm=_COMPARE[1]),
        _encode("addi", _OWN, imm=128),
        csr_instruction(_WRITE, _MIE, 0, _OWN),
    ]
    return words + [csr_instruction(_SET_BITS, _MSTATUS, 0, 8)] * (rng.random() < 0.9)


def _handler(rng: random.Random, memory: int) -> list[int]:
    """For a trap, go on after the instruction, in the loop even if it has left it; for an
    interrupt, set the next one and count."""
    after = [
        csr_instruction(_SET, _MCAUSE, _OTHER, 0),
        _encode("blt", 0, _OTHER, 0, _VECTOR - 4),
        csr_instruction(_SET, _MEPC, _OTHER, 0),
        _encode("addi", _OTHER, _OTHER, imm=4),
        _encode("andi", _OTHER, _OTHER, imm=_HANDLER - 1),
        csr_instruction(_WRITE, _MEPC, 0, _OTHER),
        _encode("mret"),
    ]
    assert len(after) == _VECTOR // 4
    far = rng.choice([rng.randint(9, 60), rng.randint(20, 500), rng.randint(100, 2047)])
    counter = 4 * rng.randrange(memory)
    return [
        *after,
        _encode("lui", _OTHER, imm=_TIME[0]),
        _encode("lw", _OWN, _OTHER, imm=_TIME[1]),
        _encode("addi", _OWN, _OWN, imm=far),
        _encode("lui", _OTHER, imm=_COMPARE[0]),
        _encode("sw", rs1=_OTHER, rs2=_OWN, imm=_COMPARE[1]),
        _encode("addi", _OTHER, imm=counter),
        _encode("amoadd.w", rng.choice([0, _OWN]), _OTHER, _OTHER),
        _encode("mret"),
    ]


def _any_instructions(rng: random.Random, memory: int) -> list[int]:
    """One instruction or a few that belong together."""
    kind, base = rng.random(), any_register(rng)
    if kind < 0.5:
        return [instruction(rng, memory, "rv32im")]
    if kind < 0.6:
        return [csr_instruction(_SET, rng.choice(_SHOWN), any_register(rng), 0)]
    if kind < 0.68:
        function = rng.choice([_WRITE, _SET, _CLEAR])
        number = rng.choice([_MSCRATCH] * 3 + [_MSTATUS, 0xB00, 0xB80])
        return [csr_instruction(function, number, any_register(rng), any_register(rng))]
    if kind < 0.72:  # between the two no interrupt comes
        return [csr_instruction(_CLEAR_BITS, _MSTATUS, 0, 8), instruction(rng, memory, "rv32im"),
                csr_instruction(_SET_BITS, _MSTATUS, 0, 8)]  # fmt: skip
    if kind < 0.8:  # each traps
        return [rng.choice([_encode("ecall"), 0, _encode("lw", base, imm=2)])]
    if kind < 0.83:
        return [_encode(rng.choice(["wfi", "fence.i"]))]
    point = _encode("addi", base, imm=4 * rng.randrange(memory))
    if kind < 0.91:
        return [point, _encode("lr.w", any_register(rng), base),
                _encode("sc.w", any_register(rng), rng.choice([base] * 5 + [any_register(rng)]),
                        any_register(rng))]  # fmt: skip
    name = rng.choice([name for name in ATOMIC if name not in ("lr.w", "sc.w")])
    return [point, _encode(name, any_register(rng), base, any_register(rng))]
