"""Assembly sources that are no text, and those of SUBLEQ (`.sasm`)."""

from __future__ import annotations

import re

from tests.cli.bad.case import Case, Content

__all__ = ["SOURCES", "at", "chain"]


def at(name: str, message: str) -> str:
    """The message: it begins with a line and a column of this file, or names another."""
    return f"{name}:{message}" if re.match(r"\d+:\d+: ", message) else message


def _subleq(what: str, text: str | bytes, message: str, **files: Content) -> Case:
    return Case(what, "asm a.sasm", 3, at("a.sasm", message), {"a.sasm": text, **files})


def chain(suffix: str) -> dict[str, Content]:
    """A hundred files, each of which includes the next."""
    return {f"{i}.{suffix}": f'.include "{i + 1}.{suffix}"\n' for i in range(100)}


SOURCES = [
    # ---------------------------------------------------------------- what is no text
    Case(
        "an empty source",
        "run a.sasm",
        3,
        "a.sasm:1:1: error: there is nothing to assemble",
        {"a.sasm": ""},
    ),
    Case(
        "a source of comments",
        "asm a.s",
        3,
        "a.s:1:1: error: there is nothing to assemble",
        {"a.s": "# nothing\n/* at all */\n"},
    ),
    Case(
        "NUL bytes",
        "asm a.sasm",
        4,
        "error: a.sasm is not a text: it has NUL bytes",
        {"a.sasm": b"halt\n\0\0\0"},
    ),
    Case(
        "NUL bytes",
        "verify a.s",
        4,
        "error: a.s is not a text: it has NUL bytes",
        {"a.s": b"nop\n\0\0\0"},
    ),
    Case(
        "invalid UTF-8",
        "run a.sasm",
        4,
        "error: a.sasm is not a text: byte 7 is not UTF-8",
        {"a.sasm": b"halt ; \xff\n"},
    ),
    Case(
        "UTF-16",
        "info a.sasm",
        4,
        "error: a.sasm is a text in UTF-16",
        {"a.sasm": "halt\n".encode("utf-16")},
    ),
    Case(
        "a byte order mark",
        "asm a.sasm",
        3,
        "a.sasm:1:1: error: no instruction or macro named `hlat`",
        {"a.sasm": "\ufeffhlat\n"},
    ),
    # ---------------------------------------------------------------- SUBLEQ
    _subleq("a character without a meaning", "mov a ? b\n", "1:7: error: `?` has no meaning here"),
    _subleq(
        "a form feed of another kind",
        "halt\x0b\x1c halt\n",
        "1:6: error: `\\x1c` has no meaning here",
    ),
    _subleq("a control sequence", "\x1b[31mhalt\n", "1:1: error: `\\x1b` has no meaning here"),
    _subleq(
        "a label of 10,000 characters",
        "x" * 10_000 + ": halt\n",
        "1:1: error: this name has 10000 characters",
    ),
    _subleq(
        "a reference of 10,000 characters",
        "jmp " + "x" * 10_000 + "\n",
        "1:5: error: this name has 10000 characters",
    ),
    _subleq(
        "a number of 10,000 digits",
        ".word " + "9" * 10_000 + "\n",
        "1:7: error: this number has 10000 digits",
    ),
    _subleq(
        "10,000 hexadecimal digits",
        ".word 0x" + "f" * 10_000 + "\n",
        "1:7: error: this number has 10002 digits",
    ),
    _subleq(
        "10,000 parentheses, open",
        ".word " + "(" * 10_000 + "\n",
        "1:10007: error: a parenthesis is not closed",
    ),
    _subleq(
        "10,000 signs",
        ".word " + "-" * 10_000 + "1\n",
        "1:1: error: this line is nested too deeply",
    ),
    _subleq(
        "10,000 terms",
        ".word " + "1+" * 10_000 + "1\n",
        "1:1: error: this line is nested too deeply",
    ),
    _subleq(
        "a line of a million characters",
        ".word 1" + " " * 1_000_000 + "?\n",
        "1:1000008: error: `?` has no meaning here",
    ),
    _subleq(
        "a line of 20,000 operands",
        ".word " + "1," * 20_000 + "\n",
        "1:40007: error: an operand is missing",
    ),
    Case(
        "a line of a million operands",
        "asm a.sasm",
        4,
        "error: a.sasm is larger than 1 MB",
        {"a.sasm": ".word " + "1," * 1_000_000 + "\n"},
    ),
    _subleq(
        "division by zero",
        ".equ ZERO, 2 - 2\n.word 5 / ZERO\n",
        "2:7: error: division by zero",
    ),
    _subleq("remainder by zero", ".word 5 % (1 - 1)\n", "1:7: error: division by zero"),
    _subleq(
        "a shift by a negative number",
        ".word 1 << -1\n",
        "1:12: error: a value cannot be shifted by -1 bits",
    ),
    _subleq(
        "a value without end",
        ".word 1 << 127 << 127\n",
        "1:7: error: this value is too large",
    ),
    _subleq(
        "a constant by itself",
        ".equ a, b\n.equ b, a\n.word a\n",
        "1:6: error: constant `a` depends on itself",
    ),
    _subleq("a word too large", ".word 65536\n", "1:7: error: 65536 is not a 16-bit word"),
    _subleq(
        "a huge gap",
        ".org 1 << 40\nhalt\n",
        "1:6: error: the program is longer than 1,048,576 words",
    ),
    _subleq(
        "a huge fill",
        ".zero 1 << 40\n",
        "1:7: error: the program is longer than 1,048,576 words",
    ),
    _subleq(
        "a machine that is none",
        ".machine z80\nhalt\n",
        "1:10: error: no machine named `z80`",
    ),
    _subleq("a width that is none", ".width 12\nhalt\n", "1:8: error: subleq has no 12-bit words"),
    _subleq("a misspelt label", "loop: jmp lop\n", "1:11: error: no label named `lop`"),
    _subleq("a misspelt macro", "hlat\n", "1:1: error: no instruction or macro named `hlat`"),
    _subleq("a label twice", "x: x: halt\n", "1:4: error: `x` is defined twice"),
    _subleq(
        "too many operands",
        "subleq 1, 2, 3, 4\n",
        "1:1: error: `subleq` takes at most 3 operands",
    ),
    _subleq("a macro without an end", ".macro m\nhalt\n", "1:1: error: this .macro has no .endm"),
    _subleq("an end without a macro", ".endm\n", "1:1: error: this .endm closes nothing"),
    _subleq(
        "a macro that invokes itself",
        ".macro m\nm\n.endm\nm\n",
        "4:1: error: macro `m` is nested more than 60 deep",
    ),
    _subleq(
        "macros that double",
        ".macro m x\nm x + x\nm x + x\n.endm\nm 1\n",
        "5:1: error: macro `m` is nested more than 60 deep",
    ),
    _subleq("text without an end", '.ascii "abc\n', "1:8: error: this text has no closing quote"),
    _subleq("an escape that is none", '.ascii "\\q"\n', "1:8: error: `\\q` is not an escape"),
    _subleq(
        "an include of nothing",
        '.include "nowhere.sasm"\n',
        "1:10: error: cannot read nowhere.sasm: No such file or directory",
    ),
    _subleq("an include of a folder", '.include "."\n', "1:10: error: . is a directory"),
    _subleq("an include of itself", '.include "a.sasm"\n', "1:10: error: a.sasm includes itself"),
    _subleq(
        "an include of bytes",
        '.include "b"\n',
        "1:10: error: b is a text in UTF-16",
        b=b"\xff\xfe",
    ),
    _subleq(
        "an include with a NUL in its name",
        '.include "a\\0b"\n',
        "1:10: error: cannot read a\\x00b: its name is invalid",
    ),
    _subleq(
        "an include with a newline in its name",
        '.include "a\\nb"\n',
        "1:10: error: cannot read a\\nb: No such file or directory",
    ),
    _subleq(
        "an include cycle",
        '.include "b"\n',
        "c:1:10: error: b includes itself",
        b='.include "c"\n',
        c='.include "b"\n',
    ),
    _subleq(
        "includes 100 deep",
        '.include "0.sasm"\n',
        "59.sasm:1:10: error: files include each other more than 60 deep",
        **chain("sasm"),
    ),
]
"""Every table is a list of cases."""
