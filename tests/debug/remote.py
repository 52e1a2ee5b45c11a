"""The real gdb, attached to `looped debug --gdb` in another process."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

__all__ = ["COMPILER", "GDB", "LINKER", "gdb_session"]

ROOT = Path(__file__).parents[2]
GDB = shutil.which("gdb-multiarch") or shutil.which("riscv64-unknown-elf-gdb")
COMPILER = shutil.which("riscv64-unknown-elf-gcc")


def _linker() -> list[str] | None:
    if COMPILER is None and shutil.which("clang") and shutil.which("ld.lld"):
        return ["clang", "--target=riscv32", "-mno-relax", "-fuse-ld=lld"]
    return None if COMPILER is None else [COMPILER]


LINKER = _linker()
"""How a command line begins that makes an ELF file from assembly."""


def gdb_session(elf: Path, commands: Iterable[str], folder: Path, *options: str) -> str:
    """What gdb prints for commands after it has attached to a program; `options` are of looped."""
    assert GDB is not None
    command = [sys.executable, "-m", "looped", "debug", str(elf), "--gdb", ":0", *options]
    stub = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert stub.stderr is not None
        where = stub.stderr.readline().strip().removeprefix("waiting for gdb: ")
        script = folder / "script.gdb"
        address = f"python where = '{where.removeprefix('target remote ')}'"
        script.write_text("\n".join(["set pagination off", address, where, *commands, ""]))
        done = subprocess.run(
            [GDB, "-batch", "-x", script, elf],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
    finally:
        stub.kill()
        stub.wait()
    return done.stdout
