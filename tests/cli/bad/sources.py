"""Assembly sources: SUBLEQ's (`.sasm`) and RISC-V's (`.s`)."""

from __future__ import annotations

from tests.cli.bad.case import Case, Content

__all__ = ["SOURCES"]


def _subleq(what: str, text: str | bytes, message: str, **files: Content) -> Case:
    return Case(what, "asm a.sasm", 3, message, {"a.sasm": text, **files})


def _riscv(what: str, text: str | bytes, message: str, **files: Content) -> Case:
    return Case(what, "compile a.s", 3, message, {"a.s": text, **files})


def _chain(suffix: str) -> dict[str, Content]:
    """A hundred files, each of which includes the next."""
    return {f"{i}.{suffix}": f'.include "{i + 1}.{suffix}"\n' for i in range(100)}


SOURCES = [
    # ---------------------------------------------------------------- what is no text
    Case("an empty source", "run a.sasm", 3, "?", {"a.sasm": ""}),
    Case("a source of comments", "asm a.s", 3, "?", {"a.s": "# nothing\n/* at all */\n"}),
    Case("NUL bytes", "asm a.sasm", 4, "?", {"a.sasm": b"halt\n\0\0\0"}),
    Case("NUL bytes", "verify a.s", 4, "?", {"a.s": b"nop\n\0\0\0"}),
    Case("invalid UTF-8", "run a.sasm", 4, "?", {"a.sasm": b"halt ; \xff\n"}),
    Case("UTF-16", "info a.sasm", 4, "?", {"a.sasm": "halt\n".encode("utf-16")}),
    Case("a byte order mark", "asm a.sasm", 0, "", {"a.sasm": "\ufeffhalt\n"}),
    # ---------------------------------------------------------------- SUBLEQ
    _subleq("a character without a meaning", "mov a ? b\n", "?"),
    _subleq("a form feed of another kind", "halt\x0b\x1c halt\n", "?"),
    _subleq("a control sequence", "\x1b[31mhalt\n", "?"),
    _subleq("a label of 10,000 characters", "x" * 10_000 + ": halt\n", "?"),
    _subleq("a reference of 10,000 characters", "jmp " + "x" * 10_000 + "\n", "?"),
    _subleq("a number of 10,000 digits", ".word " + "9" * 10_000 + "\n", "?"),
    _subleq("10,000 hexadecimal digits", ".word 0x" + "f" * 10_000 + "\n", "?"),
    _subleq("10,000 parentheses", ".word " + "(" * 10_000 + "1" + ")" * 10_000 + "\n", "?"),
    _subleq("10,000 parentheses, open", ".word " + "(" * 10_000 + "\n", "?"),
    _subleq("10,000 signs", ".word " + "-" * 10_000 + "1\n", "?"),
    _subleq("10,000 terms", ".word " + "1+" * 10_000 + "1\n", "?"),
    _subleq("a line of a million characters", ".word 1" + " " * 1_000_000 + "?\n", "?"),
    _subleq("a line of a million operands", ".word " + "1," * 1_000_000 + "\n", "?"),
    _subleq("division by zero", ".equ ZERO, 2 - 2\n.word 5 / ZERO\n", "?"),
    _subleq("remainder by zero", ".word 5 % (1 - 1)\n", "?"),
    _subleq("a shift by a negative number", ".word 1 << -1\n", "?"),
    _subleq("a value without end", ".word 1 << 127 << 127\n", "?"),
    _subleq("a constant by itself", ".equ a, b\n.equ b, a\n.word a\n", "?"),
    _subleq("a word too large", ".word 65536\n", "?"),
    _subleq("a huge gap", ".org 1 << 40\nhalt\n", "?"),
    _subleq("a huge fill", ".zero 1 << 40\n", "?"),
    _subleq("a machine that is none", ".machine z80\nhalt\n", "?"),
    _subleq("a width that is none", ".width 12\nhalt\n", "?"),
    _subleq("a misspelt label", "loop: jmp lop\n", "?"),
    _subleq("a misspelt macro", "hlat\n", "?"),
    _subleq("a label twice", "x: x: halt\n", "?"),
    _subleq("too many operands", "subleq 1, 2, 3, 4\n", "?"),
    _subleq("a macro without an end", ".macro m\nhalt\n", "?"),
    _subleq("an end without a macro", ".endm\n", "?"),
    _subleq("a macro that invokes itself", ".macro m\nm\n.endm\nm\n", "?"),
    _subleq("macros that double", ".macro m x\nm x + x\nm x + x\n.endm\nm 1\n", "?"),
    _subleq("text without an end", '.ascii "abc\n', "?"),
    _subleq("an escape that is none", '.ascii "\\q"\n', "?"),
    _subleq("an include of nothing", '.include "nowhere.sasm"\n', "?"),
    _subleq("an include of a folder", '.include "."\n', "?"),
    _subleq("an include of itself", '.include "a.sasm"\n', "?"),
    _subleq("an include of bytes", '.include "b"\n', "?", b=b"\xff\xfe"),
    _subleq("an include with a NUL in its name", '.include "a\\0b"\n', "?"),
    _subleq("an include with a newline in its name", '.include "a\\nb"\n', "?"),
    _subleq("an include cycle", '.include "b"\n', "?", b='.include "c"\n', c='.include "b"\n'),
    _subleq("includes 100 deep", '.include "0.sasm"\n', "?", **_chain("sasm")),
    # ---------------------------------------------------------------- RISC-V
    _riscv("a label of 10,000 characters", "x" * 10_000 + ": nop\n", "?"),
    _riscv("a label that is a number of 10,000 digits", "9" * 10_000 + ": nop\n", "?"),
    _riscv("a jump to a number of 10,000 digits", "j " + "9" * 10_000 + "b\n", "?"),
    _riscv("10,000 octal digits", "li a0, 0" + "7" * 10_000 + "\n", "?"),
    _riscv("a modifier of 10,000 characters", "lui a0, %" + "x" * 10_000 + "(1)\n", "?"),
    _riscv("10,000 parentheses", ".word " + "(" * 10_000 + "1" + ")" * 10_000 + "\n", "?"),
    _riscv("10,000 registers in parentheses", "lw a0, " + "0(" * 10_000 + "\n", "?"),
    _riscv("division by zero", "li a0, 5 / (1 - 1)\n", "?"),
    _riscv("a huge .space", ".space 1 << 60\n", "?"),
    _riscv("much .space", ".space 4000000\n" * 1000, "?"),
    _riscv("a negative .space", ".space -1\n", "?"),
    _riscv("a huge .align", ".align 63\n", "?"),
    _riscv("a huge .comm", ".comm x, 1 << 60\n", "?"),
    _riscv("an .org backwards", "nop\n.org 0\n", "?"),
    _riscv("a register that is none", "add a0, a1, a8\n", "?"),
    _riscv("a number for a register", "add a0, a1, 5\n", "?"),
    _riscv("an instruction of an extension", "mul a0, a1, a2\n", "?"),
    _riscv("an immediate too large", "addi a0, a0, 2048\n", "?"),
    _riscv("a branch too far", "beqz a0, far\n.space 5000\nfar: nop\n", "?"),
    _riscv("an instruction out of line", ".byte 1\nnop\n", "?"),
    _riscv("a comment without an end", "nop\n/* for ever\n", "?"),
    _riscv("a label that is nowhere", "j 1f\n", "?"),
    _riscv("another width", ".width 16\nnop\n", "?"),
    Case("a source for the preprocessor", "run a.S", 3, "?", {"a.S": "#define N 5\nli a0, N\n"}),
    _riscv("an include cycle", '.include "b"\n', "?", b='.include "a.s"\n'),
    _riscv("includes 100 deep", '.include "0.s"\n', "?", **_chain("s")),
]
"""Every table is a list of cases."""
