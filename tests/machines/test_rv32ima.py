"""RV32IMA in weights equals the reference: atomic instructions, machine mode, traps, the timer."""

from __future__ import annotations

import pytest

from looped.engines.engine import Engine
from looped.engines.event import EventEngine
from looped.errors import Source
from looped.registry import assemble
from looped.verify.fuzz.campaign import make_case
from looped.verify.lockstep import lockstep
from tests.conftest import compiled

MEMORY = 128

EVERYTHING = """
        la t0, handler
        csrw mtvec, t0
        li a0, 5
        la a1, data
        amoadd.w a2, a0, (a1)
        amoswap.w a3, a2, (a1)
        amoxor.w a3, a0, (a1)
        amoor.w a3, a0, (a1)
        amoand.w a3, a0, (a1)
        amomin.w a3, a0, (a1)
        amomaxu.w a3, a0, (a1)
        li a0, -1
        amomax.w a3, a0, (a1)
        amominu.w a3, a0, (a1)
        lr.w a4, (a1)
        sc.w a5, a0, (a1)
        sc.w a6, a0, (a1)
        csrrw t2, mscratch, t1
        csrrs t2, mscratch, t1
        csrrci t2, mscratch, 7
        csrr t2, mstatus
        csrr t2, misa
        csrw minstret, zero
        csrr t2, instret
        la a2, itself
itself: amoadd.w a3, a0, (a2)
        ecall
        mul t2, t2, t2
        .word 0
        lw a0, 1(a1)
        amoadd.w a0, a0, (a0)
        sw a0, -4(zero)
        csrr a0, 0x7c0
        csrw cycle, a0
        ebreak
        li t3, 0x2004000
        li t4, 200
        sw t4, 0(t3)
        sw zero, 4(t3)
        lw t5, 0(t3)
        li t4, 0x200bff8
        lw t5, 0(t4)
        lw t5, 4(t4)
        li t6, 0x80
        csrw mie, t6
        csrsi mstatus, 8
        wfi
1:      j 1b
handler:
        csrr s0, mepc
        csrr s1, mcause
        csrr s2, mtval
        bltz s1, out
        addi s0, s0, 4
        csrw mepc, s0
        mret
out:    csrw mtvec, zero
        li a7, 93
        li a0, 3
        ecall
data:   .word 77
"""


def test_everything_once_on_the_event_engine() -> None:
    machine = compiled("rv32ima", 32, MEMORY)
    engine = EventEngine(machine)
    image = assemble(Source("p.s", EVERYTHING), machine="rv32ima")
    verdict = lockstep(machine, engine, [image], [b""])
    assert verdict.halted and verdict.steps > 200 and engine.fallbacks == 0


def compared(engine: Engine, first: int, count: int) -> int:
    """Random programs on an engine and on the reference. Returns the steps."""
    machine, steps = compiled("rv32ima", 32, 64), 0
    for number in range(first, first + count):
        case = make_case(machine.plan, 7, number)
        steps += lockstep(machine, engine, [case.image], [case.data], 200).steps
    return steps


def test_random_programs_on_the_event_engine() -> None:
    assert compared(EventEngine(compiled("rv32ima", 32, 64)), 0, 3) > 60


@pytest.mark.slow
def test_many_random_programs_on_the_event_engine() -> None:
    assert compared(EventEngine(compiled("rv32ima", 32, 64)), 100, 500) > 20_000
