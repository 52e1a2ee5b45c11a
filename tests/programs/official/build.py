"""Tests in the format of the official ones, as text, and as ELF files where GCC is installed."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

COMPILER = "riscv64-unknown-elf-gcc"
FOUND = shutil.which(COMPILER) is not None

_HERE = Path(__file__).parent
_FLAGS = [
    *("-march=rv32g", "-mabi=ilp32", "-static", "-mcmodel=medany", "-fvisibility=hidden"),
    *("-nostdlib", "-nostartfiles", "-Wl,--no-warn-rwx-segments"),
    *(f"-I{_HERE}", f"-T{_HERE / 'memory.ld'}"),
]
_CASES = 12
_CORNERS = (0, 1, 2, 31, 32, 0x7FF, 0x800, 0xFFFF8000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_ONES = 0xFFFFFFFF


def build(text: str, output: Path) -> Path:
    """Assemble and link a test as the official ones are."""
    command = [COMPILER, *_FLAGS, "-x", "assembler-with-cpp", "-", "-o", str(output)]
    result = subprocess.run(command, input=text, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return output


def test_of(cases: Iterable[str], data: str = "") -> str:
    """A test: each case is code that goes to `fail` if it goes wrong; the first is number 2."""
    numbered = (f"li gp, {number}\n{case}" for number, case in enumerate(cases, 2))
    return "\n".join(['#include "environment.h"', "BEGIN", *numbered, "END", ".data", data, ""])


def _signed(value: int, width: int = 32) -> int:
    value &= (1 << width) - 1
    return value - (1 << width) if value >> width - 1 else value


_RESULTS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "xor": lambda a, b: a ^ b,
    "sll": lambda a, b: a << b % 32,
    "srl": lambda a, b: a >> b % 32,
    "sra": lambda a, b: _signed(a) >> b % 32,
    "slt": lambda a, b: _signed(a) < _signed(b),
    "sltu": lambda a, b: a < b,
}
_CONDITIONS = {
    "beq": lambda a, b: a == b,
    "bne": lambda a, b: a != b,
    "blt": lambda a, b: _signed(a) < _signed(b),
    "bge": lambda a, b: _signed(a) >= _signed(b),
    "bltu": lambda a, b: a < b,
    "bgeu": lambda a, b: a >= b,
}
_IMMEDIATE = {
    **{f"{name}i": name for name in ("add", "and", "or", "xor", "sll", "srl", "sra", "slt")},
    "sltiu": "sltu",
}
_BYTES = 0x8070F00F, 0x00FF7F80
_SIZES = {"b": 1, "h": 2, "w": 4}


def _number(rng: random.Random) -> int:
    return rng.choice(_CORNERS) if rng.random() < 0.6 else rng.getrandbits(32)


def _pairs(rng: random.Random) -> list[tuple[int, int]]:
    pairs = [(_number(rng), _number(rng)) for _ in range(_CASES)]
    return [*pairs, (5, 5), (_ONES, _ONES)]


def _register(name: str, rng: random.Random) -> Iterable[str]:
    for a, b in _pairs(rng):
        right = int(_RESULTS[name](a, b)) & _ONES
        yield f"li a1, {a}; li a2, {b}; {name} a4, a1, a2; li t2, {right}; bne a4, t2, fail"
    yield f"li a1, 7; li a2, 9; {name} zero, a1, a2; bnez zero, fail"


def _with_immediate(name: str, rng: random.Random) -> Iterable[str]:
    for a, b in _pairs(rng):
        small = b % 32 if name in ("slli", "srli", "srai") else _signed(b, 12)
        right = int(_RESULTS[_IMMEDIATE[name]](a, small & _ONES)) & _ONES
        yield f"li a1, {a}; {name} a4, a1, {small}; li t2, {right}; bne a4, t2, fail"
    yield f"li a1, 7; {name} zero, a1, 9; bnez zero, fail"


def _branch(name: str, rng: random.Random) -> Iterable[str]:
    for a, b in _pairs(rng):
        operands = f"li a1, {a}; li a2, {b}; {name} a1, a2"
        if _CONDITIONS[name](a, b):
            yield f"{operands}, 2f; j fail; 1: j 3f; 2: {name} a1, a2, 1b; j fail; 3:"
        else:
            yield f"{operands}, fail"


def _load(name: str, rng: random.Random) -> Iterable[str]:
    size = _SIZES[name[1]]
    content = b"".join(word.to_bytes(4, "little") for word in _BYTES)
    for place in range(0, 8, size):
        raw = int.from_bytes(content[place : place + size], "little")
        right = raw if name.endswith("u") else _signed(raw, 8 * size) & _ONES
        yield f"la a1, bytes; {name} a4, {place}(a1); li t2, {right}; bne a4, t2, fail"
        yield f"la a1, bytes + 16; {name} a4, {place - 16}(a1); bne a4, t2, fail"


def _store(name: str, rng: random.Random) -> Iterable[str]:
    size = _SIZES[name[1]]
    for place in range(0, 8, size):
        value = _number(rng)
        load = {1: "lbu", 2: "lhu", 4: "lw"}[size]
        right = value & (1 << 8 * size) - 1
        check = f"{load} a4, {place}(a1); li t2, {right}; bne a4, t2, fail"
        yield f"la a1, bytes; li a2, {value}; {name} a2, {place}(a1); {check}"


_OTHERS = {
    "lui": [f"lui a1, {n}; li t2, {n << 12}; bne a1, t2, fail" for n in (0, 1, 0x7FFFF, 0xFFFFF)],
    "auipc": [
        "la a1, 1f; 1: auipc a0, 0; bne a0, a1, fail",
        "la a1, 1f; li t2, 0x2000; add a1, a1, t2; 1: auipc a0, 2; bne a0, a1, fail",
        "auipc a0, 0; srli a0, a0, 31; li t2, 1; bne a0, t2, fail",
    ],
    "jal": ["la t2, 1f; jal a1, 2f; 1: j fail; 2: bne a1, t2, fail", "jal zero, 1f; j fail; 1:"],
    "jalr": [
        "la t2, 1f; la a2, 2f; jalr a1, a2, 0; 1: j fail; 2: bne a1, t2, fail",
        "la a2, 2f + 1; jalr a1, a2, 0; j fail; 2:",
        "la t2, 1f; la a2, 2f - 8; jalr a2, a2, 8; 1: j fail; 2: bne a2, t2, fail",
        "lw a2, pointer; jalr a1, a2, 0; j fail; back: bnez zero, fail",
    ],
    "fence_i": [
        "lw a1, other; la a2, 1f; sw a1, 0(a2); fence.i; 1: li a0, 1; li t2, 7; bne a0, t2, fail"
    ],
    "simple": ["fence"],
}  # fmt: skip
_DATA = ".align 4; bytes: .word {}, {}, 0, 0; pointer: .word {}; other: li a0, 7"


def tests() -> dict[str, str]:
    """The texts of all tests, by the names that official ones have."""
    makers = {
        **dict.fromkeys(_RESULTS, _register),
        **dict.fromkeys(_IMMEDIATE, _with_immediate),
        **dict.fromkeys(_CONDITIONS, _branch),
        **dict.fromkeys(("lb", "lbu", "lh", "lhu", "lw"), _load),
        **dict.fromkeys(("sb", "sh", "sw"), _store),
    }
    cases = {name: list(make(name, random.Random(name))) for name, make in makers.items()}
    texts = {}
    for name, own in {**cases, **_OTHERS}.items():
        pointer = "back" if name == "jalr" else 0
        texts[f"rv32ui-p-{name}"] = test_of(own, _DATA.format(*_BYTES, pointer))
    return texts
