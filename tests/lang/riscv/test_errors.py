"""What a user of RISC-V assembly sees: whole messages, all at once, and never a traceback."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.errors import LoopedError, Source, SourceError
from looped.registry import assemble
from tests.conftest import examples


def complaint(text: str) -> str:
    with pytest.raises(SourceError) as caught:
        assemble(Source("p.s", text))
    return caught.value.render()


def test_the_caret_stands_under_the_operand_and_the_hint_names_the_right_instruction() -> None:
    assert complaint("loop:   addi a0, a1, a2\n        bnez a0, lop\n") == (
        "p.s:1:22: error: a register stands where a number is needed\n"
        "    1 | loop:   addi a0, a1, a2\n"
        "      |                      ^^\n"
        "hint: did you mean `add`?\n"
        "\n"
        "p.s:2:18: error: no label named `lop`\n"
        "    2 |         bnez a0, lop\n"
        "      |                  ^^^\n"
        "hint: did you mean `loop`, defined at p.s:1:1?"
    )


SENTENCES = {
    "addd a0, a1, a2": ("1: error: no instruction or macro named `addd`", "did you mean `add`?"),
    ".sectoin .text": ("1: error: no directive named `.sectoin`", "did you mean `.section`?"),
    "add a0, a1": ("1: error: `add` takes 3 operands, not 2", "add rd, rs1, rs2"),
    "mv a0": ("1: error: `mv` takes 2 operands, not 1", "mv rd, rs"),
    "ecall 1": ("1: error: `ecall` takes no operands, not 1", "ecall"),
    "jal a0, a, b": (
        "1: error: `jal` takes 1 or 2 operands, not 3",
        "jal rd, target or jal target",
    ),
    "mv a0, 5": (
        "8: error: a number stands where a register is needed",
        "did you mean `li`?",
    ),
    "sub a0, a1, 5": (
        "13: error: a number stands where a register is needed",
        "sub rd, rs1, rs2",
    ),
    "addi a0, a1, a2": (
        "14: error: a register stands where a number is needed",
        "did you mean `add`?",
    ),
    "slli a0, a1, a2": (
        "14: error: a register stands where a number is needed",
        "did you mean `sll`?",
    ),
    "li a0, a1": ("8: error: a register stands where a number is needed", "did you mean `mv`?"),
    ".word a0": ("7: error: a register stands where a number is needed", None),
    "add a0, 4(a1), a2": (
        "9: error: memory stands where a register is needed",
        "add rd, rs1, rs2",
    ),
    "addi a0, a0, (a1)": ("14: error: memory stands where a number is needed", "addi rd, rs1, imm"),
    'addi a0, a0, "a"': ("14: error: text stands where a number is needed", "addi rd, rs1, imm"),
    "add a0, a1, a8": ("13: error: no register named `a8`", "x0 to x31, or zero ra sp … t6"),
    "lw a0, a1": (
        "8: error: memory at a register is needed here, such as 0(a1)",
        "lw rd, offset(rs1) or lw rd, symbol",
    ),
    "lw a0, 4(5)": (
        "10: error: a number stands where a register is needed",
        "lw rd, offset(rs1) or lw rd, symbol",
    ),
    "addi a0, a1, 2048": (
        "14: error: 2048 does not fit `addi`",
        "-2048 to 2047; li loads larger numbers into a register",
    ),
    "sw a0, -2049(a1)": (
        "8: error: -2049 does not fit `sw`",
        "-2048 to 2047; la loads an address into a register",
    ),
    "slli a0, a0, 32": ("14: error: 32 does not fit `slli`", "0 to 31"),
    "lui a0, -1": (
        "9: error: -1 does not fit `lui`",
        "0 to 1048575; %hi(…) has the upper 20 bits of an address",
    ),
    "li a0, 1 << 32": (
        "8: error: 4294967296 does not fit `li`",
        "-2147483648 to 4294967295",
    ),
    ".byte 256": ("7: error: 256 does not fit 8 bits", "-128 to 255"),
    "beq a0, a1, . + 0x100004": (
        "13: error: +1048580 bytes are too far for `beq`",
        "it reaches -1048576 to +1048572; use `call` or `tail`",
    ),
    "j . + 0x100000": (
        "3: error: +1048576 bytes are too far for `jal`",
        "it reaches -1048576 to +1048572; use `call` or `tail`",
    ),
    "j . + 2": (
        "3: error: no instruction begins at address 2: it is not a multiple of 4",
        ".align 2 before the label",
    ),
    ".byte 1; nop": (
        "10: error: address 1 is not a multiple of 4: no instruction may begin there",
        ".align 2 before it",
    ),
    "j 1f": ("3: error: there is no label `1:` after this", None),
    "1: j 2b": ("6: error: there is no label `2:` before this", None),
    "lui a0, %high(a)": ("9: error: no modifier named `%high`", "did you mean `%hi`?"),
    "x: lui a0, %hi(x) + 1": (
        "12: error: `%hi` cannot be part of a larger expression",
        "%hi(symbol + 4)",
    ),
    "1: addi a0, a0, %pcrel_lo(1b)": (
        "17: error: %pcrel_lo needs the label of an auipc with %pcrel_hi",
        None,
    ),
    "fence wr, r": (
        "7: error: the operand of a fence is some of i, o, r and w",
        "fence iorw, iorw",
    ),
    ".align 17": (
        "8: error: .align 17 is too large",
        "it is the exponent of a power of two, 0 to 16",
    ),
    ".balign 3": ("9: error: .balign 3 is not a power of two", "1, 2, 4, … 65536"),
    ".space -1": ("8: error: .space -1 is negative", None),
    "nop; .org 2": ("11: error: .org 2 is less than the offset so far, 4", None),
    ".space 9999999": ("1: error: the program is longer than 4,194,304 bytes", None),
    ".section": ("1: error: .section needs a name", ".section .rodata"),
    ".comm 5, 5": ("7: error: .comm needs a name", ".comm buffer, 64, 4"),
    ".string 5": ("1: error: .string needs a text", '.string "like this"'),
    "a: a: nop": ("4: error: `a` is defined twice", "first at p.s:1:1"),
    "a = 1; a: nop": ("8: error: `a` is defined twice", "first at p.s:1:1"),
    "a =": ("4: error: a value is missing", None),
    "lui a0, %hi": ("12: error: a modifier is followed by its operand in parentheses", None),
    "lw a0, 4(a1": ("12: error: a parenthesis is not closed", None),
    "lw a0, 4(": ("10: error: a parenthesis is not closed", None),
    "lw a0, 4()": ("10: error: these parentheses are empty", None),
    "add a0 a1, a2": ("8: error: a comma is missing between two operands", None),
    "nop /* x": ("5: error: this comment has no end", "*/ ends it"),
    "1x: nop": ("1: error: `1x` is not a label", "a name, or 1, 2, …"),
    ".width 16": ("8: error: rv32i has no 16-bit words", "widths: 32"),
    ".macro; .endm": ("7: error: a macro needs a name", ".macro NAME a, b"),
    ".macro m a:req; .endm; m": ("24: error: `m` needs its operand `a`", "m a"),
    ".macro m a; .endm; m 1, 2": ("25: error: `m` takes at most 1 operand", "m a"),
    ".macro m a; .endm; m 1 2 3": ("24: error: `m` takes at most 1 operand", "m a"),
    ".macro m; .endm; m 1": ("20: error: `m` takes no operands", "m"),
    ".macro m name; .endm; m nam=1": (
        "25: error: `m` has no parameter `nam`",
        "did you mean `name`?",
    ),
    ".macro m a, a; .endm": ("13: error: parameter `a` appears twice", None),
    ".macro m a:vararg, b; .endm": (
        "20: error: `a` takes the rest of the line: no parameter may follow it",
        None,
    ),
    ".macro m; nop": ("1: error: this .macro has no .endm", None),
    "  .rept 2; nop": ("3: error: this .rept has no .endr", None),
    ".endr": ("1: error: this .endr closes nothing", None),
    ".exitm": ("1: error: this .exitm is in no macro", None),
    ".purgem m": ("9: error: no macro named `m`", None),
    ".irp; .endr": ("5: error: .irp needs a name", ".irp name, values"),
    ".else": ("1: error: this .else belongs to no .if", None),
    ".endif": ("1: error: this .endif belongs to no .if", None),
    ".if 1; nop": ("1: error: this .if has no .endif", None),
    ".if 1; .else; .else; .endif": ("15: error: this .else follows an .else", "of p.s:1:1"),
    ".if later; .endif; later: nop": (
        "5: error: the condition is not known here",
        "it must not depend on what follows, or on the length of a branch or a gap",
    ),
    ".rept n; .endr; nop": (
        "7: error: the number is not known here",
        "it must not depend on what follows, or on the length of a branch or a gap",
    ),
    ".ifdef 1; .endif": ("1: error: .ifdef needs a name", ".ifdef SIZE"),
    ".ifc a; .endif": ("1: error: .ifc needs two texts", ".ifc a, b"),
    ".if; .endif": ("4: error: a value is missing", None),
    ".section mine; .word 5; nop": (
        "1: error: section `mine` has no flags: it would not be in memory",
        '.section mine, "aw" for data, "ax" for code, "" for neither',
    ),
    ".popsection": ("1: error: this .popsection has no .pushsection", None),
    ".previous": ("1: error: there is no section before this one", None),
    ".subsection x": ("12: error: a subsection is a number, 0 to 8192", ".subsection 1"),
    "call f@got": ("7: error: only @plt may follow a name", None),
    "csrr a0, mtvek": ("10: error: no control register named `mtvek`", "did you mean `mtvec`?"),
    "csrwi mie, 32": ("12: error: 32 does not fit `csrwi`", "0 to 31"),
    ".equiv a, 1; .equiv a, 2": ("21: error: `a` is defined twice", "first at p.s:1:8"),
    "a: nop; .set a, 2": ("14: error: `a` is defined twice", "first at p.s:1:1"),
    ".set a": ("1: error: .set needs a name and a value", ".set SIZE, 30"),
    ".weak": ("1: error: .weak needs a name", ".weak main"),
    ".fill 1, 9": ("10: error: a number cannot have 9 bytes", ".fill REPEAT, SIZE, VALUE: 0 to 8"),
    ".comm a, -1": ("10: error: .comm cannot have -1 bytes", None),
    ".comm a, 1, 3": ("13: error: an alignment of 3 is not a power of two", None),
    ".data; .byte 1; .balignw 8, 5; nop": (
        "17: error: a gap of 7 bytes is not a multiple of 2",
        None,
    ),
    ".float x": ("7: error: `x` is not a number for .float", None),
    '.error "so it is"': ("1: error: so it is", None),
    ".insn r 1, 2": ("1: error: no directive named `.insn`", "did you mean `.ifnes`?"),
    ".word \\x": (
        "7: error: this backslash has no meaning here",
        "a backslash stands before a parameter in a macro's body",
    ),
    "nop a0": ("1: error: `nop` takes no operands, not 1", "nop"),
    "addi a0, a0, 0x7fffffff + 1 - 4096": (
        "14: error: 2147479552 does not fit `addi`",
        "-2048 to 2047; li loads larger numbers into a register",
    ),
    r'.ascii "\q"': (r"8: error: `\q` is not an escape", r"\n \t \r \0 \\ \' " + r"\" \b \f \x41"),
}


@pytest.mark.parametrize("text", SENTENCES, ids=range(len(SENTENCES)))
def test_sentences(text: str) -> None:
    told = complaint(text).split("\n")
    sentence, hint = SENTENCES[text]
    assert told[0] == f"p.s:1:{sentence}"
    assert told[3:] == ([f"hint: {hint}"] if hint else [])


def test_the_c_preprocessor_is_asked_for_where_it_is_needed() -> None:
    text = "# include nothing\n  nop\n#define N 5\n"
    assert assemble(Source("p.s", text)).words == (0x13,)
    with pytest.raises(SourceError) as caught:
        assemble(Source("p.S", text.replace("# include", "# Include")))
    assert caught.value.render() == (
        "p.S:3:1: error: `#define` is for the C preprocessor\n"
        "    3 | #define N 5\n"
        "      | ^^^^^^^\n"
        "hint: gcc -E -P FILE.S > FILE.s"
    )


def test_errors_of_all_stages_are_told_in_the_order_of_the_text() -> None:
    text = "addi a0, a0, 5000\nlw a0, (\nfrob\nj far\n.byte -200\nx: x:\n.space 1048579\nfar: nop"
    lines = [line for line in complaint(text).splitlines() if "error:" in line]
    assert lines == [
        "p.s:1:14: error: 5000 does not fit `addi`",
        "p.s:2:9: error: a parenthesis is not closed",
        "p.s:3:1: error: no instruction or macro named `frob`",
        "p.s:4:3: error: +1048584 bytes are too far for `jal`",
        "p.s:5:7: error: -200 does not fit 8 bits",
        "p.s:6:4: error: `x` is defined twice",
    ]


PIECES = st.sampled_from(
    ["lw", "li", "la", "x", "a0", ":", ",", "(", ")", "+", "-", "1", "1b", "1f", "%lo", "%pcrel_lo",
     "'a'", '"t"', ".word", ".byte", ".align", ".macro", ".endm", ".set", ".org", ".space", "@l",
     ".", "\n", " ", ";", "=", ".section", ".data", ".comm", "/*", "*/", "//", "#", "\\x", "fence",
     "jalr", "beq", "0777", "08", ".machine",
     ".if", ".else", ".endif", ".ifb", ".ifc", ".ifdef", ".elseif", ".rept", ".irp", ".irpc",
     ".endr",
     "\\n", ".endm", "m", "y=", ":req", ":vararg", ".altmacro", "LOCAL", "<", ">", "!", "&&", "'a",
     ".exitm", ".purgem", ".pushsection", ".popsection", ".previous", ".subsection", ".fill",
     ".uleb128", ".p2align", ".comm", ".lcomm", ".weak", ".weakref", "csrr", "call", "jump", "@plt",
     ".equiv", "\\@", "\\()", ".float", ".incbin", ".include", ".cfi_startproc", ".error", ".end"]
)  # fmt: skip


@examples(10)
@given(st.lists(PIECES, max_size=40).map(" ".join))
def test_no_arrangement_of_tokens_makes_a_traceback(text: str) -> None:
    try:
        assemble(Source("p.s", text))
    except LoopedError as error:
        assert error.render()


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000,
        ".word " + "(" * 50_000 + "1" + ")" * 50_000,
        "lw a0, " + "1(" * 10_000,
        ".space 1 << 100",
        ".org 1 << 100",
        ".align 1 << 100",
        ".space 4000000\n" * 1000,
        ".comm x, 1 << 60",
        "/*" * 100_000,
        "1: " * 20_000 + "x",
        ".macro m x\nm \\x + \\x\nm \\x * 2\n.endm\nm 1",
        ".macro m x\nm \\x+\\x\n.endm\nm 1",
        ".rept 1 << 40\n.endr",
        "a0 = b\n" + "".join(f"a{i + 1} = a{i} + a{i}\n" for i in range(300)) + "b = a300\n.word b",
        "a0:" + "".join(f"a{i + 1} = a{i} + a{i}\n" for i in range(300)) + ".org a300",
        "".join(f"a{i} = a{i + 1}{' + 1' * 140}\n" for i in range(60)) + ".word a0",
        ".word " + "!" * 10_000 + "1",
        ".irpc x, " + "a" * 300_000 + "\n.word 1\n.endr",
        ".fill 1 << 40, 8",
        ".uleb128 x - y\n.space 1 << 30\nx:\ny:",
        ".if " * 10_000,
        ".if 1\n" * 20_000,
    ],
    ids=range(22),
)
def test_what_would_exhaust_the_machine_is_refused(text: str) -> None:
    assert complaint(text).startswith("p.s:")
