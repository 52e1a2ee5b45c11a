"""Assembly sources of RISC-V (`.s`)."""

from __future__ import annotations

from tests.cli.bad.case import Case, Content
from tests.cli.bad.sources import at, chain

__all__ = ["RISCV"]


def _riscv(what: str, text: str | bytes, message: str, **files: Content) -> Case:
    return Case(what, "compile a.s", 3, at("a.s", message), {"a.s": text, **files})


RISCV = [
    _riscv(
        "a label of 10,000 characters",
        "x" * 10_000 + ": nop\n",
        "1:1: error: this name has 10000 characters",
    ),
    _riscv(
        "a label that is a number of 10,000 digits",
        "9" * 10_000 + ": nop\n",
        "1:1: error: this name has 10000 characters",
    ),
    _riscv(
        "a jump to a number of 10,000 digits",
        "j " + "9" * 10_000 + "b\n",
        "1:3: error: this number has 10001 digits",
    ),
    _riscv(
        "10,000 octal digits",
        "li a0, 0" + "7" * 10_000 + "\n",
        "1:8: error: this number has 10001 digits",
    ),
    _riscv(
        "a modifier of 10,000 characters",
        "lui a0, %" + "x" * 10_000 + "(1)\n",
        "1:10: error: this name has 10000 characters",
    ),
    _riscv(
        "10,000 parentheses",
        ".word " + "(" * 10_000 + "1" + ")" * 10_000 + "\n",
        "1:157: error: this expression is nested too deeply",
    ),
    _riscv(
        "10,000 registers in parentheses",
        "lw a0, " + "0(" * 10_000 + "\n",
        "1:11: error: a comma is missing between two operands",
    ),
    _riscv("division by zero", "li a0, 5 / (1 - 1)\n", "1:8: error: division by zero"),
    _riscv(
        "a huge .space",
        ".space 1 << 60\n",
        "1:1: error: the program is longer than 4,194,304 bytes",
    ),
    _riscv(
        "much .space",
        ".space 4000000\n" * 1000,
        "2:1: error: the program is longer than 4,194,304 bytes",
    ),
    _riscv("a negative .space", ".space -1\n", "1:8: error: .space -1 is negative"),
    _riscv("a huge .align", ".align 63\n", "1:8: error: .align 63 is too large"),
    _riscv(
        "a huge .comm",
        ".comm x, 1 << 60\n",
        "1:7: error: the program is longer than 4,194,304 bytes",
    ),
    _riscv(
        "an .org backwards",
        "nop\n.org 0\n",
        "2:6: error: .org 0 is less than the offset so far, 4",
    ),
    _riscv("a register that is none", "add a0, a1, a8\n", "1:13: error: no register named `a8`"),
    _riscv(
        "a number for a register",
        "sub a0, a1, 5\n",
        "1:13: error: a number stands where a register is needed",
    ),
    _riscv(
        "an instruction of an extension",
        "mul a0, a1, a2\n",
        "1:1: error: no instruction or macro named `mul`",
    ),
    _riscv(
        "an immediate too large", "addi a0, a0, 2048\n", "1:14: error: 2048 does not fit `addi`"
    ),
    _riscv(
        "a branch too far",
        "j far\n.space 2000000\nfar: nop\n",
        "1:3: error: +2000004 bytes are too far for `jal`",
    ),
    _riscv(
        "an instruction out of line",
        ".byte 1\nnop\n",
        "2:1: error: address 1 is not a multiple of 4: no instruction may begin there",
    ),
    _riscv("a comment without an end", "nop\n/* for ever\n", "2:1: error: this comment has no end"),
    _riscv("a label that is nowhere", "j 1f\n", "1:3: error: there is no label `1:` after this"),
    _riscv("another width", ".width 16\nnop\n", "1:8: error: rv32i has no 16-bit words"),
    Case(
        "a source for the preprocessor",
        "run a.S",
        3,
        "a.S:1:1: error: `#define` is for the C preprocessor",
        {"a.S": "#define N 5\nli a0, N\n"},
    ),
    _riscv(
        "an include cycle",
        '.include "b"\n',
        "b:1:10: error: a.s includes itself",
        b='.include "a.s"\n',
    ),
    _riscv(
        "includes 100 deep",
        '.include "0.s"\n',
        "59.s:1:10: error: files include each other more than 60 deep",
        **chain("s"),
    ),
]
"""What GNU as would complain about as well, in other words."""
