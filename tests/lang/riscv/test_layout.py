"""Sections, data, alignment, labels: where everything comes to lie, and what GNU as makes of it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.errors import Source, SourceError
from looped.image import Image, Location
from looped.registry import assemble
from tests import seeds
from tests.lang.riscv import binutils


def image(text: str) -> Image:
    return assemble(Source("t.s", text))


def content(text: str) -> bytes:
    return b"".join(word.to_bytes(4, "little") for word in image(text).words)


def test_the_name_or_a_directive_says_that_a_source_is_for_riscv() -> None:
    for found in (
        image("nop"),
        assemble(Source("t.sasm", ".machine rv32i\nnop")),
        assemble(Source("<stdin>", "nop"), machine="rv32i"),
    ):
        assert (found.machine, found.width, found.words) == ("rv32i", 32, (0x13,))


def test_bytes_are_packed_the_lowest_first() -> None:
    assert content(".byte 1, -1, 'A', 0x80\n.half 0x1234, -2") == bytes.fromhex("01ff41803412feff")
    assert content(".byte 1\n.word 0x12345678") == bytes.fromhex("0178563412000000")
    assert content(".dword -2, 1") == bytes.fromhex("feffffffffffffff0100000000000000")


def test_texts() -> None:
    assert content('.ascii "a#;", "b"\n.asciz "c", "d"') == b"a#;bc\0d\0"
    assert content(r'.string "\033[\x41é\\n\"\0"') == b'\x1b[A\xc3\xa9\\n"\0\0\0\0'


def test_sections_follow_each_other_whatever_their_order_in_the_text() -> None:
    text = """
        .bss
b:      .space 4
        .data
d:      .word 4
        .section .rodata
r:      .byte 2
        .text
t:      nop
        .section .note.GNU-stack, "", @progbits
        .word 99
        .section .extra, "aw"
x:      .word 5
        .section .text.more, "ax"
m:      nop
        .data
        .word 6
        """
    found = image(text)
    assert found.words == (0x13, 0x13, 2, 4, 6, 5, 0)
    assert dict(found.symbols) == {"t": 0, "m": 4, "r": 8, "d": 12, "x": 20, "b": 24}


def test_alignment_of_a_section_is_that_of_what_is_in_it() -> None:
    found = image("nop\n.data\n.byte 1\n.align 4\nd: .word 2")
    assert found.symbols["d"] == 32
    assert found.words == (0x13, 0, 0, 0, 1, 0, 0, 0, 2)


def test_code_is_aligned_with_nops_and_data_with_zeros() -> None:
    assert image("ret\n.align 4\nret").words == (0x8067, 0x13, 0x13, 0x13) * 2
    assert image(".byte 7\n.balign 8\nret").words == (7, 0x13, 0x8067, 0x13)
    assert content(".data\n.byte 7\n.p2align 2\n.byte 8") == b"\7\0\0\0\10\0\0\0"


def test_space_org_and_common() -> None:
    assert content(".space 2, 0xff\n.zero 1\n.skip 1\n.org 6\n.byte 1") == b"\xff\xff\0\0\0\0\1\0"
    found = image("nop\n.comm buffer, 8, 16\n.comm other, 4")
    assert found.symbols == {"buffer": 16, "other": 24}
    assert len(found.words) == 7


def test_entry_is_start_or_the_beginning() -> None:
    assert image("nop\n_start: nop").entry == 4
    assert image("nop\nmain: nop").entry == 0


def test_names_that_linkers_define() -> None:
    names = ["_etext", "_edata", "__bss_start", "_end", "__global_pointer$"]
    text = f"nop\n.data\n.word {', '.join(names)}\n.byte 1\n.bss\n.space 5"
    found = image(text)
    assert found.words[1:6] == (4, 25, 28, 33, 4 + 0x800)
    assert found.symbols == {}
    assert image("_end: nop\n.word _end").words == (0x13, 0)


def test_an_entry_between_two_words_is_refused() -> None:
    with pytest.raises(SourceError, match="`_start` is 0x1, which is not a multiple of 4"):
        image(".byte 1\n_start: .byte 2, 3, 4\nnop")


def test_start_in_a_section_that_is_not_loaded_is_no_entry() -> None:
    assert image('nop\n.section .note, ""\n_start: nop').entry == 0


def test_numbered_labels_look_back_and_forward() -> None:
    text = "1: .word 1b, 1f\n2: .word 1b, 2b, 1f\n1: .word 1b, 1f\n1:"
    assert image(text).words == (0, 20, 0, 8, 20, 20, 28)
    assert image(text).symbols == {}


def test_numbered_labels_passed_to_a_macro_are_text() -> None:
    macro = ".macro m x\n1: .word \\x, 1b\n.endm\n"
    assert image(f"{macro}1: .word 9\nm 1b\n.word 1b").words == (9, 4, 4, 4)
    macro = ".macro m x\n1: .word \\x, 1b\n.endm\n"
    assert image(f"{macro}m 1f\n1: .word 1b").words == (8, 0, 8)


def test_parameters_may_be_registers_memory_and_have_a_backslash() -> None:
    macro = ".macro m rd, from\nlw \\rd, \\from\nadd \\rd, \\rd, \\rd\n.endm\n"
    assert image(f"{macro}m t0, 4(sp)").words == image("lw t0, 4(sp)\nadd t0, t0, t0").words


def test_a_label_may_have_the_name_of_a_register() -> None:
    assert image("j s1\ns1: .word s1").words == (0x0040006F, 4)


def test_assignments_and_constants() -> None:
    text = "SIZE = 3\n.equ TWICE, SIZE * 2\n.set LAST, . - start\nstart: .byte SIZE, TWICE\n"
    assert content(text + ".byte LAST") == b"\3\6\0\0"
    assert content('m: .ascii "hey"\nlength = . - m\n.byte length') == b"hey\3"


def test_operators_bind_as_in_gnu_as() -> None:
    assert image(".word 1 + 2 << 3, 4 - 1 | 2, 6 * 2 & 4, 010, 0x10").words == (17, 1, 4, 8, 16)


def test_comments_and_statements() -> None:
    text = "/* a\n * b */ nop # c ; d\nnop; nop // e\n.byte '#', ';' /* f */, '\"'\n"
    assert image(text).words == (0x13, 0x13, 0x13, 0x223B23)


def test_directives_about_files_lay_out_nothing() -> None:
    text = """
        .file "a.c"
        .option nopic
        .attribute arch, "rv32i2p1"
        .globl main
        .type main, @function
