"""ELF files: what is in them is loaded, and what cannot be run is refused in one sentence."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import looped
from looped.errors import CompileError, FileError
from looped.image import Image, Location
from looped.image.elf import is_elf
from looped.registry import load_elf_program
from tests import seeds
from tests.lang.riscv import binutils

CODE = bytes.fromhex("13000000 93020000 73000000")


def elf(
    *segments: tuple[int, bytes, int] | tuple[int, bytes, int, int],
    entry: int = 0,
    kind: int = 2,
    machine: int = 243,
    flags: int = 0,
    symbols: tuple[tuple[str, int, int, int], ...] = (),
) -> bytes:
    """A small ELF32 file of segments (address, content, size in memory) and symbols.

    A segment may also have the physical address, if that is another one.

    A symbol is its name, its value, its type and the section that it belongs to.
    """
    place = 52 + 32 * len(segments)
    headers, contents = b"", b""
    for address, content, size, *physical in segments:
        offset, load = place + len(contents), physical[0] if physical else address
        headers += struct.pack("<8I", 1, offset, address, load, len(content), size, 7, 4)
        contents += content
    body = headers + contents
    names, table = b"\0", bytes(16)
    for name, value, info, section in symbols:
        table += struct.pack("<IIIBBH", len(names), value, 0, info, 0, section)
        names += name.encode() + b"\0"
    strings = b"\0.symtab\0.strtab\0"
    at = 52 + len(body)
    tables = [(1, 2, at, len(table), 2, 16), (9, 3, at + len(table), len(names), 0, 0)]
    tables.append((9, 3, at + len(table) + len(names), len(strings), 0, 0))
    sections = bytes(40)
    for name_at, type_, offset, size, linked, entry_size in tables:
        sections += struct.pack(
            "<10I", name_at, type_, 0, 0, offset, size, linked, 0, 1, entry_size
        )
    body += table + names + strings
    identity = b"\x7fELF\1\1\1" + bytes(9)
    header = struct.pack(
        "<HHIIIIIHHHHHH",
        *(kind, machine, 1, entry, 52, 52 + len(body), flags, 52, 32, len(segments), 40, 4, 3),
    )
    return identity + header + body + sections


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.elf"


def load(path: Path, content: bytes) -> Image:
    path.write_bytes(content)
    return load_elf_program(path)


def test_segments_become_words_and_what_is_between_them_is_zero(path: Path) -> None:
    image = load(path, elf((0, CODE, 12), (17, b"\1\2", 9), entry=4))
    assert image.words == (0x13, 0x293, 0x73, 0, 0x00020100, 0, 0)
    assert (image.machine, image.width, image.entry, image.addresses_per_word) == (
        "rv32i",
        32,
        4,
        4,
    )
    assert image.location(0) is None


def test_symbols_are_functions_objects_and_constants(path: Path) -> None:
    symbols = (
        ("main", 4, 2, 1),
        ("data", 8, 1, 1),
        ("label", 0, 0, 1),
        ("SIZE", 77, 0, 0xFFF1),
        ("_end", 12, 0, 1),
        ("missing", 0, 0, 0),
        ("main.c", 0, 4, 0xFFF1),
        (".L1", 0, 0, 1),
        ("$x", 0, 0, 1),
    )
    image = load(path, elf((0, CODE, 12), symbols=symbols))
    assert dict(image.symbols) == {"main": 4, "data": 8, "label": 0, "SIZE": 77, "_end": 12}
    assert image.constants == {"SIZE", "_end"}, "an absolute symbol, and what is in no segment"


def test_what_is_linked_high_keeps_its_addresses(path: Path) -> None:
    high = 0x80000000
    symbols = (("tohost", high + 8, 1, 1), ("SIZE", 77, 0, 0xFFF1))
    image = load(path, elf((high, CODE, 12), entry=high + 4, symbols=symbols))
    assert image.words == (0x13, 0x293, 0x73)
    assert (image.entry, dict(image.symbols)) == (high + 4, {"tohost": high + 8, "SIZE": 77})


def test_the_command_line_and_the_api_know_elf_files_by_their_content(path: Path) -> None:
    other = path.with_name("rv32ui-p-add")
    other.write_bytes(elf((0, CODE, 12)))
    assert looped.assemble(other).words == (0x13, 0x293, 0x73)
    assert not is_elf(path.with_name("none"))
    with pytest.raises(CompileError, match="rv32ui-p-add is a program for rv32i, 32 bits"):
        looped.assemble(other, machine="subleq")


GOOD = elf((0, CODE, 12))
WRONG = {
    "is not an ELF file": b"\x7fELX" + GOOD[4:],
    "is a 64-bit ELF file, and RV32I has 32 bits": GOOD[:4] + b"\2" + GOOD[5:],
    "is for x86, not for RISC-V": elf((0, CODE, 12), machine=3),
    "is not linked yet: it is an object file": elf((0, CODE, 12), kind=1),
    "is position independent": elf((0, CODE, 12), kind=3),
    "passes floating-point registers, which RV32I lacks": elf((0, CODE, 12), flags=2),
    "has nothing to load": elf(),
    "begins at 0x40, where nothing is loaded": elf((0, CODE, 12), entry=0x40),
    "begins at 0x2, which is not a multiple of 4": elf((0, CODE, 12), entry=2),
    "needs memory from 0x0 to 0xf000000c": elf(
        (0, CODE, 12), (0x70000000, CODE, 12), (0xF0000000, CODE, 12)
    ),
    "is a damaged ELF file": GOOD[:40],
}


@pytest.mark.parametrize("message", WRONG)
def test_what_cannot_be_run_is_refused(message: str, path: Path) -> None:
    with pytest.raises(FileError) as caught:
        load(path, WRONG[message])
    assert str(caught.value) == f"{path} {message}"


def test_a_big_endian_file_is_refused(path: Path) -> None:
    header = struct.pack(">HHIIIIIHHHHHH", 2, 243, 1, 0, 52, 0, 0, 52, 32, 0, 40, 0, 0)
    with pytest.raises(FileError, match="is a big-endian ELF file, and RV32I is little-endian"):
        load(path, b"\x7fELF\1\2\1" + bytes(9) + header)


def test_a_truncated_segment_is_refused(path: Path) -> None:
    content = elf((0, CODE, 12))
    with pytest.raises(FileError, match="is truncated|is a damaged"):
        load(path, content[:90])


@given(
    length=st.integers(0, len(GOOD)),
    changes=st.lists(st.tuples(st.integers(0, 250), st.integers(0, 255))),
)
def test_damaged_files_make_no_traceback(
    length: int, changes: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = bytearray(GOOD[:length])
    for at, byte in changes:
        if at < len(content):
            content[at] = byte
    path = tmp_path_factory.getbasetemp() / "damaged.elf"
    try:
        assert load(path, bytes(content)).words
    except FileError as error:
        assert str(path) in str(error)


if binutils.FOUND:

    def test_what_gnu_ld_links_is_what_the_assembler_makes(tmp_path: Path) -> None:
        text = """
            .globl _start
            .text
            nop
    _start: la a0, message
            call f
            ecall
    f:      lw a1, number
            ret
            .data
    message: .asciz "hello"
            .align 2
    number: .word 5, message
            .bss
    room:   .space 40
            """
        ours = looped.assemble(_saved(tmp_path / "t.s", text))
        image = load_elf_program(binutils.link(text, tmp_path))
        assert image.words == ours.words
        assert image.entry == ours.entry
        assert {name: image.symbols[name] for name in ours.symbols} == ours.symbols

    def test_lines_of_the_debugger_are_the_source_map(tmp_path: Path) -> None:
        _saved(tmp_path / "t.s", ".globl _start\n_start: nop\n\n la a0, x\n.data\nx: .word 1\n")
        run = ["riscv64-unknown-elf-as", "-march=rv32i", "-mabi=ilp32", "-g", "-mno-relax", "t.s"]
        subprocess.run([*run, "-o", "t.o"], cwd=tmp_path, check=True)
        link = ["riscv64-unknown-elf-ld", "-melf32lriscv", "--no-relax", "-Ttext", "0", "t.o"]
        subprocess.run([*link, "-o", "t.elf"], cwd=tmp_path, check=True, capture_output=True)
        image = load_elf_program(tmp_path / "t.elf")
        assert [image.location(4 * i) for i in range(3)] == [
            Location("t.s", 2),
            Location("t.s", 4),
            Location("t.s", 4),
        ]

    def test_damaged_files_of_gnu_ld_make_no_traceback(tmp_path: Path) -> None:
        good = binutils.link(
            ".globl _start\n_start: nop\n.data\nx: .word x\n", tmp_path
        ).read_bytes()
        rng = seeds.rng(5)
        for _ in range(200):
            content = bytearray(good)
            for _ in range(rng.randint(1, 4)):
                content[rng.randrange(len(content))] = rng.randrange(256)
            try:
                assert load(tmp_path / "b.elf", bytes(content)).words
            except FileError as error:
                assert "b.elf" in str(error)


def _saved(path: Path, text: str) -> Path:
    path.write_text(text)
    return path
