"""Each instruction and pseudo-instruction against its encoding, and against GNU as where it is."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from looped.errors import Source
from looped.isa.rv32i import ABI_NAMES, INSTRUCTIONS
from looped.isa.rv32im import EXTENSION
from looped.lang.riscv.instructions import ATOMIC_MNEMONICS, MNEMONICS
from looped.registry import assemble
from tests import seeds
from tests.lang.riscv import binutils

GOLDEN = {
    "lui a0, 0x12345": 0x12345537,
    "auipc t6, 0xfffff": 0xFFFFFF97,
    "jal ra, . + 8": 0x008000EF,
    "jal x0, . - 0x100000": 0x8000006F,
    "jalr ra, -4(sp)": 0xFFC100E7,
    "beq a0, a1, . + 8": 0x00B50463,
    "bne a0, a1, . - 4": 0xFEB51EE3,
    "blt s0, s1, . + 4092": 0x7E944EE3,
    "bge s10, s11, . - 4096": 0x81BD5063,
    "bltu t0, t1, . + 16": 0x0062E863,
    "bgeu t0, t1, . - 16": 0xFE62F8E3,
    "lb a0, 0(a1)": 0x00058503,
    "lh a0, 2(a1)": 0x00259503,
    "lw a0, -2048(a1)": 0x8005A503,
    "lbu a0, 2047(a1)": 0x7FF5C503,
    "lhu a0, 6(x31)": 0x006FD503,
    "sb a0, -1(a1)": 0xFEA58FA3,
    "sh a0, 2(a1)": 0x00A59123,
    "sw x31, 2047(x30)": 0x7FFF2FA3,
    "addi a0, a1, -2048": 0x80058513,
    "slti a0, a1, 2047": 0x7FF5A513,
    "sltiu a0, a1, -1": 0xFFF5B513,
    "xori a0, a1, 0x55": 0x0555C513,
    "ori a0, a1, -0x55": 0xFAB5E513,
    "andi a0, a1, 1": 0x0015F513,
    "slli a0, a1, 31": 0x01F59513,
    "srli a0, a1, 1": 0x0015D513,
    "srai a0, a1, 31": 0x41F5D513,
    "add a0, a1, a2": 0x00C58533,
    "sub a0, a1, a2": 0x40C58533,
    "sll a0, a1, a2": 0x00C59533,
    "slt a0, a1, a2": 0x00C5A533,
    "sltu a0, a1, a2": 0x00C5B533,
    "xor a0, a1, a2": 0x00C5C533,
    "srl a0, a1, a2": 0x00C5D533,
    "sra a0, a1, a2": 0x40C5D533,
    "or a0, a1, a2": 0x00C5E533,
    "and x31, x30, x29": 0x01DF7FB3,
    "fence": 0x0FF0000F,
    "fence r, w": 0x0210000F,
    "fence iorw, iorw": 0x0FF0000F,
    "fence.tso": 0x8330000F,
    "ecall": 0x00000073,
    "ebreak": 0x00100073,
    "nop": 0x00000013,
    "mv a0, a1": 0x00058513,
    "not a0, a1": 0xFFF5C513,
    "neg a0, a1": 0x40B00533,
    "seqz a0, a1": 0x0015B513,
    "snez a0, a1": 0x00B03533,
    "sltz a0, a1": 0x0005A533,
    "sgtz a0, a1": 0x00B02533,
    "sgt a0, a1, a2": 0x00B62533,
    "sgtu a0, a1, a2": 0x00B63533,
    "zext.b a0, a1": 0x0FF5F513,
    "beqz a0, . + 8": 0x00050463,
    "bnez a0, . + 8": 0x00051463,
    "blez a0, . + 8": 0x00A05463,
    "bgez a0, . + 8": 0x00055463,
    "bltz a0, . + 8": 0x00054463,
    "bgtz a0, . + 8": 0x00A04463,
    "bgt a0, a1, . + 8": 0x00A5C463,
    "ble a0, a1, . + 8": 0x00A5D463,
    "bgtu a0, a1, . + 8": 0x00A5E463,
    "bleu a0, a1, . + 8": 0x00A5F463,
    "j . + 8": 0x0080006F,
    "jal . + 8": 0x008000EF,
    "jr a0": 0x00050067,
    "jalr a0": 0x000500E7,
    "jalr a0, a1": 0x00058567,
    "jalr a0, a1, 4": 0x00458567,
    "jalr (a0)": 0x000500E7,
    "jalr a0, (a1)": 0x00058567,
    "ret": 0x00008067,
    "li a0, 5": 0x00500513,
    "li a0, -2048": 0x80000513,
    "li a0, 0x1000": 0x00001537,
    "li a0, 0x80000000": 0x80000537,
    "unimp": 0xC0001073,
    "csrrw a0, mscratch, a1": 0x34059573,
    "csrrs a0, cycle, x0": 0xC0002573,
    "csrrc a0, 0x300, a1": 0x3005B573,
    "csrrwi a0, mscratch, 31": 0x340FD573,
    "csrrsi a0, mie, 8": 0x30446573,
    "csrrci a0, mie, 1": 0x3040F573,
    "csrw mtvec, a0": 0x30551073,
    "csrw mtvec, 5": 0x3052D073,
    "fence.i": 0x0000100F,
    "mret": 0x30200073,
    "wfi": 0x10500073,
    "sret": 0x10200073,
    "pause": 0x0100000F,
    "move a0, a1": 0x00058513,
    "scall": 0x00000073,
    "sbreak": 0x00100073,
    "jr 4(a0)": 0x00450067,
    "jr a0, 4": 0x00450067,
    "jalr a0, 4": 0x004500E7,
}
"""What GNU as 2.40 makes of a line at address 0x200000; all but `.` is absolute in them."""


def words(text: str) -> list[int]:
    return list(assemble(Source("t.s", text)).words)


@pytest.mark.parametrize("line", GOLDEN)
def test_golden_encodings(line: str) -> None:
    assert words(line) == [GOLDEN[line]]


def test_every_instruction_is_tested() -> None:
    sources = Path(__file__).parent / "sources"
    text = "\n".join([*GOLDEN, *PAIRS, *(path.read_text() for path in sources.glob("*.s"))])
    found = set(re.findall(r"^\s*(?:\w+:\s*)?([a-z][a-z0-9.]*)", text, re.MULTILINE))
    assert found >= MNEMONICS - ATOMIC_MNEMONICS - frozenset(EXTENSION)


def test_every_name_of_a_register() -> None:
    for number, name in enumerate(ABI_NAMES):
        assert words(f"add {name}, x{number}, {name}") == words(
            f"add x{number}, x{number}, x{number}"
        )
    assert words("mv fp, a0") == words("mv s0, a0")


PAIRS = {
    "lga a0, . + 0x801": ["auipc a0, 1", "addi a0, a0, -0x7ff"],
    "lla a0, . + 0x801": ["auipc a0, 1", "addi a0, a0, -0x7ff"],
    "call t0, . + 0x1800": ["auipc t1, 2", "jalr t0, -2048(t1)"],
    "jump . + 0x1800, t2": ["auipc t2, 2", "jalr x0, -2048(t2)"],
    "sext.h a0, a1": ["slli a0, a1, 16", "srai a0, a0, 16"],
    "beq a0, a1, . + 4096": ["bne a0, a1, . + 8", "jal x0, . + 4092"],
    "bltu a0, a1, . - 4100": ["bgeu a0, a1, . + 8", "jal x0, . - 4104"],
    **{
        f"rd{name} a0": [f"csrrs a0, {name}, x0"]
        for name in ("cycle", "cycleh", "time", "timeh", "instret", "instreth")
    },
    "csrr a0, pmpaddr63": ["csrrs a0, 0x3ef, x0"],
    "csrs mie, a0": ["csrrs x0, mie, a0"],
    "csrc mie, a0": ["csrrc x0, mie, a0"],
    "csrwi mie, 1": ["csrrwi x0, mie, 1"],
    "csrsi mie, 1": ["csrrsi x0, mie, 1"],
    "csrci mie, 1": ["csrrci x0, mie, 1"],
    "li a0, 0x12345678": ["lui a0, 0x12345", "addi a0, a0, 0x678"],
    "li a0, 0x12345fff": ["lui a0, 0x12346", "addi a0, a0, -1"],
    "li a0, -1": ["addi a0, x0, -1"],
    "li a0, 0xffffffff": ["addi a0, x0, -1"],
    "li a0, 0x7fffffff": ["lui a0, 0x80000", "addi a0, a0, -1"],
    "li a0, 2048": ["lui a0, 1", "addi a0, a0, -2048"],
    "call . + 0x1800": ["auipc ra, 2", "jalr ra, -2048(ra)"],
    "tail . + 0x7fc": ["auipc t1, 0", "jalr x0, 0x7fc(t1)"],
    "la a0, . + 0x801": ["auipc a0, 1", "addi a0, a0, -0x7ff"],
    "lw a0, . + 0x804": ["auipc a0, 1", "lw a0, -0x7fc(a0)"],
    "lbu a0, . - 4": ["auipc a0, 0", "lbu a0, -4(a0)"],
    "sh a0, . + 0x10002, t1": ["auipc t1, 16", "sh a0, 2(t1)"],
}


@pytest.mark.parametrize("line", PAIRS)
def test_what_takes_two_instructions(line: str) -> None:
    assert words(line) == words("\n".join(PAIRS[line]))


def _operands(mnemonic: str, rng: random.Random) -> str:
    """Random operands of an instruction, with the ends of each range among them."""
    encoding = INSTRUCTIONS[mnemonic]
    names = [f"x{i}" for i in range(32)] + list(ABI_NAMES)
    rd, rs1, rs2 = (rng.choice(names) for _ in range(3))
    imm = rng.choice([-2048, -1, 0, 1, 2047, rng.randint(-2048, 2047)])
    if mnemonic in ("ecall", "ebreak"):
        return ""
    if mnemonic == "fence":
        sets = [s for s in ("i", "or", "rw", "iorw", "w") for _ in range(2)]
        return f"{rng.choice(sets)}, {rng.choice(sets)}"
    if mnemonic == "jalr" or encoding.opcode == 0x03:
        return f"{rd}, {imm}({rs1})"
    if encoding.format == "I" and encoding.funct7 is not None:
        return f"{rd}, {rs1}, {rng.randint(0, 31)}"
    if encoding.format in "BJ":
        reach = 4096 if encoding.format == "B" else 1 << 20
        offset = rng.choice([-reach, reach - 4, 4 * rng.randrange(-reach // 4, reach // 4)])
        return f"{rs1}, {rs2}, . + {offset}" if encoding.format == "B" else f"{rd}, . + {offset}"
    upper = rng.choice([0, 0xFFFFF, rng.randrange(1 << 20)])
    forms = {
        "R": f"{rd}, {rs1}, {rs2}",
        "I": f"{rd}, {rs1}, {imm}",
        "S": f"{rs2}, {imm}({rs1})",
        "U": f"{rd}, {upper:#x}",
    }
    return forms[encoding.format]


_PSEUDO = [
    *(
        f"{name} {{0}}, {{1}}"
        for name in ["mv", "not", "neg", "seqz", "snez", "sltz", "sgtz", "zext.b", "jalr"]
    ),
    *(
        f"{name} {{0}}, {{t}}"
        for name in ["beqz", "bnez", "blez", "bgez", "bltz", "bgtz", "la", "lla", "lw", "lb", "lhu"]
    ),
    *(f"{name} {{0}}, {{1}}, {{t}}" for name in ["bgt", "ble", "bgtu", "bleu", "beq", "bgeu"]),
    *(f"{name} {{0}}, {{1}}, {{2}}" for name in ("sgt", "sgtu", "add", "sltu")),
    *(f"{name} {{0}}, {{t}}, {{1}}" for name in ("sw", "sb", "sh")),
    *("j {t}", "jal {t}", "call {t}", "tail {t}", "jr {0}", "jalr {0}", "ret", "nop", "unimp"),
]

if binutils.FOUND:

    @pytest.mark.parametrize("mnemonic", INSTRUCTIONS)
    def test_gnu_as_encodes_the_same(mnemonic: str, tmp_path: Path) -> None:
        rng = seeds.rng(mnemonic)
        lines = [f"{mnemonic} {_operands(mnemonic, rng)}".strip() for _ in range(200)]
        text = "\n".join(lines) + "\n"
        assert words(text) == binutils.loaded_words(text, tmp_path)

    def test_gnu_as_expands_pseudo_instructions_the_same(tmp_path: Path) -> None:
        rng = seeds.rng(1)
        names = [*ABI_NAMES, *(f"x{i}" for i in range(32))]
        lines = []
        for form in _PSEUDO * 12:
            registers = [rng.choice(names) for _ in range(3)]
            lines.append(form.format(*registers, t=f". + {4 * rng.randrange(-1000, 1000)}"))
        text = "\n".join(lines) + "\n"
        assert words(text) == binutils.loaded_words(text, tmp_path)

    @pytest.mark.parametrize("number", range(8))
    def test_gnu_as_loads_numbers_the_same(number: int, tmp_path: Path) -> None:
        rng = seeds.rng(number)
        near = (rng.randrange(1 << 20) << 12) + rng.choice([-2049, -2048, -1, 0, 1, 2047, 2048])
        values = [near, rng.randrange(1 << 32), rng.randrange(-(1 << 31), 1 << 31), number - 4]
        text = "".join(f"li t{i}, {value}\n" for i, value in enumerate(values))
        assert words(text) == binutils.loaded_words(text, tmp_path)
