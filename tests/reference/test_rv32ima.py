"""Atomic instructions, machine mode and the timer of the reference, against the manuals."""

from __future__ import annotations

import pytest

from looped.errors import Source
from looped.reference.rv32ima import Rv32ima
from looped.registry import assemble

ONES, BIG = 0xFFFFFFFF, 0x80000000
MSCRATCH, MEPC, MCAUSE, MTVAL, RESERVATION, MTVEC = range(32, 38)
A0, A1, A2 = 10, 11, 12


def hart(text: str, memory: int = 64, **registers: int) -> Rv32ima:
    image = assemble(Source("p.s", text), machine="rv32ima")
    one = Rv32ima(image.words, 32, memory)
    for name, value in registers.items():
        one.x[{"a0": A0, "a1": A1, "a2": A2}[name]] = value
    return one


def run(text: str, steps: int, **registers: int) -> Rv32ima:
    one = hart(text, **registers)
    for _ in range(steps):
        one.step()
    return one


@pytest.mark.parametrize(
    ("name", "old", "operand", "new"),
    [
        ("amoswap", 5, 7, 7),
        ("amoadd", ONES, 2, 1),
        ("amoxor", 6, 3, 5),
        ("amoand", 6, 3, 2),
        ("amoor", 6, 3, 7),
        ("amomin", ONES, 1, ONES),
        ("amomax", ONES, 1, 1),
        ("amominu", ONES, 1, 1),
        ("amomaxu", BIG, BIG - 1, BIG),
    ],
)
def test_an_amo_gives_the_old_word_and_leaves_the_new_one(
    name: str, old: int, operand: int, new: int
) -> None:
    one = hart(f"{name}.w a0, a1, (a2)", a1=operand, a2=128)
    one.memory[32] = old
    one.step()
    assert (one.x[A0], one.memory[32], one.pc) == (old, new, 4)


def test_sc_succeeds_once_after_lr_at_the_same_address() -> None:
    text = "lr.w a0, (a2)\nsc.w a0, a1, (a2)\nsc.w a0, a1, (a2)"
    assert [run(text, n, a1=9, a2=128).x[A0] for n in (2, 3)] == [0, 1]
    assert run(text, 2, a1=9, a2=128).memory[32] == 9
    other = "lr.w a0, (a2)\naddi a2, a2, 4\nsc.w a0, a1, (a2)"
    assert (run(other, 3, a1=9, a2=128).x[A0], run(other, 3, a1=9, a2=128).memory[33]) == (1, 0)
    assert run("sc.w a0, a1, (a2)", 1, a2=0).x[A0] == 1


@pytest.mark.parametrize(
    ("text", "address", "cause"),
    [
        ("lr.w a0, (a2)", 130, 4),
        ("lr.w a0, (a2)", 256, 5),
        ("sc.w a0, a1, (a2)", 129, 6),
        ("amoadd.w a0, a1, (a2)", 131, 6),
        ("amoadd.w a0, a1, (a2)", 1 << 20, 7),
    ],
)
def test_a_wrong_address_of_an_atomic_instruction_traps(
    text: str, address: int, cause: int
) -> None:
    one = run(text, 1, a2=address)
    assert (one.trap, one.cause, one.pc) == (1, cause, 0)
    one = run(f"csrwi mtvec, 16\n{text}", 3, a2=address)
    assert (one.pc, one.x[MCAUSE], one.x[MTVAL], one.x[MEPC]) == (16, cause, address, 4)


def test_a_write_to_a_register_that_only_reads_is_illegal_even_of_zero() -> None:
    assert run("csrrw a0, cycle, zero", 1).cause == 2
    assert run("csrrs a0, mhartid, zero", 1).trap == 0
    assert run("csrrsi a0, mhartid, 0", 1).trap == 0
    assert run("csrrci a0, time, 1", 1).cause == 2
    assert run("csrr a0, satp", 1).cause == 2


def test_set_and_clear_without_an_operand_write_nothing() -> None:
    assert run("csrw mscratch, a0\ncsrrs a1, mscratch, zero", 2, a0=7).x[A1] == 7
    assert run("csrw mscratch, a0\ncsrrci a1, mscratch, 5", 2, a0=7).x[MSCRATCH] == 2


def test_fields_that_cannot_be_written_keep_their_values() -> None:
    assert run("csrw mstatus, a0\ncsrr a1, mstatus", 2, a0=ONES).x[A1] == 0x1888
    assert run("csrw mie, a0\ncsrr a1, mie", 2, a0=ONES).x[A1] == 0x80
    assert run("csrw mepc, a0", 1, a0=ONES).x[MEPC] == ONES - 3
    assert run("csrw mtvec, a0", 1, a0=0x106).x[MTVEC] == 0x104
    assert run("csrw mtvec, a0", 1, a0=0x1FF).x[MTVEC] == 0x181


def test_mret_restores_the_flag_that_a_handler_has_cleared() -> None:
    text = "csrwi mtvec, 16\ncsrsi mstatus, 8\necall\nnop\nmret"
    one = run(text, 4)
    assert (one.pc, one.control.enabled, one.control.earlier) == (16, False, True)
    one.step()
    assert (one.pc, one.control.enabled, one.control.earlier) == (8, True, True)


def test_the_timer_interrupts_when_its_time_has_come() -> None:
    text = (
        "csrwi mtvec, 28\nli a0, 0x2004000\nsw a1, (a0)\nli a0, 128\ncsrw mie, a0\n"
        "csrsi mstatus, 8\n1: j 1b"
    )
    one = hart(text, a1=12)
    while one.entered is None:
        one.step()
    assert (one.x[MCAUSE], one.x[MEPC], one.pc) == (BIG | 7, 24, 28)
    assert (one.control.time, one.control.enabled) == (13, False)


def test_a_table_of_vectors_has_the_timer_in_its_seventh_place() -> None:
    text = "csrwi mtvec, 1\nli a0, 128\ncsrw mtvec, a0\necall"
    one = run(text, 5)
    assert one.pc == 128
    text = "li a0, 129\ncsrw mtvec, a0\nli a0, 128\ncsrw mie, a0\ncsrsi mstatus, 8\nnop"
    one = run(text, 6)
    assert (one.pc, one.x[MCAUSE]) == (128 + 28, BIG | 7)


def test_a_counter_that_is_set_counts_on_from_there() -> None:
    one = run("li a0, 100\ncsrw minstret, a0\ncsrr a1, mcycle\ncsrr a2, instret", 4)
    assert (one.x[A1], one.x[A2], one.control.time) == (100, 101, 4)


def test_a_handler_outside_memory_stops_the_hart() -> None:
    one = run("li a0, 0x1000\ncsrw mtvec, a0\necall", 4)
    assert (one.trap, one.cause, one.pc, one.x[MCAUSE]) == (1, 1, 0x1000, 11)