main:   nop
        .size main, . - main
        .ident "somebody"
        """
    assert image(text).words == (0x13,)


def test_parts_of_addresses() -> None:
    text = """
        lui a0, %hi(there + 4)
        lw a0, %lo(there + 4)(a0)
1:      auipc a1, %pcrel_hi(there)
        addi a1, a1, %pcrel_lo(1b)
        .org 0x1ffc
there:  .word 0
        """
    expected = "lui a0, 2\nlw a0, 0(a0)\nauipc a1, 2\naddi a1, a1, -12"
    assert image(text).words[:4] == image(expected).words


def test_li_of_a_label_takes_what_it_needs() -> None:
    near = "li a0, there\n.org 0x7fc\nthere: ret"
    far = "li a0, there\n.org 0x800\nthere: ret"
    assert image(near).words[:2] == (0x7FC00513, 0)
    assert image(far).words[:2] == image("li a0, 0x800").words


@given(st.integers(0, 40), st.integers(0, 600), st.integers(-2100, 2100))
def test_li_loads_what_it_says_however_labels_move(loads: int, gap: int, offset: int) -> None:
    """Every `li` between two labels changes the distance that it loads."""
    body = "\n".join(["li a0, last - first"] * loads)
    text = f"first: {body}\n.space {4 * gap}\nlast: li a1, last - first + {offset}\nret\n"
    found = image(text)
    distance = found.symbols["last"] - found.symbols["first"]
    assert found.words[-1] == 0x8067
    assert _loaded(list(found.words[: len(found.words) - 1]), 11) == (distance + offset) % (1 << 32)
    assert loads == 0 or _loaded(list(found.words), 10) == distance


def _loaded(words: list[int], register: int) -> int:
    """What a run of LUI and ADDI leaves in a register."""
    value = 0
    for word in words:
        opcode, rd, rs1 = word & 127, word >> 7 & 31, word >> 15 & 31
        if rd == register and opcode == 0x37:
            value = word & 0xFFFFF000
        elif rd == register and opcode == 0x13:
            imm = (word >> 20) - (word >> 31 << 12)
            value = (imm + (value if rs1 == register else 0)) % (1 << 32)
    return value


def test_words_know_the_line_that_the_user_wrote() -> None:
    found = image("nop\ncall f\nf: .byte 1\n.byte 2, 3, 4, 5\n")
    lines = [Location("t.s", n) for n in (1, 2, 2, 3, 4)]
    assert found.source_map == tuple(lines)
    assert found.location(9) == lines[2] and found.location(20) is None


def _random_source(rng: random.Random) -> str:
    """Sections, data, alignment and references between them, as both assemblers accept them."""
    lines, labels = [], [f"l{i}" for i in range(12)]
    rng.shuffle(labels)
    for label in labels:
        code = rng.random() < 0.5
        lines.append(rng.choice([".text"] if code else [".data", ".section .rodata"]))
        lines.append(f".balign {rng.choice([4, 8, 16])}\n{label}:")
        for _ in range(rng.randint(1, 6)):
            other = rng.choice(labels)
            lines.append(rng.choice(_CODE if code else _DATA).format(other))
    return "\n".join([".globl _start", ".text", "_start: nop", *lines, ".bss", ".space 20"]) + "\n"


_CODE = [
    *("la gp, __global_pointer$", "la t1, _end", "la t2, _etext", "lui t3, %hi(_edata)"),
    *(
        "la a0, {0}",
        "call {0}",
        "tail {0}",
        "lw t0, {0}",
        "sb t0, {0}, t1",
        "1: j 1b",
        "beqz a0, 1f; 1:",
    ),
    *("lui s1, %hi({0})", "addi s1, s1, %lo({0})", "sw s2, %lo({0})(s1)", "li t2, 0x12345", "ret"),
]
_DATA = [
    *(".word {0}, {0} + 4", ".byte 1, 2, 3", ".half 5", '.asciz "text"', ".align 2", ".space 3"),
    *(".space 2, 7", ".dword 9"),
]

if binutils.FOUND:

    @pytest.mark.parametrize("seed", range(20))
    def test_gnu_as_and_ld_make_the_same_memory(seed: int, tmp_path: Path) -> None:
        text = _random_source(seeds.rng(seed))
        ours = binutils.without_zeros(list(image(text).words))
        assert ours == binutils.loaded_words(text, tmp_path)
