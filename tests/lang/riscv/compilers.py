"""C compilers for RISC-V, where they are installed: the assembly that they make of a C file."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.lang.riscv import binutils

FOLDER = Path(__file__).parent / "c"
"""C files of our own, one for each thing that compilers write in a way of its own."""

_GCC = (f"{binutils.PREFIX}gcc", "-march=rv32im", "-mabi=ilp32")
_CLANG = ("clang", "--target=riscv32", "-march=rv32im", "-mabi=ilp32", "-mno-relax")
_OUTSIDE = ("memcpy", "memset", "memmove", "strlen", "__riscv_save_0", "__riscv_restore_0")


@dataclass(frozen=True, slots=True)
class Compiler:
    """A way to call a compiler."""

    command: tuple[str, ...]

    @property
    def is_here(self) -> bool:
        """Whether it is installed, and knows RISC-V."""
        return _knows_riscv(self.command)

    def __str__(self) -> str:
        name = "clang" if self.command[0] == "clang" else "gcc"
        return "".join([name, *self.command[len(_GCC if name == "gcc" else _CLANG) :]])

    def assembly(self, path: Path) -> str:
        """The assembly of a C file, with the functions of the compiler's library defined."""
        options = ("-ffreestanding", "-S", "-o", "-", str(path))
        made = subprocess.run([*self.command, *options], capture_output=True, text=True, check=True)
        outside = [name for name in _OUTSIDE if name in made.stdout]
        return made.stdout + "".join(
            f"\t.text\n\t.globl {name}\n{name}:\tret\n" for name in outside
        )


COMPILERS = [
    Compiler((*_GCC, *options))
    for options in (
        ("-O0",),
        ("-O2",),
        ("-Os",),
        ("-O2", "-g"),
        ("-O1", "-fPIC", "-fasynchronous-unwind-tables"),
        ("-O2", "-ffunction-sections", "-fdata-sections"),
        ("-O0", "-g3", "-fverbose-asm"),
    )
] + [Compiler((*_CLANG, *options)) for options in (("-O0",), ("-O2",), ("-Os", "-g"))]
"""GCC and Clang, with the options that change most of what they write."""


def _knows_riscv(command: tuple[str, ...]) -> bool:
    if shutil.which(command[0]) is None:
        return False
    test = [*command, "-S", "-x", "c", "-o", "-", "-"]
    return subprocess.run(test, input="int x;", capture_output=True, text=True).returncode == 0
