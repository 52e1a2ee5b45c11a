"""ELF files to images: linked 32-bit RISC-V programs, with their symbols and source lines.

A program may be linked to addresses from 0, or from 0x80000000, where RISC-V boards have their
memory: the machine ignores bit 31 of an address, so the program runs unchanged.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from looped.errors import FileError
from looped.files import open_regular, read_bytes
from looped.image.image import Image, Location

__all__ = ["is_elf", "load_elf"]

_LARGEST_FILE = 64 << 20
_LARGEST_MEMORY = 4 << 20
_MAGIC = b"\x7fELF"
_HIGH = 0x80000000
_COMPRESSED, _FLOATING = 1, 6
_BASE = "rv32i"
_MARCH = f"build it with -march={_BASE} -mabi=ilp32"
_TYPES = {"ET_REL": "is not linked yet: it is an object file", "ET_DYN": "is position independent"}
_TYPE_HINTS = {"ET_REL": "link it, with its entry and its addresses", "ET_DYN": "-static -no-pie"}


def is_elf(path: Path) -> bool:
    """Whether a file begins as ELF files do; false if it cannot be read."""
    try:
        with open_regular(path, _LARGEST_FILE) as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except FileError:
        return False


def load_elf(path: Path, machine_for: Callable[[str], str | None]) -> Image:
    """The program in an ELF file: its segments, symbols, entry and source lines.

    `machine_for` names the machine for an architecture as linkers name it, such as `rv32i2p1_m2p0`.
    Raises FileError unless the file is a whole, linked RV32 program without compressed instructions
    that needs at most 4 MB, for an architecture that has a machine.
    """
    from elftools.elf.elffile import ELFFile

    content = read_bytes(path, _LARGEST_FILE)
    if not content.startswith(_MAGIC):
        raise FileError(f"{path} is not an ELF file")
    try:
        file = ELFFile(io.BytesIO(content))
        _check(path, file)
        return _Loader(path, file, content, machine_for).image()
    except FileError:
        raise
    except Exception:  # pyelftools documents no exceptions for damaged files
        raise FileError(f"{path} is a damaged ELF file") from None


def _check(path: Path, file: Any) -> None:
    """Refuse what the machine cannot execute."""
    kind, flags = file["e_type"], file["e_flags"]
    if file.elfclass != 32:
        raise FileError(f"{path} is a 64-bit ELF file, and RV32I has 32 bits", hint=_MARCH)
    if not file.little_endian:
        raise FileError(f"{path} is a big-endian ELF file, and RV32I is little-endian")
    if file["e_machine"] != "EM_RISCV":
        raise FileError(f"{path} is for {file.get_machine_arch()}, not for RISC-V")
    if kind != "ET_EXEC":
        why = _TYPES.get(kind, "is not a program")
        raise FileError(f"{path} {why}", hint=_TYPE_HINTS.get(kind))
    if flags & _COMPRESSED:
        raise FileError(f"{path} has compressed instructions, which RV32I lacks", hint=_MARCH)
    if flags & _FLOATING:
        raise FileError(f"{path} passes floating-point registers, which RV32I lacks", hint=_MARCH)


class _Loader:
    """Makes an image from one file."""

    def __init__(
        self, path: Path, file: Any, content: bytes, machine_for: Callable[[str], str | None]
    ) -> None:
        self.path = path
        self.machine_for = machine_for
        self.file = file
        self.content = content
        self.segments = [s for s in file.iter_segments("PT_LOAD") if s["p_memsz"]]
        if not self.segments:
            raise FileError(f"{path} has nothing to load")
        self.base = _HIGH if min(s["p_vaddr"] for s in self.segments) >= _HIGH else 0

    def image(self) -> Image:
        """The image; entry and symbols are addresses of the file."""
        memory = self._memory()
        words = tuple(int.from_bytes(memory[i : i + 4], "little") for i in range(0, len(memory), 4))
        entry = self.file["e_entry"]
        if not 0 <= entry - self.base < len(memory):
            raise FileError(f"{self.path} begins at {entry:#x}, where nothing is loaded")
        if entry % 4:
            raise FileError(f"{self.path} begins at {entry:#x}, which is not a multiple of 4")
        symbols = dict(self._symbols())
        return Image(self._machine(), 32, words, symbols, self._source_map(len(words)), entry, 4)

    def _machine(self) -> str:
        """The machine for the architecture of the program. Raises FileError if there is none."""
        architecture = self._architecture()
        machine = self.machine_for(architecture)
        if machine is None:
            raise FileError(f"{self.path} is for {architecture}, which no machine runs")
        return machine

    def _architecture(self) -> str:
        """The architecture as the linker states it, the base integer set if it states none."""
        section = self.file.get_section_by_name(".riscv.attributes")
        for vendor in section.iter_subsections() if section is not None else ():
            for part in vendor.iter_subsubsections():
                for attribute in part.iter_attributes("TAG_ARCH"):
                    return str(attribute.value)
        return _BASE

    def _memory(self) -> bytearray:
        end = max(s["p_vaddr"] - self.base + s["p_memsz"] for s in self.segments)
        if end > _LARGEST_MEMORY:
            message = f"{self.path} needs memory up to address {end:#x}"
            raise FileError(
                message, hint=f"at most {_LARGEST_MEMORY:#x}: link it to lower addresses"
            )
        memory = bytearray(-(-end // 4) * 4)
        for segment in self.segments:
            start, size = segment["p_offset"], min(segment["p_filesz"], segment["p_memsz"])
            if start + size > len(self.content):
                raise FileError(
                    f"{self.path} is truncated: a segment ends after the end of the file"
                )
            address = segment["p_vaddr"] - self.base
            memory[address : address + size] = self.content[start : start + size]
        return memory

    def _symbols(self) -> Iterator[tuple[str, int]]:
        table = self.file.get_section_by_name(".symtab")
        for symbol in table.iter_symbols() if table is not None else ():
            kind, place = symbol["st_info"]["type"], symbol["st_shndx"]
            plain = symbol.name and symbol.name[0] not in ".$"
            if not plain or kind in ("STT_FILE", "STT_SECTION") or place == "SHN_UNDEF":
                continue
            yield symbol.name, symbol["st_value"]

    def _source_map(self, words: int) -> tuple[Location | None, ...]:
        """Where each word comes from, as the debugger's line table has it; empty without one."""
        if not self.file.has_dwarf_info():
            return ()
        places: list[Location | None] = [None] * words
        try:
            for start, end, location in _lines(self.file.get_dwarf_info()):
                first = max(0, start - self.base) // 4
                for index in range(first, min(words, -(-(end - self.base) // 4))):
                    places[index] = location
        except Exception:  # pyelftools again: damaged debug information, but the program is intact
            return ()
        return tuple(places) if any(places) else ()


def _lines(dwarf: Any) -> Iterator[tuple[int, int, Location]]:
    """Runs of addresses, `start` to `end`, with the source line of each."""
    for unit in dwarf.iter_CUs():
        program = dwarf.line_program_for_CU(unit)
        if program is None:
            continue
        first = 0 if program["version"] >= 5 else 1
        names = [entry.name.decode("utf-8", "replace") for entry in program["file_entry"]]
        before = None
        for entry in program.get_entries():
            state = entry.state
            if state is None:
                continue
            if before is not None and state.address > before.address:
                name = names[before.file - first]
                yield before.address, state.address, Location(name, before.line)
            before = None if state.end_sequence else state
