"""GNU binutils for RISC-V, where they are installed: what another assembler makes of a text."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

PREFIX = "riscv64-unknown-elf-"
FOUND = shutil.which(PREFIX + "as") is not None
"""Whether binutils are here; without them the tests that compare with them are not collected."""

_SCRIPT = """
ENTRY(_start)
SECTIONS {
    . = 0;
    .text : { *(.text .text.* .init .fini) _etext = .; }
    .rodata : ALIGN(4) { *(.rodata .rodata.* .srodata .srodata.*) }
    .data : ALIGN(4) {
        __global_pointer$ = . + 0x800;
        *(.init_array .data .data.* .sdata .sdata.*)
        _edata = .;
    }
    .bss : ALIGN(4) { __bss_start = .; *(.sbss .sbss.* .bss .bss.* COMMON) _end = .; }
    /DISCARD/ : { *(.note.* .comment .riscv.attributes .eh_frame) }
}
"""


def link(text: str, folder: Path, include: Path = Path(), options: tuple[str, ...] = ()) -> Path:
    """Assemble and link a text in a folder, without relaxation; the ELF file. The assembler is
    given `options` of the caller."""
    (folder / "a.s").write_text(text)
    (folder / "a.ld").write_text(_SCRIPT)
    _run(
        "as",
        "-march=rv32im_zicsr_zifencei",
        "-mabi=ilp32",
        "-mno-relax",
        f"-I{include}",
        *options,
        "a.s",
        "-o",
        "a.o",
        folder=folder,
    )
    linking = ["-melf32lriscv", "--no-relax", "--no-warn-rwx-segments", "-T", "a.ld"]
    _run("ld", *linking, "a.o", "-o", "a.elf", folder=folder)
    return folder / "a.elf"


def loaded_words(text: str, folder: Path, include: Path = Path()) -> list[int]:
    """The words of a text in memory from address 0, without zeros at the end."""
    _run("objcopy", "-O", "binary", str(link(text, folder, include)), "a.bin", folder=folder)
    content = (folder / "a.bin").read_bytes()
    content += bytes(-len(content) % 4)
    words = [int.from_bytes(content[i : i + 4], "little") for i in range(0, len(content), 4)]
    return without_zeros(words)


def loaded(text: str, folder: Path) -> tuple[list[int], dict[str, int]]:
    """The words of a compiler's text in memory, without zeros at the end, and its symbols.

    Texts are not merged, as `ld` does with those that are equal, addresses are
    not read from a table as `.option pic` asks for, and what GNU as does not know of
    Clang's is left out: tables of addresses, and debug sections with numbers that depend on labels.
    """
    text = _without_merging(text.replace(".option pic", ".option nopic"))
    words = loaded_words(_without_debug(text), folder)
    told = _run("nm", "a.elf", folder=folder)
    rows = [row.split() for row in told.splitlines()]
    outside = {"_etext", "_edata", "_end", "__bss_start", "__global_pointer$"}
    symbols = {row[-1]: int(row[0], 16) for row in rows if len(row) == 3}
    return words, {k: v for k, v in symbols.items() if k not in outside and k[0] not in "$."}


def _without_merging(text: str) -> str:
    return re.sub(r'"aMS?",\s*@progbits,\s*\d+', '"a"', text)


def _without_debug(text: str) -> str:
    lines, skipping = [], False
    for line in text.splitlines():
        words = line.split()
        if words and words[0] in (".section", ".text", ".data", ".bss"):
            skipping = len(words) > 1 and words[1].startswith(".debug")
        if not skipping and (not words or not words[0].startswith(".addrsig")):
            lines.append(line)
    return "\n".join(lines) + "\n"


def without_zeros(words: list[int]) -> list[int]:
    """Words up to the last that is not zero."""
    last = max((i for i, word in enumerate(words) if word), default=-1)
    return words[: last + 1]


def _run(tool: str, *arguments: str, folder: Path) -> str:
    command = [PREFIX + tool, *arguments]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout
