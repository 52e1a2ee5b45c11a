"""The RV32I reference against the specification: each rule once, in the open."""

from __future__ import annotations

import pytest

from looped.isa.rv32i import encode
from looped.reference.rv32i import Rv32i
from looped.trace import Access, Step

BIG, ONES = 0x80000000, 0xFFFFFFFF


def hart(*words: int, memory: int = 32, **registers: int) -> Rv32i:
    result = Rv32i(words, 32, memory)
    for name, value in registers.items():
        result.x[int(name.removeprefix("x"))] = value
    return result


def result(mnemonic: str, a: int, b: int) -> int:
    one = hart(encode(mnemonic, 3, 1, 2), x1=a, x2=b)
    one.step()
    assert one.pc == 4
    return one.x[3]


@pytest.mark.parametrize(
    ("mnemonic", "a", "b", "expected"),
    [
        ("add", ONES, 2, 1),
        ("sub", 1, 2, ONES),
        ("sll", 3, 31, BIG),
        ("sll", 3, 32, 3),
        ("srl", BIG, 31, 1),
        ("srl", BIG, 63, 1),
        ("sra", BIG, 31, ONES),
        ("sra", 0x7FFFFFFF, 30, 1),
        ("slt", BIG, 0, 1),
        ("slt", 0, BIG, 0),
        ("sltu", BIG, 0, 0),
        ("sltu", 0, BIG, 1),
        ("xor", 0xFF00FF00, 0x0FF00FF0, 0xF0F0F0F0),
        ("or", 0xFF00FF00, 0x0FF00FF0, 0xFFF0FFF0),
        ("and", 0xFF00FF00, 0x0FF00FF0, 0x0F000F00),
    ],
)
def test_register_operations(mnemonic: str, a: int, b: int, expected: int) -> None:
    assert result(mnemonic, a, b) == expected


@pytest.mark.parametrize(
    ("mnemonic", "a", "imm", "expected"),
    [
        ("addi", 0, -1, ONES),
        ("slti", ONES, 0, 1),
        ("sltiu", 5, -1, 1),
        ("xori", 0x0F, -1, 0xFFFFFFF0),
        ("ori", 1, -2048, 0xFFFFF801),
        ("andi", ONES, 0x7FF, 0x7FF),
        ("slli", 1, 31, BIG),
        ("srli", BIG, 4, 0x08000000),
        ("srai", BIG, 4, 0xF8000000),
    ],
)
def test_immediate_operations(mnemonic: str, a: int, imm: int, expected: int) -> None:
    one = hart(encode(mnemonic, 3, 1, imm=imm), x1=a)
    one.step()
    assert one.x[3] == expected


def test_upper_immediates() -> None:
    one = hart(encode("lui", 1, imm=0xFEDCB), encode("auipc", 2, imm=0x80000))
    one.step()
    one.step()
    assert one.x[1:3] == [0xFEDCB000, 0x80000004]


def test_x0_stays_zero() -> None:
    one = hart(encode("addi", 0, 0, imm=5))
    assert one.step() == Step(0, 4)
    assert one.x[0] == 0


def test_jumps_link_and_clear_the_lowest_bit() -> None:
    one = hart(encode("jal", 1, imm=8), 0, encode("jalr", 2, 1, imm=13))
    assert one.step() == Step(0, 8, registers=(Access(1, 4),))
    assert one.step() == Step(8, 16, registers=(Access(2, 12),))


def test_an_indirect_jump_reads_before_it_links() -> None:
    one = hart(encode("jalr", 1, 1, imm=4), x1=8)
    one.step()
    assert (one.pc, one.x[1]) == (12, 4)


@pytest.mark.parametrize(
    ("mnemonic", "a", "b", "taken"),
    [
        ("beq", 7, 7, True),
        ("beq", 7, 8, False),
        ("bne", 7, 8, True),
        ("bne", 7, 7, False),
        ("blt", BIG, 1, True),
        ("blt", 1, 1, False),
        ("bge", 1, BIG, True),
        ("bge", 1, 1, True),
        ("bltu", 1, BIG, True),
        ("bltu", BIG, 1, False),
        ("bgeu", BIG, 1, True),
        ("bgeu", 0, 1, False),
    ],
)
def test_branches(mnemonic: str, a: int, b: int, taken: bool) -> None:
    one = hart(*[19] * 4, encode(mnemonic, rs1=1, rs2=2, imm=-12), x1=a, x2=b)
    one.pc = 16
    one.step()
    assert one.pc == (4 if taken else 20)


@pytest.mark.parametrize(
    ("mnemonic", "address", "expected"),
    [
        ("lb", 4, 0xFFFFFF81),
        ("lb", 7, 0x12),
        ("lbu", 4, 0x81),
        ("lh", 4, 0xFFFFF281),
        ("lh", 6, 0x1234),
        ("lhu", 4, 0xF281),
        ("lw", 4, 0x1234F281),
    ],
)
def test_loads_are_little_endian(mnemonic: str, address: int, expected: int) -> None:
    one = hart(encode(mnemonic, 3, 1, imm=-4), 0x1234F281, x1=address + 4)
    step = one.step()
    assert step.reads == (Access(1, 0x1234F281),)
    assert one.x[3] == expected


@pytest.mark.parametrize(
    ("mnemonic", "address", "expected"),
    [
        ("sb", 5, 0x1111DD11),
        ("sh", 6, 0xCCDD1111),
        ("sw", 4, 0xAABBCCDD),
    ],
)
def test_stores_merge_into_the_word(mnemonic: str, address: int, expected: int) -> None:
    one = hart(encode(mnemonic, rs1=1, rs2=2), 0x11111111, x1=address, x2=0xAABBCCDD)
    assert one.step() == Step(0, 4, writes=(Access(1, expected),))


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ([encode("jal", 1, imm=6)], 0),
        ([0], 2),
        ([encode("slli", 1, 1, imm=1) | 1 << 30], 2),
        ([encode("sub", 1, 1, 1) | 1 << 12], 2),
        ([encode("jalr", 1) | 1 << 12], 2),
        ([encode("fence") | 1 << 12], 2),
        ([encode("ecall") | 1 << 7], 2),
        ([encode("ebreak")], 3),
        ([encode("lh", 1, imm=1)], 4),
        ([encode("lb", 0, imm=-1)], 5),
        ([encode("sw", imm=2)], 6),
        ([encode("sb", imm=-1)], 7),
        ([encode("ecall")], 11),
    ],
)
def test_a_trap_changes_nothing_else(words: list[int], cause: int) -> None:
    one = hart(*words)
    memory = list(one.memory)
    assert one.step() == Step(0, 0, cause=cause)
    assert one.halted and one.memory == memory and one.x == [0] * 32


def test_a_fetch_from_outside_traps_at_its_target() -> None:
    one = hart(encode("jal", 1, imm=128))
    assert one.step() == Step(0, 128, registers=(Access(1, 4),), cause=1)
    one = hart(*[19] * 32)
    one.pc = 124
    assert one.step() == Step(124, 128, cause=1)


def test_fences_do_nothing() -> None:
    one = hart(encode("fence", imm=0xFF) | 31 << 7)
    assert one.step() == Step(0, 4)
