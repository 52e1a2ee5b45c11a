"""GNU binutils for RISC-V, where they are installed: what another assembler makes of a text."""

from __future__ import annotations

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
    .text : { *(.text .text.*) _etext = .; }
    .rodata : ALIGN(4) { *(.rodata .rodata.* .srodata .srodata.*) }
    .data : ALIGN(4) {
        __global_pointer$ = . + 0x800;
        *(.data .data.* .sdata .sdata.*)
        _edata = .;
    }
    .bss : ALIGN(4) { __bss_start = .; *(.sbss .sbss.* .bss .bss.* COMMON) _end = .; }
    /DISCARD/ : { *(.note.* .comment .riscv.attributes) }
}
"""


def link(text: str, folder: Path, include: Path = Path(), options: tuple[str, ...] = ()) -> Path:
    """Assemble and link a text in a folder, without relaxation; the ELF file. The assembler is
    given `options` of the caller."""
    (folder / "a.s").write_text(text)
    (folder / "a.ld").write_text(_SCRIPT)
    _run(
        "as",
        "-march=rv32i",
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


def without_zeros(words: list[int]) -> list[int]:
    """Words up to the last that is not zero."""
    last = max((i for i, word in enumerate(words) if word), default=-1)
    return words[: last + 1]


def _run(tool: str, *arguments: str, folder: Path) -> None:
    command = [PREFIX + tool, *arguments]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
