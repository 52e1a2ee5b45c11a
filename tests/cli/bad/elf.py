"""ELF files: linked RISC-V programs, and what else there is in that format."""

from __future__ import annotations

import struct

from tests.cli.bad.case import Case
from tests.image.test_elf import elf

__all__ = ["ELF"]

_CODE = struct.pack("<3I", 0x13, 0x00500293, 0x73)
_GOOD = elf((0, _CODE, 12))


def _patched(at: int, *new: int) -> bytes:
    return _GOOD[:at] + bytes(new) + _GOOD[at + len(new) :]


def _elf(what: str, content: bytes, message: str) -> Case:
    return Case(what, "run a.elf", 4, f"error: a.elf {message}", {"a.elf": content})


ELF = [
    _elf("nothing but the magic", b"\x7fELF", "is a damaged ELF file"),
    _elf("half a header", _GOOD[:30], "is a damaged ELF file"),
    _elf("half a segment", _GOOD[:90], "is truncated: a segment ends after the end of the file"),
    _elf("64 bits", _patched(4, 2), "is a 64-bit ELF file, and RV32I has 32 bits"),
    _elf("a class that is none", _patched(4, 77), "is a damaged ELF file"),
    _elf("x86", elf((0, _CODE, 12), machine=3), "is for x86, not for RISC-V"),
    _elf("an object file", elf((0, _CODE, 12), kind=1), "is not linked yet: it is an object file"),
    _elf("a shared object", elf((0, _CODE, 12), kind=3), "is position independent"),
    _elf("a core dump", elf((0, _CODE, 12), kind=4), "is not a program"),
    _elf(
        "floating point",
        elf((0, _CODE, 12), flags=2),
        "passes floating-point registers, which RV32I lacks",
    ),
    _elf("no segments", elf(), "has nothing to load"),
    _elf(
        "an entry outside",
        elf((0, _CODE, 12), entry=0x40),
        "begins at 0x40, where nothing is loaded",
    ),
    _elf(
        "a segment far away",
        elf((0x500000, _CODE, 12)),
        "begins at 0x0, where nothing is loaded",
    ),
    _elf(
        "a segment of gigabytes",
        elf((0, _CODE, 0x7FFFFFFF)),
        "needs memory from 0x0 to 0x7fffffff",
    ),
    _elf(
        "a segment behind the end",
        _patched(56, 0xFF, 0xFF),
        "is truncated: a segment ends after the end of the file",
    ),
    _elf("headers of no size", _patched(42, 0, 0), "is a damaged ELF file"),
    _elf("65,535 segments", _patched(44, 0xFF, 0xFF), "has nothing to load"),
    Case(
        "another machine",
        "asm a.elf --machine subleq",
        5,
        "error: a.elf is a program for rv32i, 32 bits",
        {"a.elf": _GOOD},
    ),
    Case(
        "another width",
        "asm a.elf --width 16",
        5,
        "error: a.elf is a program for rv32i, 32 bits",
        {"a.elf": _GOOD},
    ),
    Case(
        "baked, though it might change itself",
        "compile --bake a.elf --memory 32",
        5,
        "error: an rv32i program cannot be baked into the weights: its jump targets are "
        "known only when it runs",
        {"a.elf": _GOOD},
    ),
]
"""What begins as ELF files do."""
