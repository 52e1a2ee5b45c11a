"""ELF files to images: linked 32-bit RISC-V programs, with their symbols and source lines.

A program may be linked to any addresses that one or two regions of memory hold.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from looped.errors import FileError
from looped.files import open_regular, read_bytes
from looped.image.image import Image, Location
from looped.image.segments import Placed, Segment, place, without_headers

__all__ = ["ROOM", "is_elf", "load_elf"]

ROOM = 1 << 18
"""Words beyond a program, 1 MiB: C programs expect a heap and a stack there. Columns that a program
does not use cost nothing until it does."""

_LARGEST_FILE = 64 << 20
_MAGIC = b"\x7fELF"
_FLOATING = 6
_BASE = "rv32i"
_MARCH = "build it with -march=rv32im -mabi=ilp32"
_STATIC = "link it with -static -no-pie"
_TYPES = {"ET_REL": "is not linked yet: it is an object file", "ET_DYN": "is position independent"}
_TYPE_HINTS = {"ET_REL": "link it, with its entry and its addresses", "ET_DYN": _STATIC}


def is_elf(path: Path) -> bool:
    """Whether a file begins as ELF files do; false if it cannot be read."""
    try:
        with open_regular(path, _LARGEST_FILE) as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except FileError:
        return False


def load_elf(path: Path, machine_for: Callable[[str], str | None], most: int) -> Image:
    """The program in an ELF file: its segments, symbols, entry and source lines.

    `machine_for` names the machine for an architecture as linkers name it, such as `rv32i2p1_m2p0`.
    Raises FileError unless the file is a whole, linked RV32 program that a memory of `most` words
    holds, for an architecture that has a machine. A program may say that it has compressed
    instructions: one that executes one traps.
    """
    from elftools.elf.elffile import ELFFile

    content = read_bytes(path, _LARGEST_FILE)
    if not content.startswith(_MAGIC):
        raise FileError(f"{path} is not an ELF file")
    try:
        file = ELFFile(io.BytesIO(content))
        _check(path, file)
        return _Loader(path, file, content, machine_for, most).image()
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
    if any(file.iter_segments("PT_INTERP")):
        raise FileError(f"{path} needs shared libraries, which only Linux loads", hint=_STATIC)
    if flags & _FLOATING:
        raise FileError(f"{path} passes floating-point registers, which RV32I lacks", hint=_MARCH)


class _Loader:
    """Makes an image from one file, for a machine of at most `most` words."""

    def __init__(
        self,
        path: Path,
        file: Any,
        content: bytes,
        machine_for: Callable[[str], str | None],
        most: int,
    ) -> None:
        self.path = path
        self.machine_for = machine_for
        self.file = file
        self.content = content
        self.most = most
        self._segments: list[Segment] = []

    def image(self) -> Image:
        """The image; entry and symbols are addresses of the file."""
        placed, entry = self._placed(), self.file["e_entry"]
        if placed.regions.index(entry) >= len(placed.words):
            raise FileError(f"{self.path} begins at {entry:#x}, where nothing is loaded")
        if entry % 4:
            raise FileError(
                f"{self.path} begins at {entry:#x}, which is not a multiple of 4",
                hint="compressed code may begin there: build with -march=rv32im",
            )
        return Image(
            machine=self._machine(),
            width=32,
            words=placed.words,
            symbols=dict(self._symbols()),
            source_map=self._source_map(placed),
            entry=entry,
            addresses_per_word=4,
            regions=placed.regions,
            linked=True,
            constants=frozenset(self._constants()),
        )

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

    def _placed(self) -> Placed:
        """The segments in memory. Raises FileError if there are none, or no memory holds them."""
        loads = map(self._segment, self._loads())
        self._segments = [segment for segment in loads if segment is not None]
        if not self._segments:
            raise FileError(f"{self.path} has nothing to load")
        placed = place(self._segments, ROOM, self.most)
        if isinstance(placed, Placed):
            return placed
        first, end = placed
        raise FileError(
            f"{self.path} needs memory from {first:#x} to {end:#x}",
            hint=f"a machine has at most {4 * self.most:#x} bytes, in one or two regions",
        )

    def _loads(self) -> list[Any]:
        return [segment for segment in self.file.iter_segments("PT_LOAD") if segment["p_memsz"]]

    def _segment(self, segment: Any) -> Segment | None:
        """A segment with its content, without pages of headers. Raises FileError."""
        start, size = segment["p_offset"], min(segment["p_filesz"], segment["p_memsz"])
        if start + size > len(self.content):
            raise FileError(f"{self.path} is truncated: a segment ends after the end of the file")
        physical, virtual = segment["p_paddr"], segment["p_vaddr"]
        if max(physical, virtual) + segment["p_memsz"] > 1 << 32:
            raise FileError(f"{self.path} has a segment at {physical:#x} that is too large")
        if segment["p_memsz"] > 4 * self.most:
            raise FileError(
                f"{self.path} needs memory from {physical:#x} to "
                f"{physical + segment['p_memsz']:#x}",
                hint=f"a machine has at most {4 * self.most:#x} bytes",
            )
        content = self.content[start : start + size]
        whole = Segment(physical, virtual, content, segment["p_memsz"])
        headers = self.file["e_ehsize"] + self.file["e_phnum"] * self.file["e_phentsize"]
        return without_headers(whole, headers) if start == 0 and size >= headers else whole

    def _symbols(self) -> Iterator[tuple[str, int]]:
        for symbol in self._named():
            yield symbol.name, symbol["st_value"]

    def _constants(self) -> Iterator[str]:
        """The symbols that name nothing in a segment: absolute ones, and ends of sections."""
        extents = [extent for each in self._segments for extent in each.extents]
        for symbol in self._named():
            loaded = any(first <= symbol["st_value"] < end for first, end in extents)
            if symbol["st_shndx"] == "SHN_ABS" or not loaded:
                yield symbol.name

    def _named(self) -> Iterator[Any]:
        table = self.file.get_section_by_name(".symtab")
        for symbol in table.iter_symbols() if table is not None else ():
            kind, place = symbol["st_info"]["type"], symbol["st_shndx"]
            plain = symbol.name and symbol.name[0] not in ".$"
            if plain and kind not in ("STT_FILE", "STT_SECTION") and place != "SHN_UNDEF":
                yield symbol

    def _source_map(self, placed: Placed) -> tuple[Location | None, ...]:
        """Where each word comes from, as the debugger's line table has it; empty without one."""
        if not self.file.has_dwarf_info():
            return ()
        places: list[Location | None] = [None] * len(placed.words)
        try:
            for start, end, location in _lines(self.file.get_dwarf_info()):
                for address in range(start // 4 * 4, min(end, start + 4 * len(places)), 4):
                    index = placed.regions.index(address)
                    if index < len(places):
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
